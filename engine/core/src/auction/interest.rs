//! What both sides of an auction want now: the book with users and bots, the street's quote,
//! orders at any price, and those that are for this auction only.

use super::{Interest, Uncrossing, uncross};
use crate::book::Owner;
use crate::durable::Durable;
use crate::ids::{InstrumentIndex, OrderNumber};
use crate::instrument::Instrument;
use crate::json::ObjectWriter;
use crate::market::Market;
use crate::session::Phase;
use crate::words::{AuctionKind, Side};

/// What an auction counts: what the book shows, for those who look on, or everything, when it
/// trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Shown,
    All,
}

/// What an auction of an instrument would do now.
pub(crate) fn expected(
    durable: &Durable,
    market: &Market,
    index: InstrumentIndex,
    auction: AuctionKind,
    count: Count,
) -> Option<Uncrossing> {
    let instrument = &durable.instrument(index)?.terms;
    let interest = interest(durable, market, auction, count);
    let reference = durable.last_price(index, market);
    uncross(instrument, &interest, reference, durable.band(index, market))
}

fn interest(durable: &Durable, market: &Market, auction: AuctionKind, count: Count) -> Interest {
    let mut interest = Interest::default();
    for side in [Side::Buy, Side::Sell] {
        let (street, book) = market.outside_levels(side);
        for level in book.levels(side) {
            interest.add(side, Some(level.price), level.qty);
        }
        for (price, qty) in street {
            interest.add(side, Some(price), i128::from(qty));
        }
        if market.apart.is_some() {
            // Users move no price, and nobody sees them.
            continue;
        }
        if count == Count::All {
            add_unseen(durable, market, side, &mut interest);
        }
        let parked = market.parked.as_ref();
        let parked = parked.into_iter().flat_map(|parked| parked.orders(auction, side));
        for number in market.waiting(side).chain(parked) {
            add_order(durable, &mut interest, number);
        }
    }
    interest
}

/// Adds what rests without being shown: hidden orders, and what icebergs show later.
fn add_unseen(durable: &Durable, market: &Market, side: Side, interest: &mut Interest) {
    for level in market.hidden.iter().flat_map(|book| book.levels(side)) {
        interest.add(side, Some(level.price), level.qty);
    }
    for resting in market.book.orders(side) {
        let Owner::User(number) = resting.owner else {
            continue;
        };
        let order = durable.open_order(number).filter(|order| order.terms.more.is_some());
        if let Some(order) = order {
            let unseen = i128::from(order.leaves()) - i128::from(resting.qty);
            interest.add(side, Some(resting.price), unseen.max(0));
        }
    }
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
    let Some(found) = expected(durable, market, index, auction, Count::Shown) else {
        return object;
    };
    object
        .text("indicative_price", &instrument.format_price(found.price))
        .text("paired_qty", &instrument.format_quantity(found.qty))
        .text("imbalance_qty", &instrument.format_quantity(found.imbalance))
        .maybe_text("imbalance_side", found.side.map(Side::word))
}
