//! The short way of a feed: quotes, depth and prints that touch nobody.
//!
//! Most of what a market says reaches no order, no trigger and no watched account. Between which
//! prices that is so is found out once (`Quiet`) and stands until an input takes another way. Such
//! an input changes the street and the live prices, and nothing is asked that cannot be. Whatever
//! is not known to be quiet takes the general way. `World::without_lane` is the naive twin: the
//! tests send the same inputs to both and compare every byte.

use crate::command::{Depth, Input, Quote, StreetLevel, Trade};
use crate::corporate::Action;
use crate::durable::Durable;
use crate::ids::InstrumentIndex;
use crate::instrument::{Instrument, mid};
use crate::market::{Ephemeral, LiveQuote, Market};
use crate::risk::watch::Armed as ArmedAccounts;
use crate::session::Phase;
use crate::sink::{Print, Sink};
use crate::triggers::Triggers;
use crate::units::{Nanos, PRICE_MAX, Price, QUANTITY_MAX, Quantity};
use crate::words::{DepthModel, InstrumentStatus, Side, Source, TriggerSource};

/// Prices that reach nothing: between these two, both excluded.
#[derive(Clone, Copy, Debug)]
struct Between {
    low: Price,
    high: Price,
}

impl Between {
    const ALL: Between = Between { low: Price::MIN, high: Price::MAX };

    const fn holds(self, price: Price) -> bool {
        self.low < price && price < self.high
    }

    /// Something is reached at `level` by a price that falls, or else by one that rises.
    fn bound(&mut self, falling: bool, level: Price) {
        if falling {
            self.low = self.low.max(level);
        } else {
            self.high = self.high.min(level);
        }
    }
}

/// What reaches nothing in one market.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quiet {
    /// Known as long as the feed is at this number.
    epoch: u64,
    is_quiet: bool,
    /// Before this time.
    until_ns: Nanos,
    bids: Between,
    asks: Between,
    mids: Between,
    prints: Between,
    lot: Quantity,
    /// Whether spread and prints are noted for the fill profile.
    is_noted: bool,
}

impl Default for Quiet {
    /// Nothing is known: the feed begins at a later number.
    fn default() -> Quiet {
        let (bids, asks, mids, prints) = (Between::ALL, Between::ALL, Between::ALL, Between::ALL);
        let (epoch, until_ns, lot) = (0, Nanos::MIN, 1);
        Quiet { epoch, is_quiet: false, until_ns, bids, asks, mids, prints, lot, is_noted: false }
    }
}

impl Quiet {
    const fn is_lots(&self, qty: Quantity) -> bool {
        qty > 0 && qty <= QUANTITY_MAX && (self.lot == 1 || qty % self.lot == 0)
    }

    /// Whether levels are what a side of the street can show, best first, in whole lots.
    fn takes(&self, side: Side, levels: &[StreetLevel]) -> bool {
        let is_before = |one: &StreetLevel, next: &StreetLevel| match side {
            Side::Buy => one.0 > next.0,
            Side::Sell => one.0 < next.0,
        };
        levels.iter().all(|(price, qty)| *price > 0 && *price <= PRICE_MAX && self.is_lots(*qty))
            && levels.is_sorted_by(is_before)
    }

    fn holds(&self, bid: Price, ask: Price) -> bool {
        self.bids.holds(bid) && self.asks.holds(ask) && self.mids.holds(mid(bid, ask))
    }
}

/// What is known until an input takes another way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feed {
    /// Before this time nothing happens by itself; 0 when that was not found out yet.
    until_ns: Nanos,
    /// Counts the inputs that took another way.
    epoch: u64,
}

impl Default for Feed {
    fn default() -> Feed {
        Feed { until_ns: 0, epoch: 1 }
    }
}

impl Feed {
    /// Forgets what was found out: anything may have changed.
    pub fn forget(&mut self) {
        self.until_ns = 0;
        self.epoch += 1;
    }
}

impl Durable {
    /// The time before which an input of the market finds no work that is due.
    fn undisturbed_until(&self) -> Nanos {
        if self.created.is_none() || self.is_risk_busy() {
            return Nanos::MIN;
        }
        let days = self.exchanges.iter().filter(|exchange| !exchange.has_sessions);
        let actions = self.corporate.actions.iter().map(Action::due_ns);
        let risk_day = self.risk.as_deref().map(|risk| risk.next_day_ns).filter(|time| *time != 0);
        let arrival = self.delays.due.first_key_value().map(|(arrival, _)| arrival.0);
        let times = days.map(|exchange| exchange.next_ns).chain(actions).chain(risk_day);
        let times = times.chain(arrival).chain(self.dates.next_ns());
        times.chain(self.money.accrual.due_ns()).min().unwrap_or(Nanos::MAX)
    }
}

impl Ephemeral {
    fn is_undisturbed(&self) -> bool {
        self.unfinished.is_empty()
            && self.arrivals.is_empty()
            && !self.combos.are_due()
            && !self.watch.is_valuing()
            && !self.lane.is_closed
            && !self.is_isolated
    }

    /// Forgets what reaches nothing in one market, where an order came or left.
    pub fn forget_quiet(&mut self, instrument: InstrumentIndex) {
        if let Some(market) = self.market_mut(instrument) {
            market.quiet.epoch = 0;
        }
    }
}

impl Triggers {
    /// Bounds the prices that reach no armed order.
    fn bound(&self, quiet: &mut Quiet) {
        for (wait, level) in self.first_levels() {
            match (wait.source, wait.side) {
                (TriggerSource::Mid, _) => quiet.mids.bound(wait.falling, level),
                (TriggerSource::BidAsk, Side::Buy) => quiet.asks.bound(wait.falling, level),
                (TriggerSource::BidAsk, Side::Sell) => quiet.bids.bound(wait.falling, level),
                (TriggerSource::Last, _) => {}
            }
            if wait.source != TriggerSource::Mid {
                quiet.prints.bound(wait.falling, level);
            }
        }
    }
}

impl ArmedAccounts {
    fn bound(&self, mids: &mut Between) {
        let (down, up) = self.nearest();
        down.into_iter().for_each(|level| mids.bound(true, level));
        up.into_iter().for_each(|level| mids.bound(false, level));
    }
}

impl Market {
    /// Bounds the prices that reach no resting order; says whether there are such prices.
    fn bound_by_orders(&self, quiet: &mut Quiet) -> bool {
        let (bid, ask) = (self.best(Side::Buy), self.best(Side::Sell));
        if let Some(bid) = bid {
            quiet.asks.bound(true, bid.price);
            quiet.prints.bound(true, bid.price);
        }
        if let Some(ask) = ask {
            quiet.bids.bound(false, ask.price);
            quiet.prints.bound(false, ask.price);
        }
        bid.zip(ask).is_none_or(|(bid, ask)| bid.price < ask.price)
    }

    /// Whether what stands now reaches nothing either: only then a print may pass unseen.
    fn is_quiet_now(&self, quiet: &Quiet) -> bool {
        match (self.quote.bid, self.quote.ask) {
            (Some((bid, _)), Some((ask, _))) => quiet.holds(bid, ask),
            _ => false,
        }
    }

    /// What reaches nothing here, as things stand.
    fn find_quiet(&self, durable: &Durable, instrument: InstrumentIndex) -> Option<Quiet> {
        let record = durable.instrument(instrument)?;
        let rules = durable.fill_rules(instrument);
        let is_plain = record.terms.source == Source::Street
            && record.terms.status == InstrumentStatus::Active
            && durable.phase(instrument) == Phase::Continuous
            && rules.is_none_or(|rules| rules.depth == DepthModel::Displayed)
            && self.is_fresh
            && self.nobody_waits()
            && self.triggers.trails.is_empty()
            && self.triggers.heard().is_none();
        let mut quiet = Quiet {
            is_quiet: true,
            until_ns: ends_ns(&record.terms),
            lot: record.terms.lot_size,
            is_noted: rules.is_some(),
            ..Quiet::default()
        };
        let has_room = is_plain && self.bound_by_orders(&mut quiet);
        self.triggers.bound(&mut quiet);
        self.triggers.armed.bound(&mut quiet.mids);
        (has_room && self.is_quiet_now(&quiet)).then_some(quiet)
    }

    /// Puts levels that reach nothing in the place of the street's; says whether they do not.
    fn hear_levels(&mut self, bids: &[StreetLevel], asks: &[StreetLevel], now_ns: Nanos) -> bool {
        let quiet = self.quiet;
        let (Some(bid), Some(ask)) = (bids.first(), asks.first()) else {
            return false;
        };
        let is_fine = quiet.takes(Side::Buy, bids) && quiet.takes(Side::Sell, asks);
        if !is_fine || !quiet.holds(bid.0, ask.0) {
            return false;
        }
        for (side, levels) in [(Side::Buy, bids), (Side::Sell, asks)] {
            self.street.replace(side, levels);
            self.queue.street_moved(&self.street, side);
        }
        (self.is_modelled, self.is_of_yesterday) = (false, false);
        self.quote = LiveQuote { bid: Some(*bid), ask: Some(*ask), ..self.quote };
        self.changed(now_ns);
        if quiet.is_noted {
            self.stress.note(ask.0.saturating_sub(bid.0));
        }
        true
    }

    fn takes_print(&self, trade: &Trade) -> bool {
        let is_fine = trade.price > 0 && trade.price <= PRICE_MAX;
        is_fine && (0..=QUANTITY_MAX).contains(&trade.qty) && self.quiet.prints.holds(trade.price)
    }

    fn hear_print(&mut self, trade: &Trade, now_ns: Nanos) {
        self.traded(trade.price, now_ns);
        self.triggers.forget_heard();
        if self.quiet.is_noted {
            self.flow.note_print(now_ns, trade.qty);
        }
    }
}

/// When a contract ends.
fn ends_ns(terms: &Instrument) -> Nanos {
    let expiry_ns = terms.contract.as_deref().map_or(0, |contract| contract.expiry_ns);
    if expiry_ns == 0 { Nanos::MAX } else { expiry_ns }
}

/// A world that hears its feed.
pub(crate) struct Hearing<'a> {
    pub durable: &'a Durable,
    pub ephemeral: &'a mut Ephemeral,
    pub now_ns: Nanos,
}

impl Hearing<'_> {
    /// Takes an input that touches nobody; says whether it was one. If not, nothing has happened.
    pub fn hear<S: Sink>(&mut self, input: &Input, sink: &mut S) -> bool {
        match input {
            Input::Quote(quote) => self.quote(quote),
            Input::Depth(depth) => self.depth(depth),
            Input::Trade(trade) => self.print(trade, sink),
            _ => false,
        }
    }

    fn quote(&mut self, quote: &Quote) -> bool {
        let now_ns = self.now_ns;
        self.quiet_market(quote.instrument).is_some_and(|market| {
            market.hear_levels(quote.bid.as_slice(), quote.ask.as_slice(), now_ns)
        })
    }

    fn depth(&mut self, depth: &Depth) -> bool {
        let now_ns = self.now_ns;
        let market = self.quiet_market(depth.instrument);
        market.is_some_and(|market| market.hear_levels(&depth.bids, &depth.asks, now_ns))
    }

    fn print<S: Sink>(&mut self, trade: &Trade, sink: &mut S) -> bool {
        let (now_ns, durable) = (self.now_ns, self.durable);
        let market = self.quiet_market(trade.instrument);
        let Some(market) = market.filter(|market| market.takes_print(trade)) else {
            return false;
        };
        let &Trade { instrument, price, qty, side } = trade;
        sink.print(durable, &Print { instrument, time_ns: now_ns, price, qty, side });
        market.hear_print(trade, now_ns);
        true
    }

    /// The market of an instrument, when some of its prices are known to reach nothing now.
    fn quiet_market(&mut self, instrument: InstrumentIndex) -> Option<&mut Market> {
        let (now_ns, durable) = (self.now_ns, self.durable);
        if self.ephemeral.feed.until_ns == 0 {
            self.find_until();
        }
        let Feed { until_ns, epoch } = self.ephemeral.feed;
        if now_ns >= until_ns {
            return None;
        }
        if self.ephemeral.market(instrument)?.quiet.epoch != epoch {
            self.find_quiet(durable, instrument);
        }
        let market = self.ephemeral.market_mut(instrument)?;
        (market.quiet.is_quiet && now_ns < market.quiet.until_ns).then_some(market)
    }

    #[cold]
    fn find_until(&mut self) {
        let is_undisturbed = self.ephemeral.is_undisturbed();
        let until_ns = if is_undisturbed { self.durable.undisturbed_until() } else { Nanos::MIN };
        self.ephemeral.feed.until_ns = until_ns;
    }

    #[inline(never)]
    fn find_quiet(&mut self, durable: &Durable, instrument: InstrumentIndex) {
        let (epoch, has_combos) =
            (self.ephemeral.feed.epoch, self.ephemeral.combos.rest_on(instrument));
        if let Some(market) = self.ephemeral.market_mut(instrument) {
            let found = market.find_quiet(durable, instrument).filter(|_| !has_combos);
            market.quiet = Quiet { epoch, ..found.unwrap_or_default() };
        }
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
