//! What goes into the engine: commands of users, questions, and inputs of the market.
//!
//! These are typed values with scaled integers; `wire` reads them from JSON. Values are checked
//! when they are applied, so a wrong value built by a program is refused like one from a client.

use crate::account::AccountTerms;
use crate::contract::ContractCommand;
use crate::corporate::CorporateCommand;
use crate::exchange::Exchange;
use crate::ids::{AccountIndex, ExchangeIndex, InstrumentIndex, OrderNumber};
use crate::instrument::Instrument;
use crate::money::command::MoneyCommand;
use crate::more_terms::MoreTerms;
use crate::order::OrderTerms;
use crate::profile::{Scope, SetRules};
use crate::risk::RiskCommand;
use crate::session::{Halt, Resume};
use crate::units::{Money, Nanos, Price, Quantity};
use crate::words::{AccountKind, AuctionKind, SessionState, Sharing, Side, TimeInForce};

/// Creates the world: its seed and whether users trade with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateWorld {
    /// The id that the world was made with.
    pub world: String,
    /// Seed of every random draw.
    pub seed: u64,
    /// Whether users trade with each other.
    pub sharing: Sharing,
}

/// Opens an account with its starting cash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAccount {
    /// UUID of the account.
    pub id: u128,
    /// Opaque id of the owner.
    pub owner: String,
    /// Kind of the account.
    pub kind: AccountKind,
    /// Currency of its cash.
    pub currency: String,
    /// Cash it starts with, in money units.
    pub starting_cash: Money,
    /// The request id.
    pub request_id: String,
    /// What is agreed beyond that.
    pub terms: AccountTerms,
}

/// Changes an open order; what is `None` stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replace {
    /// Who asks.
    pub account: AccountIndex,
    /// The order to change.
    pub order: OrderNumber,
    /// The request id, if the client gave one.
    pub request_id: Option<String>,
    /// New quantity in all, filled part included.
    pub qty: Option<Quantity>,
    /// New limit price.
    pub limit_price: Option<Price>,
    /// New stop price.
    pub stop_price: Option<Price>,
    /// New time in force.
    pub time_in_force: Option<TimeInForce>,
    /// What only some orders ask for: trail, date and displayed quantity can change.
    pub more: Option<Box<MoreTerms>>,
}

/// Cancels an open order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Who asks.
    pub account: AccountIndex,
    /// The order to cancel.
    pub order: OrderNumber,
    /// The request id, if the client gave one.
    pub request_id: Option<String>,
}

/// Cancels several orders, or none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelList {
    /// Whose each is, and which; at least one.
    pub orders: Vec<(AccountIndex, OrderNumber)>,
    /// The request id, if the client gave one; it is one of the first order's account.
    pub request_id: Option<String>,
}

/// Cancels all open orders of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelAll {
    /// Who asks.
    pub account: AccountIndex,
    /// The request id, if the client gave one.
    pub request_id: Option<String>,
}

/// A level of the street: price and displayed size.
pub type StreetLevel = (Price, Quantity);

/// Best bid and ask of the street; a side that is `None` is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What is quoted.
    pub instrument: InstrumentIndex,
    /// Best bid and its size.
    pub bid: Option<StreetLevel>,
    /// Best ask and its size.
    pub ask: Option<StreetLevel>,
}

/// Levels of the street, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Depth {
    /// What is quoted.
    pub instrument: InstrumentIndex,
    /// Bids, highest first.
    pub bids: Vec<StreetLevel>,
    /// Asks, lowest first.
    pub asks: Vec<StreetLevel>,
}

/// A print: a trade of the outside market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// What was traded.
    pub instrument: InstrumentIndex,
    /// At this price.
    pub price: Price,
    /// This much.
    pub qty: Quantity,
    /// The aggressor, when it is known.
    pub side: Option<Side>,
}

/// A bar of the outside market, complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What was traded.
    pub instrument: InstrumentIndex,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// How much was traded; 0 when it is not known.
    pub volume: Quantity,
}

/// Puts an exchange into another part of its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Which exchange.
    pub exchange: ExchangeIndex,
    /// What it is from now on.
    pub state: SessionState,
    /// What its auction is for, while it is in one.
    pub auction: Option<AuctionKind>,
    /// When it changes next; 0 when it is not known.
    pub next_ns: Nanos,
    /// When its next regular hours begin; 0 when it is not known.
    pub next_open_ns: Nanos,
}

/// An order of a house bot: a limit order that rests, or a market order without a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentOrder {
    /// What is traded.
    pub instrument: InstrumentIndex,
    /// Which bot.
    pub agent: u32,
    /// Id of the order, unique among the resting agent orders of the instrument.
    pub id: u64,
    /// Buys or sells.
    pub side: Side,
    /// Limit price; `None` takes any price and never rests.
    pub price: Option<Price>,
    /// How much.
    pub qty: Quantity,
}

/// Takes an order of a house bot out of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentCancel {
    /// The order's instrument.
    pub instrument: InstrumentIndex,
    /// The order's id.
    pub id: u64,
}

/// Everything that can go into a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Creates the world.
    CreateWorld(CreateWorld),
    /// Lists an exchange.
    ListExchange(Exchange),
    /// Lists an instrument.
    ListInstrument(Instrument),
    /// Opens an account.
    OpenAccount(OpenAccount),
    /// Sends an order.
    Submit(OrderTerms),
    /// Sends several orders of which all are taken or none.
    SubmitAll(Vec<OrderTerms>),
    /// Changes an order.
    Replace(Replace),
    /// Cancels an order.
    Cancel(Cancel),
    /// Cancels several orders, or none of them.
    CancelList(CancelList),
    /// Cancels all orders of an account.
    CancelAll(CancelAll),
    /// Asks what an order would do.
    Preview(OrderTerms),
    /// Asks what an account is worth.
    Value {
        /// Which account.
        account: AccountIndex,
    },
    /// Asks for the book of an instrument.
    Book {
        /// Which instrument.
        instrument: InstrumentIndex,
        /// How many levels of each side.
        depth: usize,
    },
    /// Asks for all instruments.
    Instruments,
    /// Asks for all exchanges.
    Exchanges,
    /// The street quotes.
    Quote(Quote),
    /// The street shows its depth.
    Depth(Depth),
    /// The street traded.
    Trade(Trade),
    /// The street's bar closed.
    Bar(Bar),
    /// A house bot sends an order.
    AgentOrder(AgentOrder),
    /// A house bot cancels an order.
    AgentCancel(AgentCancel),
    /// Time passed.
    Time,
    /// An exchange enters another part of its day.
    Session(Session),
    /// Asks something of a contract.
    Contract(ContractCommand),
    /// Asks for fees and profile that count for an exchange or instrument.
    Rules(Scope),
    /// Asks for the profiles and schedules that have a name.
    Presets,
    /// Sets or asks for what the risk policy says.
    Risk(RiskCommand),
    /// Trading stops.
    Halt(Halt),
    /// Trading goes on after a halt.
    Resume(Resume),
    /// Announces a corporate action, or calls one off.
    Corporate(CorporateCommand),
    /// Sets fees or fill profile of an exchange or instrument.
    SetRules(Box<SetRules>),
    /// A command about money.
    Money(Box<MoneyCommand>),
    /// Asks for an event with the state hash.
    Checkpoint,
}

impl Input {
    /// The word for it on the wire and on the tape.
    pub const fn kind(&self) -> &'static str {
        match self {
            Input::CreateWorld(_) => "create_world",
            Input::ListExchange(_) => "list_exchange",
            Input::ListInstrument(_) => "list_instrument",
            Input::OpenAccount(_) => "open_account",
            Input::Submit(_) => "submit",
            Input::SubmitAll(_) => "submit_all",
            Input::Replace(_) => "replace",
            Input::Cancel(_) => "cancel",
            Input::CancelList(_) => "cancel_list",
            Input::CancelAll(_) => "cancel_all",
            Input::Preview(_) => "preview",
            Input::Value { .. } => "value",
            Input::Book { .. } => "book",
            Input::Instruments => "instruments",
            Input::Exchanges => "exchanges",
            Input::Quote(_) => "quote",
            Input::Depth(_) => "depth",
            Input::Trade(_) => "trade",
            Input::Bar(_) => "bar",
            Input::AgentOrder(_) => "agent_order",
            Input::AgentCancel(_) => "agent_cancel",
            Input::Time => "time",
            Input::Session(_) => "session",
            Input::Contract(command) => command.kind(),
            Input::Rules(_) => "rules",
            Input::Presets => "presets",
            Input::Risk(command) => command.kind(),
            Input::Halt(_) => "halt",
            Input::Resume(_) => "resume",
            Input::Corporate(_) => "corporate_action",
            Input::SetRules(set) if set.fees.is_some() => "set_fees",
            Input::SetRules(_) => "set_profile",
            Input::Money(command) => command.kind(),
            Input::Checkpoint => "checkpoint",
        }
    }

    /// Whether it comes from the market, raises `market_seq` and has no reply.
    pub const fn is_market(&self) -> bool {
        matches!(
            self,
            Input::Quote(_)
                | Input::Depth(_)
                | Input::Trade(_)
                | Input::Bar(_)
                | Input::AgentOrder(_)
                | Input::AgentCancel(_)
        )
    }
}
