//! Good-till-date orders by their date.

use std::collections::BTreeSet;

use crate::durable::Durable;
use crate::ids::OrderNumber;
use crate::order::Order;
use crate::orders::Place;
use crate::units::Nanos;
use crate::words::TimeInForce;

/// The open good-till-date orders of a world, and up to when their dates have passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// Orders with an earlier or the same date are past it.
    pub passed_ns: Nanos,
    /// Open orders by date. Derived.
    pub orders: BTreeSet<(Nanos, OrderNumber)>,
}

impl Dates {
    /// The next date of an open order.
    pub fn next_ns(&self) -> Option<Nanos> {
        self.orders.first().map(|(date, _)| *date)
    }

    /// The next order whose date has passed.
    pub fn next_passed(&self) -> Option<OrderNumber> {
        let (date, number) = self.orders.first()?;
        (*date <= self.passed_ns).then_some(*number)
    }
}

/// The date of a good-till-date order.
pub(crate) fn date_of(order: &Order) -> Option<Nanos> {
    let more = order.terms.more.as_ref()?;
    more.expires_ns.filter(|_| order.terms.time_in_force == TimeInForce::Gtd)
}

/// Puts a dated order into the list of dates while it is open, or takes it out.
pub(crate) fn list_date(durable: &mut Durable, place: Place) {
    let Some(order) = durable.orders.at(place) else {
        return;
    };
    let Some(date) = date_of(order) else {
        return;
    };
    let (is_open, entry) = (order.is_open(), (date, order.number));
    if is_open {
        durable.dates.orders.insert(entry);
    } else {
        durable.dates.orders.remove(&entry);
    }
}
