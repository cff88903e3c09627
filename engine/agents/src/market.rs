//! The simulated market: lets every instrument's bots act on a grid of world time.
//!
//! World time is cut into steps of 250 ms; inside a step the instruments act one after another,
//! evenly spread. A faster world is only more steps. When the market is called late (a laptop
//! slept) it does not catch up trade by trade: it goes on from now, with prices as they were.

use crate::crowd::{Crowd, Excitement};
use crate::draw::Draws;
use crate::instrument::{Instrument, Listing};
use crate::makers::{Makers, Reference, Turn};
use crate::price::{Factor, FairValue, Pace};
use crate::season;
use crate::venue::Venue;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Length of a step of the grid.
pub const STEP_NS: i64 = 250_000_000;
/// A market that is later than this goes on from now.
pub const LATEST_NS: i64 = 30_000_000_000;
const STEP_SECONDS: f64 = 0.25;
/// Half the spread that the house wants, in grid steps, when nobody is nervous.
const HALF_SPREAD: f64 = 0.30;
/// Being hit moves the house's reference: grid steps per mean taker.
const IMPACT_GRIDS: f64 = 0.22;
/// The reference is never pushed further than this from the fair value.
const PRESSURE_MOST: f64 = 25.0;
const PRESSURE_SECONDS: f64 = 12.0;
/// This share of the impact stays.
const IMPACT_STAYS: f64 = 0.12;

/// One instrument with its price, its bots and what they remember.
#[derive(Clone, Debug)]
struct Pit {
    instrument: Arc<Instrument>,
    market: usize,
    sector: usize,
    fair: FairValue,
    /// How far buying and selling has pushed the reference, in grid steps.
    pressure: f64,
    makers: Makers,
    crowd: Crowd,
    /// Its exchange is closed: the bots take back what rests and send nothing.
    is_closed: bool,
}

/// The part of a pit that outlives a restart.
#[derive(Serialize, Deserialize)]
struct SavedPit {
    listing: Listing,
    fair: FairValue,
    #[serde(with = "crate::exact")]
    pressure: f64,
    crowd: Crowd,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    seed: u64,
    step: i64,
    cursor: usize,
    next_id: u64,
    factors: Vec<Factor>,
    pits: Vec<SavedPit>,
}

const SAVED_VERSION: u32 = 1;

impl Saved {
    fn read(data: &[u8]) -> Result<Self, String> {
        let saved: Self = serde_json::from_slice(data)
            .map_err(|error| format!("state of the simulated market: {error}"))?;
        if saved.version != SAVED_VERSION {
            return Err(format!(
                "state of the simulated market: version {}",
                saved.version
            ));
        }
        Ok(saved)
    }
}

/// Prices and bots of all instruments.
#[derive(Clone, Debug)]
pub struct SimulatedMarket {
    seed: u64,
    pace: Pace,
    factors: Vec<Factor>,
    pits: Vec<Pit>,
    /// The step that is being made and the instrument that acts next in it.
    step: i64,
    cursor: usize,
    next_id: u64,
}

impl SimulatedMarket {
    /// A market that starts at `start_ns` with the listed prices.
    ///
    /// # Errors
    /// When there is no instrument or one is listed twice.
    pub fn new(seed: u64, instruments: Vec<Instrument>, start_ns: i64) -> Result<Self, String> {
        let mut market = Self {
            seed,
            pace: Pace::of(STEP_SECONDS),
            factors: Vec::new(),
            pits: Vec::new(),
            step: start_ns.div_euclid(STEP_NS),
            cursor: 0,
            next_id: 1,
        };
        market.open_pits(instruments)?;
        Ok(market)
    }

    /// The symbols in the order that `Venue` counts them.
    pub fn symbols(&self) -> impl Iterator<Item = &str> {
        self.pits
            .iter()
            .map(|pit| pit.instrument.listing.symbol.as_str())
    }

    /// When the next instrument acts.
    #[must_use]
    pub fn next_due_ns(&self) -> i64 {
        let share = self.cursor as i64 * STEP_NS / self.pits.len() as i64;
        self.step * STEP_NS + share
    }

    /// Lets the bots act up to and including `until_ns`, with about `most` inputs at most
    /// (one instrument's step is never cut). Returns the number of inputs.
    pub fn act<V: Venue>(&mut self, venue: &mut V, until_ns: i64, most: usize) -> usize {
        if until_ns - self.next_due_ns() > LATEST_NS {
            self.go_on_at(until_ns);
        }
        let mut sent = self.withdraw_from_closed(venue, until_ns);
        while sent < most && self.next_due_ns() <= until_ns {
            sent += self.act_once(venue);
        }
        sent
    }

    /// Says which instruments are closed; all others are open. Their bots take everything back
    /// with the next `act` and rest until they are open again. Fair values go on meanwhile, so
    /// that a price opens about where it closed, not exactly there.
    ///
    /// # Errors
    /// A sentence about the first symbol that is not of this market; nothing has changed then.
    pub fn set_closed(&mut self, symbols: &[String]) -> Result<(), String> {
        for symbol in symbols {
            if !self.symbols().any(|known| known == symbol) {
                return Err(format!("{symbol} is not in this simulated market"));
            }
        }
        for pit in &mut self.pits {
            pit.is_closed = symbols.contains(&pit.instrument.listing.symbol);
        }
        Ok(())
    }

    fn withdraw_from_closed<V: Venue>(&mut self, venue: &mut V, until_ns: i64) -> usize {
        let time_ns = self.next_due_ns().min(until_ns);
        let mut sent = 0;
        for (index, pit) in self.pits.iter_mut().enumerate() {
            if pit.is_closed {
                sent += pit.withdraw_all(venue, index, time_ns);
            }
        }
        sent
    }

    /// Goes on at `now_ns`, earlier or later than the market stood, with prices as they are.
    pub fn go_on_at(&mut self, now_ns: i64) {
        self.step = now_ns.div_euclid(STEP_NS);
        self.cursor = 0;
    }

    /// Forgets the orders of all bots: after a restart the exchange has none of them.
    pub fn forget_orders(&mut self) {
        for pit in &mut self.pits {
            pit.makers.forget();
            pit.crowd.forget();
        }
    }

    /// Everything that must outlive a restart: prices, volatilities, moods, but no orders.
    #[must_use]
    pub fn state(&self) -> Vec<u8> {
        let pits = self.pits.iter().map(|pit| SavedPit {
            listing: pit.instrument.listing.clone(),
            fair: pit.fair.clone(),
            pressure: pit.pressure,
            crowd: pit.crowd.clone(),
        });
        let saved = Saved {
            version: SAVED_VERSION,
            seed: self.seed,
            step: self.step,
            cursor: self.cursor,
            next_id: self.next_id,
            factors: self.factors.clone(),
            pits: pits.collect(),
        };
        serde_json::to_vec(&saved).unwrap_or_default()
    }

    /// The market that `state` described.
    ///
    /// # Errors
    /// A sentence that says what about `data` is wrong.
    pub fn restore(data: &[u8]) -> Result<Self, String> {
        let saved = Saved::read(data)?;
        let listings = saved
            .pits
            .iter()
            .map(|pit| Instrument::new(pit.listing.clone()));
        let instruments = listings.collect::<Result<Vec<_>, _>>()?;
        Self::resume(saved, instruments)
    }

    /// The market that `state` described, with the instruments that are listed now: one that
    /// is new starts at its listed price, one that is gone is forgotten.
    ///
    /// # Errors
    /// A sentence that says what about `data` or the instruments is wrong.
    pub fn restore_with(data: &[u8], instruments: Vec<Instrument>) -> Result<Self, String> {
        Self::resume(Saved::read(data)?, instruments)
    }

    fn resume(saved: Saved, instruments: Vec<Instrument>) -> Result<Self, String> {
        let start_ns = saved.step.saturating_mul(STEP_NS);
        let mut market = Self::new(saved.seed, instruments, start_ns)?;
        market.next_id = saved.next_id;
        market.cursor = saved.cursor.min(market.pits.len() - 1);
        for factor in saved.factors {
            let place = market.factor(&factor.name);
            market.factors[place] = factor;
        }
        for pit in &mut market.pits {
            let symbol = &pit.instrument.listing.symbol;
            if let Some(known) = saved
                .pits
                .iter()
                .find(|known| known.listing.symbol == *symbol)
            {
                pit.pressure = known.pressure.clamp(-PRESSURE_MOST, PRESSURE_MOST);
                pit.crowd = known.crowd.clone();
                pit.fair = known.fair.clone();
                pit.fair.shift(0.0, &pit.instrument.character);
            }
        }
        Ok(market)
    }

    /// The fair value of an instrument in currency.
    #[must_use]
    pub fn fair_price(&self, index: usize) -> f64 {
        self.pits[index].fair.price()
    }

    fn open_pits(&mut self, instruments: Vec<Instrument>) -> Result<(), String> {
        if instruments.is_empty() {
            return Err("a simulated market needs at least one instrument".to_owned());
        }
        for instrument in instruments {
            let symbol = &instrument.listing.symbol;
            if self.symbols().any(|known| known == symbol) {
                return Err(format!("{symbol} is listed twice"));
            }
            let market = self.factor(&instrument.market_factor());
            let sector = self.factor(&instrument.sector_factor());
            let fair = FairValue::new(instrument.start_log_price());
            let (makers, crowd) = (Makers::default(), Crowd::default());
            let (pressure, is_closed, instrument) = (0.0, false, Arc::new(instrument));
            self.pits.push(Pit {
                instrument,
                market,
                sector,
                fair,
                pressure,
                makers,
                crowd,
                is_closed,
            });
        }
        Ok(())
    }

    fn factor(&mut self, name: &str) -> usize {
        let known = self.factors.iter().position(|factor| factor.name == name);
        known.unwrap_or_else(|| {
            self.factors.push(Factor::new(name));
            self.factors.len() - 1
        })
    }

    /// One instrument's step; the first of a step also moves the common factors.
    fn act_once<V: Venue>(&mut self, venue: &mut V) -> usize {
        if self.cursor == 0 {
            for factor in &mut self.factors {
                factor.step(&self.pace, self.seed, self.step);
            }
        }
        let time_ns = self.next_due_ns();
        let pit = &mut self.pits[self.cursor];
        let shocks = (
            self.factors[pit.market].shock(),
            self.factors[pit.sector].shock(),
        );
        let draws = Draws::at(self.seed, pit.instrument.stream, self.step);
        pit.fair.step(
            &self.pace,
            &pit.instrument.character,
            shocks,
            draws,
            time_ns,
        );
        let sent = if pit.is_closed {
            0
        } else {
            pit.act(venue, self.cursor, time_ns, draws, &mut self.next_id)
        };
        self.cursor += 1;
        if self.cursor == self.pits.len() {
            self.cursor = 0;
            self.step += 1;
        }
        sent
    }
}

impl Pit {
    fn act<V: Venue>(
        &mut self,
        venue: &mut V,
        index: usize,
        time_ns: i64,
        draws: Draws,
        next_id: &mut u64,
    ) -> usize {
        let instrument = Arc::clone(&self.instrument);
        let instrument = instrument.as_ref();
        let mut turn = Turn {
            venue,
            index,
            instrument,
            draws,
            time_ns,
            next_id,
            sent: 0,
        };
        let bought = self.makers.look(&turn);
        self.press(bought);
        let reference = self.reference();
        self.makers.withdraw(&mut turn, reference);
        self.makers.fill(&mut turn, reference);
        self.crowd.invest(&mut turn, reference, STEP_SECONDS);
        let excitement = Excitement {
            seconds: STEP_SECONDS,
            takers: self.expected_takers(time_ns),
            surprise: self.fair.surprise,
        };
        self.crowd.take(&mut turn, excitement);
        turn.sent
    }

    /// Takes every resting order back.
    fn withdraw_all<V: Venue>(&mut self, venue: &mut V, index: usize, time_ns: i64) -> usize {
        let ids = self.makers.ids().chain(self.crowd.ids());
        let mut sent = 0;
        for id in ids {
            venue.cancel(index, time_ns, id);
            sent += 1;
        }
        self.makers.forget();
        self.crowd.forget();
        sent
    }

    /// Buying pushes the reference up for a while, and the fair value a little for good.
    fn press(&mut self, bought: i64) {
        let before = self.pressure * libm::exp(-STEP_SECONDS / PRESSURE_SECONDS);
        let push = IMPACT_GRIDS * bought as f64 / self.instrument.taker_size;
        self.pressure = (before + push).clamp(-PRESSURE_MOST, PRESSURE_MOST);
        let grid = self.instrument.grid as f64 / self.instrument.scaled(self.fair.price());
        let stays = IMPACT_STAYS * (self.pressure - before) * grid;
        self.fair.shift(stays, &self.instrument.character);
    }

    /// Where the house wants its best bid and ask to be.
    fn reference(&self) -> Reference {
        let grid = self.instrument.grid;
        let centre = self.instrument.scaled(self.fair.price()) / grid as f64 + self.pressure;
        let half = HALF_SPREAD * self.fair.nervousness().clamp(0.5, 4.0);
        let bid = (libm::floor(centre - half) as i64).max(1);
        let ask = (libm::ceil(centre + half) as i64).max(bid + 1);
        Reference {
            bid: bid * grid,
            ask: ask * grid,
        }
    }

    fn expected_takers(&self, time_ns: i64) -> f64 {
        let nervous = libm::sqrt(self.fair.nervousness().clamp(0.2, 6.0));
        self.instrument.listing.prints_per_second
            * STEP_SECONDS
            * season::activity(time_ns)
            * nervous
    }
}
