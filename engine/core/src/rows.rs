//! The rows of the read models, and the batch of everything a turn leaves outside the engine.
//!
//! One function (`project.rs`) fills them after every `evolve`, in the live run and in a rebuild
//! alike, so that a rebuilt table equals the live one cell by cell. Field order is column order.

use crate::units::Nanos;

/// A row of `accounts`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct AccountRow {
    pub account_id: String,
    pub owner: String,
    pub kind: &'static str,
    pub currency: String,
    pub cash: String,
    pub held: String,
    pub equity: String,
    pub buying_power: String,
    pub unrealized_pl: String,
    pub realized_pl: String,
    pub status: &'static str,
    /// Further members of the account, as JSON; empty when there is none.
    pub details: String,
    pub seq: u64,
}

/// A row of `positions`; a flat position stays with quantity 0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PositionRow {
    pub account_id: String,
    pub symbol: String,
    pub qty: String,
    pub avg_entry_price: String,
    pub cost_basis: String,
    pub realized_pl: String,
    /// Further members of the position, as JSON; empty when there is none.
    pub details: String,
    pub seq: u64,
}

/// A row of `orders`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct OrderRow {
    pub order_id: String,
    pub number: u64,
    pub account_id: String,
    pub client_order_id: String,
    pub symbol: String,
    pub side: &'static str,
    pub order_type: &'static str,
    pub time_in_force: &'static str,
    pub qty: String,
    pub filled_qty: String,
    pub filled_avg_price: Option<String>,
    pub limit_price: Option<String>,
    pub stop_price: Option<String>,
    pub status: &'static str,
    pub reason: Option<&'static str>,
    /// Further members of the order, as JSON; empty when there is none.
    pub details: String,
    pub created_ns: Nanos,
    pub updated_ns: Nanos,
    pub seq: u64,
}

/// A row of `fills`; `i` is the event's place in its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FillRow {
    pub fill_id: String,
    pub order_id: String,
    pub account_id: String,
    pub symbol: String,
    pub side: &'static str,
    pub price: String,
    pub qty: String,
    pub notional: String,
    pub fee: String,
    pub liquidity: &'static str,
    pub counterparty: &'static str,
    pub realized_pl: String,
    /// Why the fill got its price, as JSON; empty when nobody kept it.
    pub receipt: String,
    pub time_ns: Nanos,
    pub seq: u64,
    pub i: u32,
}

/// A row of `ledger`; `i` is the event's place in its turn, `line` the line's place in the event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct LedgerRow {
    pub seq: u64,
    pub i: u32,
    pub line: u32,
    /// An account's UUID, or `house`, `fees`, `funding`, `clearing`.
    pub account_id: String,
    /// A currency or a symbol.
    pub asset: String,
    pub amount: String,
    pub kind: &'static str,
    pub order_id: Option<String>,
    pub time_ns: Nanos,
}

/// A row of `equity`: the last value within its minute.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct EquityRow {
    pub account_id: String,
    pub minute_ns: Nanos,
    pub equity: String,
    pub cash: String,
    pub seq: u64,
}

/// A row of `alerts`; `i` is the event's place in its turn. Of an event that alerts several
/// accounts, each after the first stands 2^32 further.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct AlertRow {
    pub seq: u64,
    pub i: u64,
    pub account_id: String,
    /// The name of the event.
    pub kind: &'static str,
    pub level: &'static str,
    pub measure: Option<&'static str>,
    pub value: Option<String>,
    pub bound: Option<String>,
    pub order_id: Option<String>,
    pub symbol: Option<String>,
    /// Further members of the alert, as JSON; empty when there is none.
    pub details: String,
    pub time_ns: Nanos,
}

/// A row of `checks`; `i` is the event's place in its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct CheckRow {
    pub seq: u64,
    pub i: u32,
    pub order_id: String,
    pub account_id: String,
    /// `passed` or `failed`.
    pub outcome: &'static str,
    /// The version of the policy; 0 where there was none.
    pub policy: u64,
    /// A bit for each check of a policy that was passed.
    pub checks: u64,
    pub reason: Option<&'static str>,
    pub value: Option<String>,
    pub bound: Option<String>,
    pub time_ns: Nanos,
    /// What was checked: a `new` order, or new terms of one (`replace`).
    pub kind: &'static str,
}

/// The rows of a batch: of each key the latest, of fills and ledger all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Upsert by `account_id`.
    pub accounts: Vec<AccountRow>,
    /// Upsert by `(account_id, symbol)`.
    pub positions: Vec<PositionRow>,
    /// Upsert by `order_id`.
    pub orders: Vec<OrderRow>,
    /// Append.
    pub fills: Vec<FillRow>,
    /// Append.
    pub ledger: Vec<LedgerRow>,
    /// Upsert by `(account_id, minute_ns)`.
    pub equity: Vec<EquityRow>,
    /// Append.
    pub alerts: Vec<AlertRow>,
    /// Append.
    pub checks: Vec<CheckRow>,
}

/// A turn as it goes onto the tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeTurn {
    /// Number of the turn.
    pub seq: u64,
    /// When it happened.
    pub time_ns: Nanos,
    /// How many market inputs there had been.
    pub market_seq: u64,
    /// Canonical JSON: `{"v":1,"kind":...,"events":[...]}`.
    pub body: String,
}

/// A private message of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Number of the turn.
    pub seq: u64,
    /// UUID text of the account it is for.
    pub account_id: String,
    /// `orders`, `fills`, `account`, `positions` or `alerts`.
    pub channel: &'static str,
    /// What happened, such as `partial_fill`.
    pub kind: &'static str,
    /// JSON object of the channel.
    pub data: String,
}

/// A public trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintRow {
    /// What was traded.
    pub symbol: String,
    /// When.
    pub time_ns: Nanos,
    /// At this price, decimal text.
    pub price: String,
    /// This much, decimal text.
    pub qty: String,
    /// Side of the aggressor: `buy`, `sell`, or empty when it is not known.
    pub side: &'static str,
}

/// Everything that a run of turns leaves outside the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Turns for the tape.
    pub turns: Vec<TapeTurn>,
    /// Rows for the read models.
    pub rows: Rows,
    /// Private messages, in order.
    pub messages: Vec<Message>,
    /// Public trades, in order.
    pub prints: Vec<PrintRow>,
}
