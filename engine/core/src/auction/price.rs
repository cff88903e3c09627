//! The price of an auction, found from what both sides want at each price.

use std::collections::BTreeMap;

use crate::instrument::Instrument;
use crate::units::{Price, QUANTITY_MAX, Quantity, clamp};
use crate::words::Side;

/// What both sides of an auction want.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    /// Wanted at any price, by side.
    pub market: [i128; 2],
    /// Wanted at a limit price: bought and sold.
    pub limits: BTreeMap<Price, [i128; 2]>,
}

impl Interest {
    /// Adds an order or a level; `None` takes any price.
    pub fn add(&mut self, side: Side, limit: Option<Price>, qty: i128) {
        let wanted = match limit {
            None => &mut self.market,
            Some(price) => self.limits.entry(price).or_default(),
        };
        wanted[side.index()] += qty;
    }
}

/// What an auction would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncrossing {
    /// The price.
    pub price: Price,
    /// How much trades at it.
    pub qty: Quantity,
    /// How much more the longer side wants at it.
    pub imbalance: Quantity,
    /// The longer side; `None` when both want the same.
    pub side: Option<Side>,
}

/// Prices of the grid with the same interest on both sides.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    low: Price,
    high: Price,
    bought: i128,
    sold: i128,
}

impl Stretch {
    fn volume(&self) -> i128 {
        self.bought.min(self.sold)
    }

    const fn surplus(&self) -> i128 {
        self.bought - self.sold
    }

    fn nearest_to(&self, instrument: &Instrument, price: Price) -> Price {
        if price <= self.low {
            return self.low;
        }
        if price >= self.high {
            return self.high;
        }
        let (down, up) = (instrument.tick_down(price), instrument.tick_up(price));
        if i128::from(price) - i128::from(down) <= i128::from(up) - i128::from(price) {
            down.max(self.low)
        } else {
            up.min(self.high)
        }
    }
}

/// The price at which an auction trades, or nothing when nothing can trade.
///
/// Of all prices of the grid between the lowest and the highest limit price (and within the band,
/// if there is one) those remain, in this order, (1) where the most trades, (2) where the surplus
/// is least, (3) the highest when the surplus is bought at all of them and the lowest when it is
/// sold at all of them, (4) the nearest to the reference price, of two equally near the lower.
/// Orders at any price only, without a limit price on either side, trade at the reference price.
pub fn uncross(
    instrument: &Instrument,
    interest: &Interest,
    reference: Option<Price>,
    band: Option<(Price, Price)>,
) -> Option<Uncrossing> {
    let stretches = match (interest.limits.is_empty(), reference) {
        (true, Some(price)) => vec![Stretch {
            low: price,
            high: price,
            bought: interest.market[0],
            sold: interest.market[1],
        }],
        _ => stretches(instrument, interest, band),
    };
    let most = stretches.iter().map(Stretch::volume).max().filter(|volume| *volume > 0)?;
    let best = || stretches.iter().filter(move |it| it.volume() == most);
    let least = best().map(|it| it.surplus().abs()).min()?;
    let left: Vec<&Stretch> = best().filter(|it| it.surplus().abs() == least).collect();
    let price = choose(instrument, &left, reference)?;
    let chosen = left.iter().find(|it| (it.low..=it.high).contains(&price))?;
    let side = match chosen.surplus() {
        0 => None,
        surplus if surplus > 0 => Some(Side::Buy),
        _ => Some(Side::Sell),
    };
    // No event carries more than a position can be; what is beyond trades in no auction.
    let bounded = |qty: i128| clamp(qty.min(i128::from(QUANTITY_MAX)));
    Some(Uncrossing { price, qty: bounded(most), imbalance: bounded(least), side })
}

/// Market pressure, then the reference price; `left` rises and is not empty.
fn choose(instrument: &Instrument, left: &[&Stretch], reference: Option<Price>) -> Option<Price> {
    let (first, last) = (left.first()?, left.last()?);
    if left.iter().all(|it| it.surplus() > 0) {
        return Some(last.high);
    }
    if left.iter().all(|it| it.surplus() < 0) {
        return Some(first.low);
    }
    let Some(reference) = reference else {
        return Some(first.low);
    };
    let near = left.iter().map(|it| it.nearest_to(instrument, reference));
    near.min_by_key(|price| (i128::from(*price) - i128::from(reference)).abs())
}

/// The prices from the lowest to the highest limit, cut into stretches of the same interest,
/// rising: each limit price, and the prices of the grid between it and the next.
fn stretches(
    instrument: &Instrument,
    interest: &Interest,
    band: Option<(Price, Price)>,
) -> Vec<Stretch> {
    let mut bought: i128 = interest.limits.values().map(|wanted| wanted[0]).sum();
    bought += interest.market[0];
    let mut sold = interest.market[1];
    let mut found = Vec::with_capacity(2 * interest.limits.len());
    let mut limits = interest.limits.iter().peekable();
    while let Some((&price, wanted)) = limits.next() {
        sold += wanted[1];
        found.push(Stretch { low: price, high: price, bought, sold });
        bought -= wanted[0];
        if let Some((next, _)) = limits.peek().copied() {
            let low = instrument.tick_up(price.saturating_add(1));
            let high = instrument.tick_down(next.saturating_sub(1));
            found.push(Stretch { low, high, bought, sold });
        }
    }
    let (least, most) = band.unwrap_or((Price::MIN, Price::MAX));
    let cut = found.into_iter().map(|it| cut_to(instrument, it, least, most));
    cut.filter(|it| it.low <= it.high).collect()
}

/// The part of a stretch that lies within a band.
fn cut_to(instrument: &Instrument, stretch: Stretch, least: Price, most: Price) -> Stretch {
    let low = if stretch.low < least { instrument.tick_up(least) } else { stretch.low };
    let high = if stretch.high > most { instrument.tick_down(most) } else { stretch.high };
    Stretch { low, high, ..stretch }
}
