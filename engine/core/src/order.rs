//! An order and where it stands.

use crate::ids::{AccountIndex, InstrumentIndex, OrderNumber};
use crate::label::Label;
use crate::more_terms::MoreTerms;
use crate::units::{Money, Nanos, Price, Quantity};
use crate::words::{OrderClass, OrderType, Reason, Side, Status, TimeInForce};

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
    /// What only some orders come to.
    pub extra: Option<Box<Extra>>,
}

/// What only some orders come to while they are open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// What was filled when the shown part of an iceberg was last filled up.
    pub shown_from: Quantity,
    /// The part of its quantity that waits for its parent to fill.
    pub waits: Quantity,
    /// The orders that belong to it.
    pub legs: Vec<OrderNumber>,
}

impl Order {
    /// What can fill now: all that is not filled, less what waits for its parent.
    pub fn leaves(&self) -> Quantity {
        match &self.extra {
            None => self.unfilled(),
            Some(extra) => self.unfilled().saturating_sub(extra.waits),
        }
    }

    /// Whether the quantities of an open order fit each other, as they do in all that an engine
    /// makes.
    pub(crate) fn is_sound(&self) -> bool {
        let waits = self.extra.as_ref().map_or(0, |extra| extra.waits);
        self.filled >= 0 && waits >= 0 && self.leaves() >= 0
    }

    /// Whether a fill or its end may change other orders, or how it is shown.
    pub const fn is_special(&self) -> bool {
        self.terms.more.is_some() || self.extra.is_some()
    }

    /// What is not filled.
    pub const fn unfilled(&self) -> Quantity {
        self.terms.qty.saturating_sub(self.filled)
    }

    /// What the book holds of it: an iceberg shows a part at a time.
    pub fn shown(&self) -> Quantity {
        let leaves = self.leaves();
        let Some(display) = self.terms.more.as_ref().and_then(|more| more.display_qty) else {
            return leaves;
        };
        let since = self.filled.saturating_sub(self.extra().shown_from);
        display.saturating_sub(since).clamp(0, leaves)
    }

    /// What only some orders come to; all defaults for the others.
    pub fn extra(&self) -> &Extra {
        static NONE: Extra = Extra { shown_from: 0, waits: 0, legs: Vec::new() };
        self.extra.as_deref().unwrap_or(&NONE)
    }

    /// The same, to change it.
    pub fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// Whether it counts for what open orders promise: of two that cancel each other the first.
    pub fn promises(&self) -> bool {
        match &self.terms.more {
            None => true,
            // The legs of a multi-leg order promise, not their parent.
            Some(more) if more.order_class == OrderClass::Mleg => false,
            Some(more) => more.sibling.is_none_or(|sibling| sibling > self.number),
        }
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
        self.is_open() && self.terms.order_type.is_triggered() && !self.triggered
    }

    /// How much of a position it has promised to change.
    pub fn promised(&self) -> Quantity {
        if self.promises() { self.leaves() } else { 0 }
    }

    /// The price it may not trade beyond; `None` for orders that take any price.
    pub const fn price_limit(&self) -> Option<Price> {
        self.terms.limit_price
    }

    /// The status of an open order: held until something may fill, new until something is filled.
    pub fn open_status(&self) -> Status {
        match (self.filled, self.leaves()) {
            (0, 0) => Status::Held,
            (0, _) => Status::New,
            _ => Status::PartiallyFilled,
        }
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
        extra: None,
    }
}

#[cfg(test)]
mod tests {
    use crate::{NullSink, World};

    /// A world with one open order.
    fn world() -> World {
        let mut world = World::new("main").expect("a fine name");
        let set_up = include_str!("../../fuzz/src/set_up.txt");
        for command in set_up.lines().filter_map(|line| line.split_once(' ')) {
            world.apply_json(command.1.as_bytes(), 1, &mut NullSink);
        }
        world
    }

    #[test]
    fn a_snapshot_with_an_open_order_that_filled_too_much_is_refused() {
        let mut durable = world().durable().clone();
        assert!(World::restore(&crate::snapshot::write(&durable)).is_ok());
        let order = durable.orders.get_mut(1).expect("the open order");
        order.filled = order.terms.qty + 1;
        assert!(World::restore(&crate::snapshot::write(&durable)).is_err());
    }
}
