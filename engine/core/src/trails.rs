//! Trailing stops: the stop price follows the best price seen, at a distance.
//!
//! A sell trails the highest price from below, a buy the lowest from above. Only orders whose water
//! mark a price passes are touched by it, so a quiet market costs nothing. Water marks live here
//! and are recorded at most once a second (`ChangeEvent::TrailMoved`); after a restart the recorded
//! mark counts, as if the market had not moved since.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::OrderNumber;
use crate::more_terms::{MoreTerms, PERCENT_SCALE};
use crate::order::Order;
use crate::triggers::{Seen, Wait};
use crate::units::{Price, Rounding, clamp, divide, power_of_ten};
use crate::words::{Side, TriggerSource};

/// How far a stop trails behind the water mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distance {
    amount: Option<Price>,
    percent: i64,
    tick: Price,
}

impl Distance {
    /// The distance that terms ask for; percentages are rounded up to whole ticks.
    pub fn of(more: &MoreTerms, tick: Price) -> Distance {
        let percent = more.trail_percent.unwrap_or(0);
        Distance { amount: more.trail_price, percent, tick: tick.max(1) }
    }

    /// The stop price behind a water mark, at least one unit.
    pub fn stop(&self, side: Side, mark: Price) -> Price {
        let away = match self.amount {
            Some(amount) => i128::from(amount),
            None => {
                let share = i128::from(mark) * i128::from(self.percent);
                let tick = i128::from(self.tick);
                let whole = power_of_ten(u32::from(PERCENT_SCALE) + 2) * tick;
                divide(share, whole, Rounding::Up) * tick
            }
        };
        let stop = match side {
            Side::Buy => i128::from(mark) + away,
            Side::Sell => i128::from(mark) - away,
        };
        clamp(stop.clamp(1, i128::from(crate::units::PRICE_MAX)))
    }
}

/// One trailing stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trail {
    /// Its side.
    pub side: Side,
    /// Who tells the price.
    pub source: TriggerSource,
    /// How far it trails.
    pub distance: Distance,
    /// The best price seen.
    pub mark: Price,
    /// The stop price behind it.
    pub stop: Price,
    /// Its place in time.
    pub priority: u64,
}

impl Trail {
    /// How a trailing stop trails; `None` for every other order.
    pub(crate) fn of(order: &Order, wait: Wait, tick: Price) -> Option<Trail> {
        let more = order.terms.more.as_ref()?;
        let (mark, stop) = (more.water_mark?, order.terms.stop_price?);
        let (side, source, priority) = (wait.side, wait.source, order.priority);
        Some(Trail { side, source, distance: Distance::of(more, tick), mark, stop, priority })
    }
}

/// A price that trailing stops are held against.
#[derive(Clone, Copy, Debug)]
enum Tick {
    Quote(Seen),
    Print(Price),
    /// A point on the path of a bar.
    Path(Price),
}

impl Tick {
    /// The price that may pass the water mark of such an order.
    fn moving(&self, source: TriggerSource, side: Side) -> Option<Price> {
        match (*self, source) {
            (Tick::Quote(seen), _) => seen.by(source, side),
            // A print between bid and ask would drag the stop of a quiet quote into the market.
            (Tick::Print(price), TriggerSource::Last) => Some(price),
            (Tick::Print(_), _) => None,
            (Tick::Path(price), _) => Some(price),
        }
    }

    /// The price that may reach the stop of such an order.
    fn firing(&self, source: TriggerSource, side: Side) -> Option<Price> {
        match (*self, source) {
            (Tick::Print(_), TriggerSource::Mid) => None,
            (Tick::Print(price), _) => Some(price),
            // Orders fire on a path one by one, where they stand on it.
            (Tick::Path(_), _) => None,
            (Tick::Quote(_), _) => self.moving(source, side),
        }
    }
}

/// Orders of one side and source.
type Kind = (Side, TriggerSource);

/// The trailing stops of one instrument.
#[derive(Clone, Debug, Default)]
pub struct Trails {
    orders: BTreeMap<OrderNumber, Trail>,
    by_mark: BTreeMap<Kind, BTreeSet<(Price, OrderNumber)>>,
    by_stop: BTreeMap<Kind, BTreeSet<(Price, u64, OrderNumber)>>,
    reached: BTreeMap<OrderNumber, Price>,
    moved: BTreeSet<OrderNumber>,
}

impl Trails {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    /// Takes a trailing stop in.
    pub fn add(&mut self, number: OrderNumber, trail: Trail) {
        let kind = (trail.side, trail.source);
        self.by_mark.entry(kind).or_default().insert((trail.mark, number));
        self.by_stop.entry(kind).or_default().insert((trail.stop, trail.priority, number));
        self.orders.insert(number, trail);
    }

    /// Takes a trailing stop out.
    pub fn remove(&mut self, number: OrderNumber) -> Option<Trail> {
        let trail = self.orders.remove(&number)?;
        let kind = (trail.side, trail.source);
        if let Some(marks) = self.by_mark.get_mut(&kind) {
            marks.remove(&(trail.mark, number));
        }
        if let Some(stops) = self.by_stop.get_mut(&kind) {
            stops.remove(&(trail.stop, trail.priority, number));
        }
        self.reached.remove(&number);
        self.moved.remove(&number);
        Some(trail)
    }

    /// A trailing stop.
    pub fn get(&self, number: OrderNumber) -> Option<&Trail> {
        self.orders.get(&number)
    }

    /// A quote: fires what it reaches, then lets water marks follow it.
    pub fn see(&mut self, seen: Seen) {
        self.follow(Tick::Quote(seen));
    }

    /// A trade: the same.
    pub fn hear(&mut self, price: Price) {
        self.follow(Tick::Print(price));
    }

    /// A path through a bar came to this price: water marks follow it.
    pub fn walk(&mut self, price: Price) {
        self.follow(Tick::Path(price));
    }

    fn follow(&mut self, tick: Tick) {
        if self.orders.is_empty() {
            return;
        }
        let kinds: Vec<Kind> = self.by_mark.keys().copied().collect();
        for (side, source) in kinds {
            if let Some(price) = tick.firing(source, side) {
                self.fire((side, source), price);
            }
            if let Some(price) = tick.moving(source, side) {
                self.drag((side, source), price);
            }
        }
    }

    fn fire(&mut self, kind: Kind, price: Price) {
        let Some(stops) = self.by_stop.get(&kind) else {
            return;
        };
        match kind.0 {
            Side::Buy => {
                let reached = stops.range(..=(price, u64::MAX, u64::MAX));
                self.reached.extend(reached.map(|(_, _, number)| (*number, price)));
            }
            Side::Sell => {
                let reached = stops.range((price, 0, 0)..);
                self.reached.extend(reached.map(|(_, _, number)| (*number, price)));
            }
        }
    }

    fn drag(&mut self, kind: Kind, price: Price) {
        let Some(marks) = self.by_mark.get(&kind) else {
            return;
        };
        let passed: Vec<OrderNumber> = match kind.0 {
            Side::Buy => marks.range((price.saturating_add(1), 0)..).map(|it| it.1).collect(),
            Side::Sell => marks.range(..(price, 0)).map(|it| it.1).collect(),
        };
        for number in passed {
            if self.reached.contains_key(&number) {
                continue;
            }
            let Some(mut trail) = self.remove(number) else {
                continue;
            };
            trail.mark = price;
            trail.stop = trail.distance.stop(trail.side, price);
            self.add(number, trail);
            self.moved.insert(number);
        }
    }

    /// The next order whose stop was reached, and by which price.
    pub fn reached(&self) -> Option<(OrderNumber, Price)> {
        self.reached.first_key_value().map(|(number, price)| (*number, *price))
    }

    /// The trailing stops that a rising or falling path reaches first: stop, place in time,
    /// number.
    pub fn nearest(&self, falling: bool) -> impl Iterator<Item = (Price, u64, OrderNumber)> {
        let side = if falling { Side::Sell } else { Side::Buy };
        let sets = self.by_stop.iter().filter(move |((of, _), _)| *of == side);
        sets.filter_map(move |(_, set)| {
            if !falling {
                return set.first().copied();
            }
            let (stop, _, _) = set.last()?;
            set.range((*stop, 0, 0)..).next().copied()
        })
    }

    /// An order that moved since it was last recorded.
    pub fn next_moved(&self) -> Option<(OrderNumber, Trail)> {
        let number = self.moved.first()?;
        self.orders.get(number).map(|trail| (*number, *trail))
    }

    /// Notes that an order was recorded.
    pub fn recorded(&mut self, number: OrderNumber) {
        self.moved.remove(&number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(side: Side, source: TriggerSource, amount: Price, mark: Price) -> Trail {
        let distance = Distance { amount: Some(amount), percent: 0, tick: 1 };
        let stop = distance.stop(side, mark);
        Trail { side, source, distance, mark, stop, priority: 1 }
    }

    fn seen(bid: Price, ask: Price) -> Seen {
        Seen { bid: Some(bid), ask: Some(ask) }
    }

    #[test]
    fn a_sell_follows_the_bid_up_and_fires_below_it() {
        let mut trails = Trails::default();
        trails.add(1, trail(Side::Sell, TriggerSource::BidAsk, 5, 100));
        trails.see(seen(104, 106));
        assert_eq!(trails.get(1).map(|it| (it.mark, it.stop)), Some((104, 99)));
        assert_eq!(trails.next_moved().map(|it| it.0), Some(1));
        trails.hear(110);
        assert_eq!(trails.get(1).map(|it| it.stop), Some(99), "a print does not drag it");
        trails.see(seen(100, 101));
        assert_eq!(trails.reached(), None);
        trails.see(seen(99, 101));
        assert_eq!(trails.reached(), Some((1, 99)));
        trails.see(seen(120, 121));
        assert_eq!(trails.reached(), Some((1, 99)), "what was reached stays reached");
    }

    #[test]
    fn a_buy_follows_trades_down_and_fires_above_them() {
        let mut trails = Trails::default();
        trails.add(1, trail(Side::Buy, TriggerSource::Last, 5, 100));
        for price in [97, 95, 99] {
            trails.hear(price);
        }
        assert_eq!(trails.reached(), None);
        trails.hear(100);
        assert_eq!(trails.reached(), Some((1, 100)), "five above the lowest");
    }

    #[test]
    fn a_high_after_a_low_does_not_fire_at_the_low() {
        let mut trails = Trails::default();
        trails.add(1, trail(Side::Sell, TriggerSource::Last, 5, 100));
        trails.hear(96);
        trails.hear(104);
        assert_eq!(trails.reached(), None, "the low came before the stop rose to 99");
    }

    #[test]
    fn a_percentage_is_rounded_up_to_whole_ticks() {
        let distance = Distance { amount: None, percent: 15_000, tick: 5 };
        assert_eq!(distance.stop(Side::Sell, 1_001), 981, "1.5 % is 15.015, hence four ticks");
        assert_eq!(distance.stop(Side::Buy, 1_000), 1_015);
        assert_eq!(distance.stop(Side::Sell, 1), 1);
    }
}
