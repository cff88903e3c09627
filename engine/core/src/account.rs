//! An account: cash, holds, positions and the request ids it has used.

use std::collections::BTreeMap;

use crate::ids::{CurrencyIndex, InstrumentIndex, OrderNumber};
use crate::margin::MarginTerms;
use crate::money::AccountMore;
use crate::orders::OrderList;
use crate::requests::Requests;
use crate::risk::AccountRisk;
use crate::units::{Balance, DAY_NS, Money, Nanos, Quantity};
use crate::words::{AccountKind, AccountStatus, CostMethod, Side};

/// How many request ids of an account are kept at least as long as their orders are closed.
pub const REQUESTS_KEPT: usize = 10_000;
/// How long a request id is kept at most after its order closed.
pub const REQUEST_AGE_NS: Nanos = DAY_NS;
/// How many old request ids one new request may clear, so that no turn has much to clear.
pub const REQUESTS_CLEARED: usize = 2;

/// A holding of one instrument at average cost; below zero it is short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// How much is held; below zero: how much is owed.
    pub qty: Quantity,
    /// How much of it open sell orders have promised.
    pub promised: Quantity,
    /// What it cost, without fees; of a short position, below zero, what it brought.
    pub cost: Money,
    /// Profit of the sells so far, without fees.
    pub realized_pl: Balance,
    /// The turn that changed it last.
    pub seq: u64,
    /// How much open buy orders of a margin account have promised to bring.
    pub covering: Quantity,
}

impl Position {
    /// How much a trade of this side can close before it opens the other way.
    pub const fn closing(&self, side: Side) -> Quantity {
        match side {
            Side::Sell if self.qty > 0 => self.qty,
            Side::Buy if self.qty < 0 => self.qty.saturating_neg(),
            _ => 0,
        }
    }

    /// How much of that no other open order has promised; `own` is the asking order's promise.
    pub fn free_to_close(&self, side: Side, own: Quantity) -> Quantity {
        let promised = match side {
            Side::Sell => self.promised,
            Side::Buy => self.covering,
        };
        self.closing(side).saturating_sub(promised.saturating_sub(own)).max(0)
    }
}

/// A durable account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id: the 128 bits of a UUID.
    pub id: u128,
    /// Opaque id of the user that owns it.
    pub owner: String,
    /// Its kind.
    pub kind: AccountKind,
    /// Currency of its cash.
    pub currency: CurrencyIndex,
    /// Whether it may trade.
    pub status: AccountStatus,
    /// Cash, holds included.
    pub cash: Balance,
    /// The sum of the holds of its open orders.
    pub held: Balance,
    /// Profit of all sells so far, without fees.
    pub realized_pl: Balance,
    /// Cash that the contracts of a cash account tie up.
    pub deposited: Balance,
    /// What was first put into it.
    pub starting_cash: Money,
    /// Dividends that it is owed and not yet paid; negative when it owes them.
    pub receivable: Balance,
    /// The turn that changed it last.
    pub seq: u64,
    /// Open orders with a smaller number are to be canceled.
    pub cancel_below: OrderNumber,
    /// Its positions, flat ones included.
    pub positions: BTreeMap<InstrumentIndex, Position>,
    /// Its open orders; `Durable::open_orders` walks them.
    pub open_orders: OrderList,
    /// Its request ids.
    pub requests: Requests,
    /// What the risk policy keeps about it; nothing without one.
    pub risk: Option<Box<AccountRisk>>,
    /// What it traded on each exchange, by day, where fee tiers count it.
    pub volumes: BTreeMap<u32, BTreeMap<u32, Balance>>,
    /// What was agreed when it was opened.
    pub terms: AccountTerms,
    /// What few accounts have: other currencies, lots, unsettled cash, past lives.
    pub more: Option<Box<AccountMore>>,
}

/// What is agreed when an account is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountTerms {
    /// What a margin account may borrow; nothing for the other kinds.
    pub margin: Option<Box<MarginTerms>>,
    /// Which cost a sell takes out of a position.
    pub cost_method: CostMethod,
}

impl Account {
    /// Settled cash of its own currency that is not set aside for orders or contracts.
    pub fn free_cash(&self) -> Balance {
        self.free_in(self.currency)
    }

    /// Whether it only records trades that were made elsewhere.
    pub fn is_journal(&self) -> bool {
        self.kind == AccountKind::Journal
    }

    /// What it may borrow, when it is a margin account.
    pub fn margin(&self) -> Option<&MarginTerms> {
        self.terms.margin.as_deref()
    }

    /// The position in an instrument; a flat one when there was never any.
    pub fn position(&self, instrument: InstrumentIndex) -> Position {
        self.positions.get(&instrument).copied().unwrap_or_default()
    }
}
