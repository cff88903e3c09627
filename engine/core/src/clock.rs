//! Time: the end of days, sessions, marks, and work that is due.

use crate::change::ChangeEvent;
use crate::event::Event;
use crate::ids::{ExchangeIndex, InstrumentIndex};
use crate::instrument::Mark;
use crate::live::Live;
use crate::sink::Sink;
use crate::units::{DAY_NS, MINUTE_NS, Nanos, SECOND_NS};

/// The first 00:00 UTC after a time.
pub(crate) const fn next_midnight(time_ns: Nanos) -> Nanos {
    (time_ns.div_euclid(DAY_NS) + 1) * DAY_NS
}

impl<S: Sink> Live<'_, S> {
    /// Ends the day of every always-open exchange whose day has ended, before anything else of
    /// this input.
    pub fn end_days(&mut self) {
        self.end_margin_day();
        for index in 0..self.durable.exchanges.len() {
            let now_ns = self.now_ns();
            let ended = self
                .durable
                .exchanges
                .get(index)
                .is_some_and(|exchange| !exchange.has_sessions && exchange.next_ns <= now_ns);
            if ended {
                let (exchange, below) = (index as ExchangeIndex, self.next_order());
                let next_ns = next_midnight(now_ns);
                self.emit(Event::DayEnded { exchange, below, next_ns });
            }
        }
    }

    /// Lets the dates of good-till-date orders pass, before anything else of this input.
    pub fn pass_dates(&mut self) {
        let until_ns = self.now_ns();
        if self.durable.dates.next_ns().is_some_and(|date| date <= until_ns)
            && self.durable.dates.passed_ns < until_ns
        {
            self.emit(Event::Changed(ChangeEvent::DatesPassed { until_ns }));
        }
    }

    /// Time passed: due orders leave, matching that stopped goes on, prices are marked.
    pub fn time(&mut self) {
        self.cross_auctions();
        self.work_off_due();
        self.work_on_contracts();
        self.work_off_money();
        self.continue_matching();
        self.record_trails();
        self.mark();
        self.raise_peaks();
        self.look_at_calls();
    }

    /// Closes orders that are due to leave, as many as a turn may.
    pub fn work_off_due(&mut self) {
        while !self.is_full() {
            let Some((number, _)) = self.durable.next_due() else {
                return;
            };
            self.leave_if_due(number);
        }
    }

    pub fn continue_matching(&mut self) {
        let unfinished: Vec<InstrumentIndex> = self.ephemeral.unfinished.iter().copied().collect();
        for instrument in unfinished {
            if self.is_full() {
                return;
            }
            self.work_on(instrument);
        }
    }

    /// Records the prices of instruments that somebody holds or has an open order in, when they
    /// changed, at most once a second.
    fn mark(&mut self) {
        let now_ns = self.now_ns();
        if self.is_full() {
            return;
        }
        self.move_bands_apart();
        if now_ns < self.durable.marked_ns.saturating_add(SECOND_NS) && self.durable.marked_ns != 0
        {
            return;
        }
        let mut marks: Vec<(InstrumentIndex, Mark)> = Vec::new();
        for (index, record) in self.durable.instruments.iter().enumerate() {
            let Some(market) = self.ephemeral.markets.get_mut(index) else {
                continue;
            };
            if market.apart.is_none() {
                market.band_reference = market.quote.last;
            }
            let is_looked_at = record.interest > 0 || record.has_options;
            if !is_looked_at || !market.is_unmarked {
                continue;
            }
            let mark = market.mark(&record.terms);
            market.is_unmarked = false;
            market.quote.high = None;
            market.quote.low = None;
            if mark != record.mark && mark.price().is_some() {
                marks.push((index as InstrumentIndex, mark));
            }
        }
        if !marks.is_empty() {
            let new_minute = now_ns / MINUTE_NS > self.durable.equity_ns / MINUTE_NS;
            self.emit(Event::Marked { marks, new_minute });
        }
    }
}
