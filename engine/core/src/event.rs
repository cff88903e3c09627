//! What comes out of the engine: the events, and the ledger lines that they stand for.
//!
//! An event carries every rounded amount, so `evolve` only adds, moves and removes. To add a
//! member: write it here, its change in `evolve.rs`, its text in `tape.rs`, and, when it moves
//! money, its lines in `postings.rs`.

use crate::account::AccountTerms;
use crate::change::ChangeEvent;
use crate::command::{CreateWorld, Session};
use crate::contract::ContractEvent;
use crate::corporate::event::CorporateEvent;
use crate::delay::DelayEvent;
use crate::exchange::Exchange;
use crate::ids::{AccountIndex, ExchangeIndex, FillNumber, InstrumentIndex, OrderNumber};
use crate::instrument::{Instrument, Mark};
use crate::label::Label;
use crate::lots::LotChange;
use crate::money::event::MoneyEvent;
use crate::more_terms::MoreTerms;
use crate::order::OrderTerms;
use crate::profile::RulesSet;
use crate::receipt::Receipt;
use crate::risk::{Passed, RiskEvent};
use crate::session::{DayMarks, SessionEvent};
use crate::units::{Money, Nanos, Price, Quantity};
use crate::words::{AccountKind, Counterparty, Liquidity, Reason, Side, TimeInForce};

/// The turn that an event belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Its number, without gaps, from 1.
    pub seq: u64,
    /// When it happened.
    pub time_ns: Nanos,
    /// How many market inputs there had been.
    pub market_seq: u64,
}

/// A request id with the digest of its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    /// The id as the client gave it.
    pub id: Label,
    /// Digest of the body.
    pub digest: u64,
}

/// One fill of one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Its number in the world.
    pub number: FillNumber,
    /// The order that was filled.
    pub order: OrderNumber,
    /// The order's account.
    pub account: AccountIndex,
    /// What was traded.
    pub instrument: InstrumentIndex,
    /// The order's side.
    pub side: Side,
    /// At this price.
    pub price: Price,
    /// This much.
    pub qty: Quantity,
    /// Price times quantity, exactly, at the sum of their scales. Not on the tape: price and
    /// quantity say it.
    pub value: i128,
    /// The same as money, half-even.
    pub notional: Money,
    /// What the exchange takes.
    pub fee: Money,
    /// Cash set free from the order's hold.
    pub release: Money,
    /// Cost added (buy) to or removed (sell) from the position, which may cross zero.
    pub cost: Money,
    /// Profit of what it closes: notional less cost (sell), cost less notional (buy); 0 when it
    /// only opens.
    pub realized_pl: Money,
    /// Whether the order rested.
    pub liquidity: Liquidity,
    /// Who stood on the other side.
    pub counterparty: Counterparty,
    /// Whether the order is completely filled by it.
    pub completes: bool,
    /// Whether no notional moves, only the profit or loss of what it closes.
    pub margined: bool,
    /// By how much it raises the cash that the account's contracts tie up.
    pub deposit: Money,
    /// The day that it counts for in the volume of fee tiers; 0 when none counts.
    pub volume_day: u32,
    /// Why it got its price; `None` when the sink shows no text.
    pub receipt: Option<Box<Receipt>>,
    /// What else it does, which few fills do.
    pub effects: Option<Box<Effects>>,
}

/// What few fills do beyond cash and position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// What it does to the lots of the position.
    pub lots: Option<LotChange>,
    /// The profit in the currency of the account, when the instrument trades in another.
    pub realized_here: Option<Money>,
    /// Proceeds that are to be settled: on which day of the exchange, how much.
    pub settles: Option<(u32, Money)>,
}

impl Effects {
    /// `None` when there are none.
    pub fn boxed(self) -> Option<Box<Effects>> {
        (self != Effects::default()).then(|| Box::new(self))
    }
}

/// New terms of an open order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The order.
    pub order: OrderNumber,
    /// The request.
    pub request: Option<RequestId>,
    /// Quantity in all.
    pub qty: Quantity,
    /// Limit price.
    pub limit_price: Option<Price>,
    /// Stop price.
    pub stop_price: Option<Price>,
    /// Time in force.
    pub time_in_force: TimeInForce,
    /// The hold that the order has from now on.
    pub hold: Money,
    /// Whether it keeps its place in the queue.
    pub keeps_priority: bool,
    /// What only some orders ask for, when that changes.
    pub more: Option<Box<MoreTerms>>,
    /// What the new terms passed of the risk policy, when there is one.
    pub passed: Option<Passed>,
}

/// Everything that can happen in a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The world begins.
    WorldCreated(CreateWorld),
    /// An exchange is listed; its first day ends at `day_end_ns`.
    ExchangeListed {
        /// Its terms.
        exchange: Exchange,
        /// When its first day ends.
        day_end_ns: Nanos,
    },
    /// An instrument is listed.
    InstrumentListed(Instrument),
    /// An account is opened, empty.
    AccountOpened {
        /// UUID.
        id: u128,
        /// Opaque id of the owner.
        owner: String,
        /// Kind.
        kind: AccountKind,
        /// Currency.
        currency: String,
        /// The request.
        request: RequestId,
        /// What was agreed.
        terms: AccountTerms,
    },
    /// Money is put into an account.
    Deposited {
        /// Whose.
        account: AccountIndex,
        /// How much.
        amount: Money,
    },
    /// An order passed all checks.
    Accepted {
        /// Its number.
        order: OrderNumber,
        /// What it asks for.
        terms: OrderTerms,
        /// Digest of the request.
        digest: u64,
        /// Cash set aside for it.
        hold: Money,
        /// What it passed of the risk policy, when there is one.
        passed: Option<Passed>,
    },
    /// An order failed a check.
    Rejected {
        /// Its number.
        order: OrderNumber,
        /// What it asked for.
        terms: OrderTerms,
        /// Digest of the request.
        digest: u64,
        /// The check.
        reason: Reason,
        /// The offending value, as text for people.
        value: Option<String>,
        /// The limit it broke, as text for people.
        limit: Option<String>,
    },
    /// The stop price of an order was reached.
    Triggered {
        /// The order.
        order: OrderNumber,
        /// The price that reached it.
        price: Price,
    },
    /// An order traded.
    Filled(Fill),
    /// An order was canceled.
    Canceled {
        /// The order.
        order: OrderNumber,
        /// Why.
        reason: Reason,
        /// Cash set free.
        release: Money,
        /// The request, when a client asked for it.
        request: Option<RequestId>,
    },
    /// An order's time in force ended.
    Expired {
        /// The order.
        order: OrderNumber,
        /// Cash set free.
        release: Money,
    },
    /// An order has new terms.
    Replaced(Replaced),
    /// An order changed otherwise.
    Changed(ChangeEvent),
    /// All open orders of an account with a smaller number are to be canceled.
    CancelAllRequested {
        /// Whose.
        account: AccountIndex,
        /// Orders below this number.
        below: OrderNumber,
        /// The request.
        request: Option<RequestId>,
    },
    /// The day of an always-open exchange ended.
    DayEnded {
        /// Which exchange.
        exchange: ExchangeIndex,
        /// DAY orders below this number are past their day.
        below: OrderNumber,
        /// When the next day ends.
        next_ns: Nanos,
    },
    /// An exchange entered another part of its day.
    SessionChanged {
        /// Which, and to what.
        session: Session,
        /// Orders below these numbers are past their time, once an auction that it leaves is done.
        marks: DayMarks,
    },
    /// Something happened to a halt or an auction.
    Session(Box<SessionEvent>),
    /// Prices of instruments that somebody holds or has an order in.
    Marked {
        /// The instruments and their prices.
        marks: Vec<(InstrumentIndex, Mark)>,
        /// Whether this is the first mark of its minute, which writes equity rows.
        new_minute: bool,
    },
    /// The risk policy, an operator or a falling price did something.
    Risk(Box<RiskEvent>),
    /// A step of a corporate action.
    Corporate(Box<CorporateEvent>),
    /// A contract settled, was funded, exercised or ended.
    Contract(Box<ContractEvent>),
    /// A command is under way, or has arrived.
    Delay(Box<DelayEvent>),
    /// Fees or fill profile were set.
    RulesSet(Box<RulesSet>),
    /// Money moved otherwise than by a trade.
    Money(Box<MoneyEvent>),
    /// The hash of the durable state before this turn.
    Checkpoint {
        /// SHA-256 of the snapshot.
        state_hash: [u8; 32],
    },
}
