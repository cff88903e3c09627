//! Fills that are only a part, now and then, as some paper markets give them.

use crate::draw::{self, Purpose};
use crate::ids::OrderNumber;
use crate::live::Live;
use crate::market::Offer;
use crate::order::Order;
use crate::sink::Sink;
use crate::units::Quantity;
use crate::words::TimeInForce;

impl<S: Sink> Live<'_, S> {
    /// The part of an offer of the street that an order gets when chance gives it only a part:
    /// at least a lot and less than it wants.
    pub fn part_of(
        &self,
        number: OrderNumber,
        offer: &Offer,
        wanted: Quantity,
    ) -> Option<Quantity> {
        let order = self.order(number).filter(|_| offer.resting.is_none())?;
        let lot = self.terms_of(order.terms.instrument)?.lot_size;
        let some = self.part_of_lots(order, u64::try_from(wanted / lot).unwrap_or(0))?;
        Some(i64::try_from(some).unwrap_or(1).saturating_mul(lot))
    }

    /// How many of these lots an order gets, when chance gives it only a part of them.
    pub fn part_of_lots(&self, order: &Order, lots: u64) -> Option<u64> {
        let rules = self.durable.fill_rules(order.terms.instrument)?;
        if rules.partial_rate == 0 || order.terms.time_in_force == TimeInForce::Fok {
            return None;
        }
        let seed = self.durable.created.as_ref().map_or(0, |created| created.seed);
        let draw = |purpose| draw::bits(seed, order.number, purpose, order.filled.unsigned_abs());
        if draw::uniform(draw(Purpose::PartialHappens)) >= rules.partial_rate {
            return None;
        }
        if lots < 2 {
            return None;
        }
        Some(draw::below(draw(Purpose::PartialSize), lots - 1) + 1)
    }
}
