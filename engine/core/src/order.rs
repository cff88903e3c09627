//! An order and where it stands.

use crate::ids::{AccountIndex, InstrumentIndex, OrderNumber};
use crate::label::Label;
use crate::more_terms::MoreTerms;
use crate::units::{Money, Nanos, Price, Quantity};
use crate::words::{OrderType, Reason, Side, Status, TimeInForce};

/// What an order asks for; the same in commands, events and the durable order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderTerms {
    /// Who trades.
    pub account: AccountIndex,
    /// The request id of its owner; unique within the account.
    pub client_order_id: Label,
    /// What is traded.
    pub instrument: InstrumentIndex,
    /// Buys or sells.
    pub side: Side,
    /// What it asks for.
    pub order_type: OrderType,
    /// How much in all, filled or not.
    pub qty: Quantity,
    /// Limit price of limit and stop-limit orders.
    pub limit_price: Option<Price>,
    /// Stop price of stop and stop-limit orders.
    pub stop_price: Option<Price>,
    /// How long it lives.
    pub time_in_force: TimeInForce,
    /// What only some orders ask for.
    pub more: Option<Box<MoreTerms>>,
}

impl OrderTerms {
    /// What only some orders ask for; all defaults when it asks for nothing more.
    pub fn more(&self) -> &MoreTerms {
        static NONE: MoreTerms = MoreTerms::NONE;
        self.more.as_deref().unwrap_or(&NONE)
    }
}

/// A durable order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number in the world.
    pub number: OrderNumber,
    /// What it asks for; replaced terms take the place of the old ones.
    pub terms: OrderTerms,
    /// How much is filled.
    pub filled: Quantity,
    /// The sum of price times quantity of its fills, exactly, at the sum of their scales.
    pub filled_value: i128,
    /// Cash set aside for it.
    pub hold: Money,
    /// Where it stands.
    pub status: Status,
    /// Why it was rejected, canceled or expired.
    pub reason: Option<Reason>,
    /// Whether its stop price has been reached.
    pub triggered: bool,
    /// Its place in time among orders of one price; smaller is earlier.
    pub priority: u64,
    /// When it was taken.
    pub created_ns: Nanos,
    /// When it changed last.
    pub updated_ns: Nanos,
    /// The turn that changed it last.
    pub seq: u64,
}

impl Order {
    /// What is left to fill.
    pub const fn leaves(&self) -> Quantity {
        self.terms.qty.saturating_sub(self.filled)
    }

    /// Whether it can still fill.
    pub const fn is_open(&self) -> bool {
        self.status.is_open()
    }

    /// Whether the engine sent it to close a position.
    pub fn is_forced(&self) -> bool {
        self.terms.more.as_deref().is_some_and(|more| more.forced.is_some())
    }

    /// Whether it waits for its stop price.
    pub const fn is_armed(&self) -> bool {
        self.is_open() && self.terms.order_type.has_stop() && !self.triggered
    }

    /// The quantity of the position that an open sell order has promised.
    pub const fn promised(&self) -> Quantity {
        match self.terms.side {
            Side::Sell => self.leaves(),
            Side::Buy => 0,
        }
    }

    /// The price it may not trade beyond; `None` for orders that take any price.
    pub const fn price_limit(&self) -> Option<Price> {
        self.terms.limit_price
    }

    /// The status of an open order: new until something is filled.
    pub const fn open_status(&self) -> Status {
        if self.filled == 0 { Status::New } else { Status::PartiallyFilled }
    }
}

/// An order for tests of containers.
#[cfg(test)]
pub(crate) fn test_order(number: OrderNumber) -> Order {
    Order {
        number,
        terms: OrderTerms {
            account: 0,
            client_order_id: number.to_string().into(),
            instrument: 0,
            side: Side::Buy,
            order_type: OrderType::Limit,
            qty: 1,
            limit_price: Some(1),
            stop_price: None,
            time_in_force: TimeInForce::Day,
            more: None,
        },
        filled: 0,
        filled_value: 0,
        hold: 0,
        status: Status::New,
        reason: None,
        triggered: false,
        priority: number,
        created_ns: 0,
        updated_ns: 0,
        seq: 0,
    }
}
