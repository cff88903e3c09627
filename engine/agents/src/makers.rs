//! Market makers: ladders of resting orders around a reference price.
//!
//! A maker keeps one order on each level of its ladder. It takes back at once what stands on
//! the wrong side of the reference (nobody likes to be picked off), and fills gaps with some
//! patience, so a side that was eaten comes back over a second or two, not in the same instant.
//! What it was shown to have lost, it reports: that pushes the reference away (impact).

use crate::draw::{Draws, Purpose};
use crate::instrument::Instrument;
use crate::venue::{AgentOrder, Side, Venue};

/// The temper of one maker.
#[derive(Clone, Copy, Debug)]
struct Temper {
    /// First and last level of its ladder; level 0 is the best price of the house.
    levels: (i64, i64),
    /// Size on its first level, relative to a mean taker.
    size: f64,
    /// Chance to look at its ladder at a step; a third of it gone is noticed at once.
    diligence: f64,
}

/// A quick small one at the touch, a steady one, and a slow deep one.
const TEMPERS: [Temper; 3] = [
    Temper {
        levels: (0, 4),
        size: 0.8,
        diligence: 0.9,
    },
    Temper {
        levels: (0, 13),
        size: 1.2,
        diligence: 0.5,
    },
    Temper {
        levels: (1, 17),
        size: 2.5,
        diligence: 0.25,
    },
];
/// How many orders a maker places at most per side and step.
const PLACES_PER_STEP: usize = 6;
/// How much a level grows with its distance from the touch.
const GROWTH_PER_LEVEL: f64 = 0.16;
const SIZE_SPREAD: f64 = 0.35;
/// An order that has less than this share of its size left is topped up.
const REFILL_SHARE: f64 = 0.3;
/// An order this many levels behind the end of the ladder is taken back.
const STRAGGLER_LEVELS: i64 = 4;

/// One resting order of a maker.
#[derive(Clone, Copy, Debug)]
struct Resting {
    price: i64,
    id: u64,
    placed: i64,
    left: i64,
}

/// The best bid and ask that the house wants to show, scaled and on the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Best bid.
    pub bid: i64,
    /// Best ask.
    pub ask: i64,
}

impl Reference {
    fn best(self, side: Side) -> i64 {
        match side {
            Side::Buy => self.bid,
            Side::Sell => self.ask,
        }
    }
}

/// The makers of one instrument and their resting orders.
#[derive(Clone, Debug, Default)]
pub struct Makers {
    ladders: [[Vec<Resting>; 2]; TEMPERS.len()],
}

/// Where and when the bots of one instrument act.
pub struct Turn<'a, V: Venue> {
    /// The exchange.
    pub venue: &'a mut V,
    /// Place of the instrument in the market's list.
    pub index: usize,
    /// The instrument.
    pub instrument: &'a Instrument,
    /// The draws of this instrument at this step.
    pub draws: Draws,
    /// World time.
    pub time_ns: i64,
    /// The id of the next order.
    pub next_id: &'a mut u64,
    /// How many inputs were sent.
    pub sent: usize,
}

impl<V: Venue> Turn<'_, V> {
    /// Sends an order and returns its id.
    pub fn place(&mut self, agent: u32, side: Side, price: Option<i64>, qty: i64) -> u64 {
        let id = *self.next_id;
        *self.next_id += 1;
        self.sent += 1;
        let order = AgentOrder {
            agent,
            id,
            side,
            price,
            qty,
        };
        self.venue.place(self.index, self.time_ns, order);
        id
    }

    /// Takes an order back.
    pub fn cancel(&mut self, id: u64) {
        self.sent += 1;
        self.venue.cancel(self.index, self.time_ns, id);
    }

    /// What is left of an order.
    pub fn left(&self, id: u64) -> i64 {
        self.venue.left(self.index, id).unwrap_or(0)
    }
}

impl Makers {
    /// Looks at what is left of every order. Returns the scaled quantity that was bought from
    /// the makers minus what was sold to them since the last look.
    pub fn look<V: Venue>(&mut self, turn: &Turn<'_, V>) -> i64 {
        let mut bought = 0;
        for ladder in &mut self.ladders {
            for side in Side::BOTH {
                ladder[side as usize].retain_mut(|order| {
                    let left = turn.left(order.id);
                    bought -= side.sign() * (order.left - left);
                    order.left = left;
                    left > 0
                });
            }
        }
        bought
    }

    /// Takes back what is on the wrong side of the reference or far behind the ladder.
    pub fn withdraw<V: Venue>(&mut self, turn: &mut Turn<'_, V>, reference: Reference) {
        let grid = turn.instrument.grid;
        for (temper, ladder) in TEMPERS.iter().zip(&mut self.ladders) {
            let furthest = (temper.levels.1 + STRAGGLER_LEVELS) * grid;
            for side in Side::BOTH {
                let best = reference.best(side);
                ladder[side as usize].retain(|order| {
                    let behind = side.sign() * (best - order.price);
                    let stays = (0..=furthest).contains(&behind);
                    if !stays {
                        turn.cancel(order.id);
                    }
                    stays
                });
            }
        }
    }

    /// Fills the gaps of the ladders, best levels first, a few orders a maker and step.
    pub fn fill<V: Venue>(&mut self, turn: &mut Turn<'_, V>, reference: Reference) {
        for (number, temper) in TEMPERS.iter().enumerate() {
            let chance = turn.draws.uniform(Purpose::MakerWakes, number as u64);
            for side in Side::BOTH {
                let ladder = &mut self.ladders[number][side as usize];
                let alarmed = (ladder.len() as i64) * 10 < (temper.levels.1 - temper.levels.0) * 7;
                if alarmed || chance < temper.diligence {
                    fill_ladder(turn, ladder, number, side, reference.best(side));
                }
            }
        }
    }

    /// The ids of all orders that rested when they were looked at last.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.ladders
            .iter()
            .flatten()
            .flatten()
            .map(|order| order.id)
    }

    /// Forgets every order: the exchange has none of them any more.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

fn fill_ladder<V: Venue>(
    turn: &mut Turn<'_, V>,
    ladder: &mut Vec<Resting>,
    number: usize,
    side: Side,
    best: i64,
) {
    let temper = TEMPERS[number];
    let mut places = PLACES_PER_STEP;
    for level in temper.levels.0..=temper.levels.1 {
        let price = best - side.sign() * level * turn.instrument.grid;
        if places == 0 || price <= 0 {
            return;
        }
        if let Some(place) = ladder.iter().position(|order| order.price == price) {
            let order = ladder[place];
            if order.left as f64 >= REFILL_SHARE * order.placed as f64 {
                continue;
            }
            turn.cancel(order.id);
            ladder.swap_remove(place);
        }
        let index = (number as u64) << 8 | (level as u64) << 1 | side as u64;
        let growth = 1.0 + GROWTH_PER_LEVEL * level as f64;
        let noise = turn
            .draws
            .log_normal(Purpose::MakerSize, index, SIZE_SPREAD);
        let qty = turn.instrument.taker_size * temper.size * growth * noise;
        let qty = turn.instrument.whole_lots(qty);
        let id = turn.place(number as u32 + 1, side, Some(price), qty);
        ladder.push(Resting {
            price,
            id,
            placed: qty,
            left: qty,
        });
        places -= 1;
    }
}
