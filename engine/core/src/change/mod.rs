//! What changes an open order other than by its owner, a fill or its end: a trailing stop moves, an
//! iceberg shows its next part, a quantity is decided late or shrinks with another order, a held
//! order comes alive, the legs of an order trade, a date passes.

mod deciding;
pub(crate) mod text;

use crate::durable::Durable;
use crate::evolve::{forget_open, promise, set_aside, touch_order};
use crate::ids::OrderNumber;
use crate::order::Order;
use crate::units::{Balance, Money, Nanos, Price, Quantity};
use crate::words::Status;

/// A change of an open order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeEvent {
    /// The stop price of a trailing stop follows its water mark.
    TrailMoved {
        /// The order.
        order: OrderNumber,
        /// The best price seen since it was armed.
        mark: Price,
        /// The stop price behind it.
        stop: Price,
    },
    /// An iceberg shows its next part, behind all orders of its price.
    Replenished {
        /// The order.
        order: OrderNumber,
    },
    /// The quantity of an order changed.
    Resized {
        /// The order.
        order: OrderNumber,
        /// Quantity in all, filled part included.
        qty: Quantity,
        /// The part of it that still waits for its parent.
        waits: Quantity,
        /// Cash set free from its hold.
        release: Money,
    },
    /// More of a held order may trade, because its parent filled.
    Released {
        /// The order.
        order: OrderNumber,
        /// How much more.
        qty: Quantity,
        /// Cash set aside for it.
        hold: Money,
    },
    /// All legs of a multi-leg order trade; their fills follow.
    LegsFilled(LegsFilled),
    /// Good-till-date orders up to this time are past their date.
    DatesPassed {
        /// The time.
        until_ns: Nanos,
    },
}

/// A trade of all legs, as their parent counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegsFilled {
    /// The parent.
    pub order: OrderNumber,
    /// The net price of one strategy; negative for a credit.
    pub price: Price,
    /// How many strategies, in units of the parent.
    pub qty: Quantity,
    /// Price times quantity, exactly, at the sum of their scales. Not on the tape: price and
    /// quantity say it.
    pub value: i128,
    /// Cash set free from the parent's hold.
    pub release: Money,
    /// Whether the parent is completely filled by it.
    pub completes: bool,
}

impl ChangeEvent {
    /// The order that it is about.
    pub fn order(&self) -> Option<OrderNumber> {
        match self {
            ChangeEvent::TrailMoved { order, .. }
            | ChangeEvent::Replenished { order }
            | ChangeEvent::Resized { order, .. }
            | ChangeEvent::Released { order, .. } => Some(*order),
            ChangeEvent::LegsFilled(filled) => Some(filled.order),
            ChangeEvent::DatesPassed { .. } => None,
        }
    }

    /// The word of the `orders` channel.
    pub const fn message(&self) -> &'static str {
        match self {
            ChangeEvent::TrailMoved { .. } => "trailed",
            ChangeEvent::Replenished { .. } => "replenished",
            ChangeEvent::Resized { .. } => "resized",
            ChangeEvent::Released { .. } => "released",
            ChangeEvent::LegsFilled(LegsFilled { completes: true, .. }) => "fill",
            ChangeEvent::LegsFilled(_) => "partial_fill",
            ChangeEvent::DatesPassed { .. } => "",
        }
    }
}

/// Applies a change.
pub(crate) fn evolve(durable: &mut Durable, event: &ChangeEvent) {
    match event {
        ChangeEvent::TrailMoved { order, mark, stop } => {
            touch_order(durable, *order, |order| {
                order.terms.stop_price = Some(*stop);
                if let Some(more) = &mut order.terms.more {
                    more.water_mark = Some(*mark);
                }
            });
        }
        ChangeEvent::Replenished { order } => {
            go_to_the_back(durable, *order, |order| order.extra_mut().shown_from = order.filled);
        }
        ChangeEvent::Resized { order, qty, waits, release } => {
            change_promise(durable, *order, -*release, |order| {
                order.terms.qty = *qty;
                if order.extra().waits != *waits {
                    order.extra_mut().waits = *waits;
                }
            });
        }
        ChangeEvent::Released { order, qty, hold } => {
            change_promise(durable, *order, *hold, |order| {
                let extra = order.extra_mut();
                extra.waits = extra.waits.saturating_sub(*qty);
                order.status = order.open_status();
            });
            go_to_the_back(durable, *order, |_| {});
        }
        ChangeEvent::LegsFilled(filled) => fill_legs(durable, filled),
        ChangeEvent::DatesPassed { until_ns } => durable.dates.passed_ns = *until_ns,
    }
}

/// The parent of a multi-leg order counts what its legs trade.
fn fill_legs(durable: &mut Durable, filled: &LegsFilled) {
    change_promise(durable, filled.order, -filled.release, |order| {
        order.filled = order.filled.saturating_add(filled.qty);
        order.filled_value += filled.value;
        order.status = if filled.completes { Status::Filled } else { Status::PartiallyFilled };
    });
    if let Some(place) = durable.orders.place(filled.order).filter(|_| filled.completes) {
        forget_open(durable, place);
    }
}

/// Changes an order and gives it the next place in time.
fn go_to_the_back(durable: &mut Durable, number: OrderNumber, change: impl FnOnce(&mut Order)) {
    let priority = durable.next_priority;
    durable.next_priority += 1;
    touch_order(durable, number, |order| {
        order.priority = priority;
        change(order);
    });
}

/// Changes the quantity or the hold of an order, and what it promises with it.
fn change_promise(
    durable: &mut Durable,
    number: OrderNumber,
    hold: Money,
    change: impl FnOnce(&mut Order),
) {
    let promised = |durable: &Durable| durable.order(number).map_or(0, |order| order.promised());
    let before = promised(durable);
    touch_order(durable, number, |order| {
        change(order);
        order.hold = order.hold.saturating_add(hold);
    });
    let more = promised(durable) - before;
    let seq = durable.turn.seq;
    let Some(terms) = durable.orders.get(number).map(|order| &order.terms) else {
        return;
    };
    let record = durable.instruments.get(terms.instrument as usize);
    if let Some(account) = durable.accounts.get_mut(terms.account as usize) {
        set_aside(account, record.map(|record| record.currency), Balance::from(hold));
        account.seq = seq;
        promise(account, terms, more);
    }
}
