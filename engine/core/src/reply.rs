//! What a command is answered with.

use crate::ids::{AccountIndex, ExchangeIndex, InstrumentIndex, OrderNumber};
use crate::units::Nanos;

/// How a command ended; the server turns it into a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Something new stands.
    Created,
    /// The same request came before; this is what stands.
    Existing,
    /// Done.
    Ok,
    /// A check refused it; an order is kept as rejected.
    Rejected,
    /// Not understood; nothing is kept.
    Malformed,
    /// No such thing of this account.
    NotFound,
    /// The request id was used for another request.
    IdReused,
    /// The order is closed.
    NotCancelable,
    /// The order cannot become what was asked.
    NotReplaceable,
    /// Too many requests.
    TooMany,
    /// Whoever asks may not do this.
    NotPermitted,
    /// It would have broken the record.
    InternalError,
}

impl Outcome {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::Created => "created",
            Outcome::Existing => "existing",
            Outcome::Ok => "ok",
            Outcome::Rejected => "rejected",
            Outcome::Malformed => "malformed",
            Outcome::NotFound => "not_found",
            Outcome::IdReused => "id_reused",
            Outcome::NotCancelable => "not_cancelable",
            Outcome::NotReplaceable => "not_replaceable",
            Outcome::TooMany => "too_many",
            Outcome::NotPermitted => "not_permitted",
            Outcome::InternalError => "internal_error",
        }
    }
}

/// A refusal: what was wrong, with the value and the limit, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// How the command ended.
    pub outcome: Outcome,
    /// The stable name of the reason.
    pub reason: &'static str,
    /// One sentence for people.
    pub detail: Box<str>,
    /// The field that is wrong.
    pub field: Option<&'static str>,
    /// The offending value.
    pub value: Option<Box<str>>,
    /// The limit it broke.
    pub limit: Option<Box<str>>,
    /// The order that is kept or that stands.
    pub order: Option<OrderNumber>,
    /// When the exchange opens next, where that is what to wait for.
    pub next_open_ns: Option<Nanos>,
    /// Which order of a list was refused, the first one being 0.
    pub item: Option<u16>,
}

impl Refusal {
    /// A refusal with a reason and a sentence.
    pub fn new(outcome: Outcome, reason: &'static str, detail: impl Into<String>) -> Refusal {
        Refusal {
            outcome,
            reason,
            detail: detail.into().into_boxed_str(),
            field: None,
            value: None,
            limit: None,
            order: None,
            next_open_ns: None,
            item: None,
        }
    }

    /// A request that was not understood.
    pub fn malformed(reason: &'static str, detail: impl Into<String>) -> Refusal {
        Refusal::new(Outcome::Malformed, reason, detail)
    }

    /// The same, with the value that is wrong and what it is held against.
    #[must_use]
    pub fn compare(mut self, value: String, limit: String) -> Refusal {
        self.value = Some(value.into_boxed_str());
        self.limit = Some(limit.into_boxed_str());
        self
    }

    /// The same refusal, naming a field.
    pub fn at(mut self, field: &'static str) -> Refusal {
        self.field = Some(field);
        self
    }

    /// The same refusal, naming the order's place in a list.
    pub fn of_item(mut self, item: usize) -> Refusal {
        self.item = u16::try_from(item).ok();
        self
    }

    /// The same refusal, naming the order.
    pub fn about(mut self, order: OrderNumber) -> Refusal {
        self.order = Some(order);
        self
    }
}

/// What a reply shows. Things are named by number and written as JSON only when asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing: market inputs have no reply.
    Nothing,
    /// The world's id and seq.
    World,
    /// An exchange.
    Exchange(ExchangeIndex),
    /// An instrument.
    Instrument(InstrumentIndex),
    /// An account.
    Account(AccountIndex),
    /// An order as it stands after the turn.
    Order(OrderNumber),
    /// Orders of a list as they stand after the turn, and whether each is new or stood before.
    Orders(Vec<(Outcome, OrderNumber)>),
    /// The orders that a cancel-all canceled, and how many are left for later turns.
    Canceled {
        /// Orders canceled in this turn.
        orders: Vec<OrderNumber>,
        /// Orders that later turns will cancel.
        remaining: usize,
    },
    /// A refusal.
    Refusal(Box<Refusal>),
    /// The answer to a question, as JSON.
    Json(String),
}

/// The answer to one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How it ended.
    pub outcome: Outcome,
    /// What it shows.
    pub body: Body,
}

impl Reply {
    /// A reply of this outcome and body.
    pub const fn new(outcome: Outcome, body: Body) -> Reply {
        Reply { outcome, body }
    }

    /// The silent reply of market inputs.
    pub const fn nothing() -> Reply {
        Reply { outcome: Outcome::Ok, body: Body::Nothing }
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Reply {
        Reply { outcome: refusal.outcome, body: Body::Refusal(Box::new(refusal)) }
    }
}
