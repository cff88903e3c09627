//! Fair values: log prices with stochastic volatility, rare jumps and common factors.
//!
//! A step of an instrument is a weighted sum of three standard normal shocks (its market, its
//! sector, itself), each scaled by a volatility of its own that reverts to its mean, plus now
//! and then a jump. That gives fat tails, clustered volatility and correlated names.

use crate::draw::{Draws, Purpose, stream_of};
use crate::season;
use serde::{Deserialize, Serialize};

const SECONDS_PER_DAY: f64 = 86_400.0;
/// Quick and slow volatility: how long a deviation lasts (seconds) and how large it gets.
const FAST: (f64, f64) = (420.0, 0.40);
const SLOW: (f64, f64) = (21_600.0, 0.35);
/// Loadings of market and sector; what is left of the variance is the instrument's own.
const MARKET_LOADING: f64 = 0.50;
const SECTOR_LOADING: f64 = 0.32;
const JUMPS_PER_DAY: f64 = 5.0;
/// Jump size as a share of a day's volatility.
const JUMP_SHARE: f64 = 0.12;
/// After a jump volatility is up by this much (logarithm) and calms down as `FAST` says.
const JUMP_EXCITES: f64 = 0.6;
/// Prices drift back to where they were listed, very slowly, so that years do not run away.
const HOME_SECONDS: f64 = 180.0 * SECONDS_PER_DAY;

/// How a step of fixed length acts on quick and slow volatility.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Length of a step in seconds.
    pub seconds: f64,
    fast_keeps: f64,
    slow_keeps: f64,
    jump_chance: f64,
}

impl Pace {
    /// The pace of steps that last `seconds`.
    #[must_use]
    pub fn of(seconds: f64) -> Self {
        Self {
            seconds,
            fast_keeps: libm::exp(-seconds / FAST.0),
            slow_keeps: libm::exp(-seconds / SLOW.0),
            jump_chance: JUMPS_PER_DAY * seconds / SECONDS_PER_DAY,
        }
    }
}

/// Logarithm of a volatility relative to its long-run level, in a quick and a slow part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogVolatility {
    #[serde(with = "crate::exact")]
    fast: f64,
    #[serde(with = "crate::exact")]
    slow: f64,
}

impl LogVolatility {
    /// Moves one step.
    pub fn step(&mut self, pace: &Pace, draws: Draws) {
        let fast_shock = draws.normal(Purpose::FastVolatility, 0);
        let slow_shock = draws.normal(Purpose::SlowVolatility, 0);
        self.fast = revert(self.fast, pace.fast_keeps, FAST.1, fast_shock);
        self.slow = revert(self.slow, pace.slow_keeps, SLOW.1, slow_shock);
    }

    /// The multiplier of volatility; its square averages to 1.
    #[must_use]
    pub fn level(self) -> f64 {
        libm::exp(self.fast + self.slow - FAST.1 * FAST.1 - SLOW.1 * SLOW.1)
    }
}

/// One exact step of an Ornstein-Uhlenbeck process around 0.
fn revert(value: f64, keeps: f64, deviation: f64, shock: f64) -> f64 {
    value * keeps + deviation * libm::sqrt(1.0 - keeps * keeps) * shock
}

/// A shock that several instruments share: a market or a sector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// Such as `market:us_equity` or `sector:Technology`.
    pub name: String,
    volatility: LogVolatility,
    /// The shock of the step that was made last.
    #[serde(with = "crate::exact")]
    shock: f64,
}

impl Factor {
    /// A calm factor.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            volatility: LogVolatility::default(),
            shock: 0.0,
        }
    }

    /// Moves to `step`.
    pub fn step(&mut self, pace: &Pace, seed: u64, step: i64) {
        let draws = Draws::at(seed, stream_of(&self.name), step);
        self.volatility.step(pace, draws);
        self.shock = self.volatility.level() * draws.normal(Purpose::Return, 0);
    }

    /// Standard shock of this step.
    #[must_use]
    pub fn shock(&self) -> f64 {
        self.shock
    }
}

/// The fair value of one instrument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FairValue {
    /// Natural logarithm of the fair price (in currency).
    #[serde(with = "crate::exact")]
    pub log_price: f64,
    /// The return of the last step relative to what is usual.
    #[serde(with = "crate::exact")]
    pub surprise: f64,
    volatility: LogVolatility,
}

/// What does not change about a price: where it lives and how much it moves.
#[derive(Clone, Copy, Debug)]
pub struct Character {
    /// Volatility of a day (standard deviation of log returns).
    pub daily_volatility: f64,
    /// Logarithm of the listing price.
    pub home: f64,
    /// The price never leaves these logarithms.
    pub bounds: (f64, f64),
}

impl FairValue {
    /// A calm price.
    #[must_use]
    pub fn new(log_price: f64) -> Self {
        Self {
            log_price,
            surprise: 0.0,
            volatility: LogVolatility::default(),
        }
    }

    /// Moves one step that ends at `time_ns`.
    pub fn step(
        &mut self,
        pace: &Pace,
        character: &Character,
        shocks: (f64, f64),
        draws: Draws,
        time_ns: i64,
    ) {
        self.volatility.step(pace, draws);
        let own =
            libm::sqrt(1.0 - MARKET_LOADING * MARKET_LOADING - SECTOR_LOADING * SECTOR_LOADING);
        let shock = MARKET_LOADING * shocks.0
            + SECTOR_LOADING * shocks.1
            + own * self.volatility.level() * draws.normal(Purpose::Return, 0);
        let usual = character.daily_volatility
            * libm::sqrt(pace.seconds / SECONDS_PER_DAY)
            * season::volatility(time_ns);
        let homeward = (character.home - self.log_price) * pace.seconds / HOME_SECONDS;
        let jump = self.jump(pace, character, draws);
        let moved = usual * shock + homeward + jump;
        self.surprise = (moved / usual).clamp(-8.0, 8.0);
        self.shift(moved, character);
    }

    /// Moves the price by `amount` (logarithm), never out of its bounds.
    pub fn shift(&mut self, amount: f64, character: &Character) {
        let (lowest, highest) = character.bounds;
        self.log_price = (self.log_price + amount).clamp(lowest, highest);
    }

    /// The fair price in currency.
    #[must_use]
    pub fn price(&self) -> f64 {
        libm::exp(self.log_price)
    }

    /// How nervous the instrument is; 1 on average.
    #[must_use]
    pub fn nervousness(&self) -> f64 {
        self.volatility.level()
    }

    fn jump(&mut self, pace: &Pace, character: &Character, draws: Draws) -> f64 {
        if draws.uniform(Purpose::JumpHappens, 0) >= pace.jump_chance {
            return 0.0;
        }
        self.volatility.fast += JUMP_EXCITES;
        let size = 0.4 + draws.exponential(Purpose::JumpSize, 1);
        let up = draws.uniform(Purpose::JumpSize, 0) < 0.5;
        let signed = if up { size } else { -size };
        signed.clamp(-4.0, 4.0) * JUMP_SHARE * character.daily_volatility
    }
}
