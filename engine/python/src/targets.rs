//! Targets of a `Backtest`: an array of holdings goes through all bars in one call.
//!
//! The core's walk decides; where it says that only a world can, the bars go through the world of
//! the backtest one by one.

use papertape_core::command::Bar;
use papertape_core::targets::{FillsOn, NotPlain, Plan, TargetFill, Walked, Worth, walk};
use papertape_core::units::Balance;
use papertape_core::words::Side;

use crate::columns::Record;

/// The columns of a walk as they go into the tables of a backtest.
pub struct Recorded<'a> {
    pub record: &'a mut Record,
    pub time_ns: &'a [i64],
    pub instrument: u32,
}

impl Walked for Recorded<'_> {
    fn order(&mut self, bar: usize, side: Side, qty: i64) {
        self.record
            .sent(bar as i64, self.time_ns[bar], self.instrument, side, qty);
    }

    fn fill(&mut self, fill: &TargetFill) {
        self.record
            .filled_whole(fill, self.time_ns[fill.bar], self.instrument);
    }

    fn stretch(&mut self, bar: usize, prices: &[i64], cash: Balance, worth: Worth) {
        let equity = &mut self.record.equity;
        let end = bar + prices.len();
        equity.time_ns.extend_from_slice(&self.time_ns[bar..end]);
        equity
            .cash
            .extend(std::iter::repeat_n(clamped(cash), prices.len()));
        match (worth, i64::try_from(cash)) {
            // Bounded: a position is worth less than 2^62.
            (Worth::Times(times), Ok(cash)) => equity
                .equity
                .extend(prices.iter().map(|price| cash + price * times)),
            _ => equity
                .equity
                .extend(prices.iter().map(|price| clamped(cash + worth.at(*price)))),
        }
    }
}

fn clamped(amount: Balance) -> i64 {
    amount.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// What a sweep keeps of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub orders: u64,
    pub filled: u64,
    pub fees: i64,
    pub equity: f64,
    /// Count, sum and sum of squares of the returns from bar to bar.
    pub returns: (u64, f64, f64),
    /// The deepest fall below the highest equity so far, 0 or negative.
    pub drawdown: f64,
    peak: f64,
    trough: f64,
    is_begun: bool,
}

impl Figures {
    pub fn new(cash: Balance) -> Figures {
        let cash = cash as f64;
        Figures {
            equity: cash,
            peak: cash,
            trough: cash,
            ..Figures::default()
        }
    }

    #[inline]
    fn step(&mut self, equity: f64) {
        // The first return would be from the cash to the first bar, which is no period.
        let part = if self.is_begun {
            equity / self.equity - 1.0
        } else {
            0.0
        };
        self.returns.1 += part;
        self.returns.2 += part * part;
        self.is_begun = true;
        self.equity = equity;
        if equity > self.peak {
            self.drawdown = self.drawdown.min(self.trough / self.peak - 1.0);
            (self.peak, self.trough) = (equity, equity);
        }
        self.trough = self.trough.min(equity);
    }

    pub fn finished(mut self) -> Figures {
        self.drawdown = self.drawdown.min(self.trough / self.peak - 1.0);
        self.returns.0 = self.returns.0.saturating_sub(1);
        self
    }
}

impl Walked for Figures {
    fn order(&mut self, _: usize, _: Side, _: i64) {
        self.orders += 1;
    }

    fn fill(&mut self, fill: &TargetFill) {
        self.filled += 1;
        self.fees += fill.fee;
    }

    fn stretch(&mut self, _: usize, prices: &[i64], cash: Balance, worth: Worth) {
        self.returns.0 += prices.len() as u64;
        match worth {
            // Nothing is held: the equity is the cash, all returns but the first are 0.
            Worth::Times(0) => self.step(cash as f64),
            Worth::Times(times) => {
                let cash = cash as f64;
                for price in prices {
                    self.step(cash + (price * times) as f64);
                }
            }
            Worth::Rounded(..) => {
                for price in prices {
                    self.step((cash + worth.at(*price)) as f64);
                }
            }
        }
    }
}

/// Whether all bars are such that a world takes them.
pub fn are_whole(bars: impl Fn(usize) -> Bar, count: usize) -> bool {
    (0..count).all(|at| {
        let bar = bars(at);
        let inside = |price: i64| (bar.low..=bar.high).contains(&price);
        bar.low > 0
            && bar.high <= papertape_core::units::PRICE_MAX
            && inside(bar.open)
            && inside(bar.close)
            && (0..=papertape_core::units::QUANTITY_MAX).contains(&bar.volume)
    })
}

/// Walks a plan; says whether the walk could tell all.
pub fn walked(plan: &Plan<'_>, cash: Balance, into: &mut impl Walked) -> bool {
    walk(plan, cash, into) != Err(NotPlain)
}

/// The word of `fill_on`.
pub fn fills_on(word: &str) -> Option<(FillsOn, &'static str)> {
    match word {
        "next_open" => Some((FillsOn::NextOpen, "next_bar")),
        "close" => Some((FillsOn::Close, "street")),
        _ => None,
    }
}
