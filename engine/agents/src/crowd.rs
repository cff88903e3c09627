//! The crowd: takers, whose market orders make the prints, and investors, who wait.
//!
//! Buyers follow buyers for a while (the mood), takers follow the fair value when it has just
//! moved, and their sizes have a long tail, as in real markets.

use crate::draw::{Draws, Purpose};
use crate::makers::{Reference, Turn};
use crate::venue::{Side, Venue};
use serde::{Deserialize, Serialize};

const TAKER: u32 = 10;
const INVESTOR: u32 = 20;
const TAKERS_PER_STEP: u32 = 6;
const TAKER_SIZE_SPREAD: f64 = 0.9;
/// No taker is larger than this many mean sizes.
const TAKER_SIZE_MOST: f64 = 12.0;
const MOOD_SECONDS: f64 = 45.0;
const MOOD_DEVIATION: f64 = 0.16;
const FOLLOWS_PRICE: f64 = 0.07;
const INVESTORS: usize = 6;
/// An investor without an order places one about this often.
const INVESTOR_SECONDS: f64 = 8.0;
const INVESTOR_PATIENCE_SECONDS: f64 = 40.0;
/// Investors wait this many levels from the touch on average; some improve on it.
const INVESTOR_LEVELS: f64 = 5.0;
const SECOND_NS: f64 = 1e9;

/// An order of an investor and when patience ends.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    id: u64,
    until_ns: i64,
}

/// The takers and investors of one instrument.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Crowd {
    /// Above 0 when buyers are in the majority.
    #[serde(with = "crate::exact")]
    mood: f64,
    #[serde(skip)]
    investors: [Option<Waiting>; INVESTORS],
    /// Whether somebody has traded since the bots came.
    #[serde(skip)]
    has_traded: bool,
}

/// How excited the crowd is at a step.
#[derive(Clone, Copy, Debug)]
pub struct Excitement {
    /// Length of a step in seconds.
    pub seconds: f64,
    /// Expected number of takers in a step.
    pub takers: f64,
    /// The last return relative to what is usual.
    pub surprise: f64,
}

impl Crowd {
    /// Sends the market orders of this step; at least one in the first, which opens the trading,
    /// so that a last price is there from the beginning.
    pub fn take<V: Venue>(&mut self, turn: &mut Turn<'_, V>, excitement: Excitement) {
        self.change_mood(turn.draws, excitement.seconds);
        let count = turn
            .draws
            .arrivals(Purpose::TakerCount, excitement.takers, TAKERS_PER_STEP);
        let count = count.max(u32::from(!self.has_traded));
        self.has_traded = true;
        let lean = self.mood + FOLLOWS_PRICE * excitement.surprise;
        let buys = (0.5 + lean).clamp(0.08, 0.92);
        for index in 0..u64::from(count) {
            let buy = turn.draws.uniform(Purpose::TakerSide, index) < buys;
            let size = turn
                .draws
                .log_normal(Purpose::TakerSize, index, TAKER_SIZE_SPREAD);
            let qty = turn.instrument.taker_size * size.min(TAKER_SIZE_MOST);
            let qty = turn.instrument.whole_lots(qty);
            turn.place(TAKER, if buy { Side::Buy } else { Side::Sell }, None, qty);
        }
    }

    /// Lets investors lose patience, and new ones come.
    pub fn invest<V: Venue>(&mut self, turn: &mut Turn<'_, V>, reference: Reference, seconds: f64) {
        for (number, slot) in self.investors.iter_mut().enumerate() {
            match slot {
                Some(waiting) if waiting.until_ns <= turn.time_ns => {
                    turn.cancel(waiting.id);
                    *slot = None;
                }
                Some(_) => {}
                None => *slot = come(turn, number as u64, reference, seconds),
            }
        }
    }

    /// The ids of all orders of investors who wait.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.investors.iter().flatten().map(|waiting| waiting.id)
    }

    /// Forgets every order: the exchange has none of them any more.
    pub fn forget(&mut self) {
        self.investors = [None; INVESTORS];
        self.has_traded = false;
    }

    fn change_mood(&mut self, draws: Draws, seconds: f64) {
        let keeps = libm::exp(-seconds / MOOD_SECONDS);
        let shock = draws.normal(Purpose::Mood, 0);
        self.mood = self.mood * keeps + MOOD_DEVIATION * libm::sqrt(1.0 - keeps * keeps) * shock;
    }
}

/// An investor who may place an order now, inside the spread or some levels away.
fn come<V: Venue>(
    turn: &mut Turn<'_, V>,
    number: u64,
    reference: Reference,
    seconds: f64,
) -> Option<Waiting> {
    let draws = turn.draws;
    if draws.uniform(Purpose::InvestorWakes, number) >= seconds / INVESTOR_SECONDS {
        return None;
    }
    let buy = draws.uniform(Purpose::InvestorSide, number) < 0.5;
    let side = if buy { Side::Buy } else { Side::Sell };
    let distance = draws.exponential(Purpose::InvestorDistance, number) * INVESTOR_LEVELS - 0.5;
    let best = if buy { reference.bid } else { reference.ask };
    let away = distance * turn.instrument.grid as f64 / turn.instrument.tick as f64;
    let price = best - side.sign() * libm::floor(away) as i64 * turn.instrument.tick;
    let inside = if buy {
        price < reference.ask
    } else {
        price > reference.bid
    };
    if !inside || price <= 0 {
        return None;
    }
    let size = draws.log_normal(Purpose::InvestorSize, number, TAKER_SIZE_SPREAD);
    let qty = turn
        .instrument
        .whole_lots(turn.instrument.taker_size * 1.5 * size);
    let patience = draws.exponential(Purpose::InvestorPatience, number);
    let waits_ns = (patience * INVESTOR_PATIENCE_SECONDS * SECOND_NS) as i64;
    let id = turn.place(INVESTOR + number as u32, side, Some(price), qty);
    Some(Waiting {
        id,
        until_ns: turn.time_ns + waits_ns,
    })
}
