//! A market input of an isolated world: each account that it may touch has its turn, alone.

use crate::book::{Owner, reaches};
use crate::command::{Bar, Trade};
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::isolated::{SIDES, Touch};
use crate::live::Live;
use crate::market::{Ephemeral, Market};
use crate::sink::Sink;
use crate::units::SECOND_NS;
use crate::words::{QueueModel, Side};

impl Market {
    /// The accounts that this may touch.
    pub(super) fn touched(&mut self, touch: Touch) -> Vec<AccountIndex> {
        self.stand();
        let index = self.apart.as_ref().map(|apart| &apart.index);
        index.map_or(Vec::new(), |index| index.touched(touch).into_iter().collect())
    }

    /// The accounts with open orders here.
    pub(super) fn tenants(&mut self) -> Vec<AccountIndex> {
        self.stand();
        let booths = self.apart.as_ref().map(|apart| &apart.booths);
        booths.map_or(Vec::new(), |booths| booths.keys().copied().collect())
    }

    /// The accounts with trailing stops here.
    fn trailing(&mut self) -> Vec<AccountIndex> {
        self.stand();
        self.apart.as_ref().map_or(Vec::new(), |apart| apart.index.trailing())
    }
}

impl Ephemeral {
    /// Only the outside is left in the market of an instrument.
    pub(super) fn stand(&mut self, instrument: InstrumentIndex) {
        if let Some(market) = self.market_mut(instrument) {
            market.stand();
        }
    }
}

impl<S: Sink> Live<'_, S> {
    /// The accounts that the outside may touch as it stands.
    fn touched_now(&mut self, instrument: InstrumentIndex) -> Vec<AccountIndex> {
        let record = self.durable.instruments.get(instrument as usize);
        let market = self.ephemeral.markets.get_mut(instrument as usize);
        let Some((record, market)) = record.zip(market) else {
            return Vec::new();
        };
        market.stand();
        let touch = Touch::now(market, &record.terms);
        market.touched(touch)
    }

    fn touched_by(&mut self, instrument: InstrumentIndex, touch: Touch) -> Vec<AccountIndex> {
        let market = self.ephemeral.market_mut(instrument);
        market.map_or(Vec::new(), |market| market.touched(touch))
    }

    /// Lets everything happen that new liquidity or a new price makes possible.
    pub(crate) fn work_apart(&mut self, instrument: InstrumentIndex) {
        self.ephemeral.unfinished.remove(&instrument);
        let may_trade = self.may_trade(instrument);
        for account in self.touched_now(instrument) {
            if self.is_full() {
                self.ephemeral.unfinished.insert(instrument);
                break;
            }
            self.ephemeral.sit(instrument, account);
            if may_trade {
                self.serve_waiting(instrument);
                self.meet_bots(instrument);
                self.cross_street(instrument);
            }
            self.fire_reached(instrument);
        }
        self.end_of_round(instrument);
    }

    /// Fires every stop order of every account that is reached.
    pub(crate) fn fire_apart(&mut self, instrument: InstrumentIndex) {
        for account in self.touched_now(instrument) {
            if self.is_full() {
                self.ephemeral.unfinished.insert(instrument);
                break;
            }
            self.ephemeral.sit(instrument, account);
            self.fire_reached(instrument);
        }
        self.end_of_round(instrument);
    }

    /// Everybody has heard the trades, unless the turn was full before.
    fn end_of_round(&mut self, instrument: InstrumentIndex) {
        let is_done = !self.ephemeral.unfinished.contains(&instrument);
        if let Some(market) = self.ephemeral.market_mut(instrument) {
            market.stand();
            if is_done {
                market.triggers.forget_heard();
            }
        }
        self.watch_prices(instrument);
    }

    /// Lets resting orders take what bots show that they have come to cross.
    fn meet_bots(&mut self, instrument: InstrumentIndex) {
        for side in SIDES {
            while let Some(number) = self.meets_bot(instrument, side) {
                if self.is_full() {
                    self.ephemeral.unfinished.insert(instrument);
                    return;
                }
                if !self.leave_if_due(number) {
                    self.execute(number);
                }
            }
        }
    }

    fn meets_bot(&self, instrument: InstrumentIndex, side: Side) -> Option<u64> {
        let market = self.market(instrument)?;
        let best = market.best(side)?;
        let offer = market.best_offer(side).filter(|offer| offer.resting.is_some())?;
        let crosses = reaches(side, Some(best.price), offer.price);
        match best.owner {
            Owner::User(number) if crosses => Some(number),
            _ => None,
        }
    }

    /// The street traded: each account's resting orders meet the whole size of the print.
    pub(crate) fn print_apart(&mut self, trade: &Trade, queue: QueueModel) {
        let touch = Touch::range(trade.price, trade.price);
        for account in self.touched_by(trade.instrument, touch) {
            self.ephemeral.sit(trade.instrument, account);
            self.fill_by_print(trade, queue);
        }
        self.fire_apart(trade.instrument);
    }

    /// A bar closed: each account's orders go along its path with the whole volume that users may
    /// fill.
    pub(crate) fn walk_bar_apart(&mut self, bar: &Bar) {
        for account in self.touched_by(bar.instrument, Touch::range(bar.low, bar.high)) {
            self.ephemeral.sit(bar.instrument, account);
            self.walk_bar(bar);
        }
        self.ephemeral.stand(bar.instrument);
    }

    /// Price bands move once a second, whoever is there to have prices marked.
    pub(crate) fn move_bands_apart(&mut self) {
        let now_ns = self.now_ns();
        if !self.ephemeral.is_isolated {
            return;
        }
        for market in &mut self.ephemeral.markets {
            if let Some(apart) = &mut market.apart {
                if now_ns >= apart.bands_ns.saturating_add(SECOND_NS) {
                    apart.bands_ns = now_ns;
                    market.band_reference = market.quote.last;
                }
            }
        }
    }

    /// Records the water marks of every account that moved, as many as a turn may.
    pub(crate) fn record_trails_apart(&mut self, instrument: InstrumentIndex) {
        let market = self.ephemeral.market_mut(instrument);
        for account in market.map_or(Vec::new(), Market::trailing) {
            self.ephemeral.sit(instrument, account);
            self.record_trails_of(instrument);
        }
    }
}
