//! What both sides of an auction want now: the book with users and bots, the street's quote,
//! orders at any price, and those that are for this auction only.

use super::{Interest, Uncrossing, uncross};
use crate::durable::Durable;
use crate::ids::{InstrumentIndex, OrderNumber};
use crate::instrument::Instrument;
use crate::json::ObjectWriter;
use crate::market::Market;
use crate::session::Phase;
use crate::words::{AuctionKind, Side};

/// What an auction of an instrument would do now.
pub(crate) fn expected(
    durable: &Durable,
    market: &Market,
    index: InstrumentIndex,
    auction: AuctionKind,
) -> Option<Uncrossing> {
    let instrument = &durable.instrument(index)?.terms;
    let interest = interest(durable, market, auction);
    let reference = durable.last_price(index, market);
    uncross(instrument, &interest, reference, durable.band(index, market))
}

fn interest(durable: &Durable, market: &Market, auction: AuctionKind) -> Interest {
    let mut interest = Interest::default();
    for side in [Side::Buy, Side::Sell] {
        for level in market.book.levels(side) {
            interest.add(side, Some(level.price), level.qty);
        }
        for (price, qty) in market.street.available(side) {
            interest.add(side, Some(price), i128::from(qty));
        }
        let parked = market.parked.as_ref();
        let parked = parked.into_iter().flat_map(|parked| parked.orders(auction, side));
        for number in market.waiting(side).chain(parked) {
            add_order(durable, &mut interest, number);
        }
    }
    interest
}

fn add_order(durable: &Durable, interest: &mut Interest, number: OrderNumber) {
    if let Some(order) = durable.open_order(number) {
        let qty = i128::from(order.leaves());
        interest.add(order.terms.side, order.price_limit(), qty);
    }
}

/// Adds what an auction that collects orders would do now; nothing while none does.
pub(crate) fn push_indication<'a>(
    object: ObjectWriter<'a>,
    durable: &Durable,
    market: &Market,
    instrument: &Instrument,
) -> ObjectWriter<'a> {
    let Some(index) = durable.instrument_of.get(&instrument.symbol).copied() else {
        return object;
    };
    let Phase::Auction(auction) = durable.phase(index) else {
        return object;
    };
    let object = object.text("auction", auction.word());
    let Some(found) = expected(durable, market, index, auction) else {
        return object;
    };
    object
        .text("indicative_price", &instrument.format_price(found.price))
        .text("paired_qty", &instrument.format_quantity(found.qty))
        .text("imbalance_qty", &instrument.format_quantity(found.imbalance))
        .maybe_text("imbalance_side", found.side.map(Side::word))
}
