//! Open orders by the part of the day that ends them.

use super::{auction_of, is_extended};
use crate::durable::{Due, Durable};
use crate::ids::OrderNumber;
use crate::order::{Order, OrderTerms};
use crate::orders::OrderList;
use crate::words::{AuctionKind, TimeInForce};

/// The orders of one exchange that leave otherwise than with the regular hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayOrders {
    /// DAY orders for extended hours.
    pub(crate) extended: OrderList,
    /// Opg orders.
    pub(crate) opening: OrderList,
}

/// Which list of an exchange an order is kept in while something ends it. A replace never moves
/// an order from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DayList {
    /// Orders of the regular hours.
    Regular,
    /// Orders for extended hours, too.
    Extended,
    /// Opg orders.
    Opening,
}

impl DayList {
    /// The list for orders of these terms.
    pub fn of(terms: &OrderTerms) -> DayList {
        match auction_of(terms) {
            Some(AuctionKind::Open) => DayList::Opening,
            None if is_extended(terms) => DayList::Extended,
            _ => DayList::Regular,
        }
    }
}

/// What ends an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Its owner only, or a date.
    Never,
    /// The end of the regular hours.
    Regular,
    /// The end of the extended hours behind them.
    Extended,
    /// The end of the opening auction.
    Opening,
}

/// What ends an order of these terms.
pub(crate) fn end_of(terms: &OrderTerms) -> End {
    match (auction_of(terms), terms.time_in_force) {
        (Some(AuctionKind::Open), _) => End::Opening,
        (Some(_), _) => End::Regular,
        (None, TimeInForce::Day) if is_extended(terms) => End::Extended,
        (None, TimeInForce::Day) => End::Regular,
        _ => End::Never,
    }
}

impl Durable {
    /// Whether the part of the day that ends an order has ended.
    pub(crate) fn has_ended(&self, order: &Order) -> Option<Due> {
        let instrument = self.instrument(order.terms.instrument)?;
        let marks = self.exchange_for(&instrument.terms)?.marks();
        let below = match end_of(&order.terms) {
            End::Never => return None,
            End::Regular => marks.regular,
            End::Extended => marks.extended,
            End::Opening => marks.opening,
        };
        let due = match auction_of(&order.terms) {
            Some(_) => Due::AuctionOver,
            None => Due::Expire,
        };
        (order.number < below).then_some(due)
    }

    /// The next order whose rarer end has come.
    pub(crate) fn next_ended(&self) -> Option<OrderNumber> {
        self.exchanges.iter().zip(&self.sessions.day_orders).find_map(|(exchange, orders)| {
            let marks = exchange.marks();
            let first = |list: &OrderList, below: OrderNumber| {
                let number = self.orders.first(list)?.number;
                (number < below).then_some(number)
            };
            first(&orders.extended, marks.extended)
                .or_else(|| first(&orders.opening, marks.opening))
        })
    }
}
