//! Two worlds of which one takes no short way: they must do the same, to the byte.
// Each test program uses a part of it.
#![allow(dead_code)]

use papertape_core::{Batch, Input, TapeSink, World};

use super::flow::{Step, listing, resolve};

/// A world, and the same without its short ways.
pub struct Twins {
    pub worlds: [World; 2],
    sinks: [TapeSink; 2],
    pub now_ns: i64,
}

impl Twins {
    pub fn begin() -> Twins {
        let world = || World::new("main").expect("a fine name");
        let sinks = [TapeSink::new(), TapeSink::new()];
        let mut twins =
            Twins { worlds: [world(), world().without_lane()], sinks, now_ns: 1_000_000_000 };
        for input in listing("main") {
            twins.apply(&input);
        }
        twins
    }

    pub fn apply(&mut self, input: &Input) -> Batch {
        let [(reply, batch), twin] = [0, 1].map(|at| {
            let reply = self.worlds[at].apply(input, self.now_ns, &mut self.sinks[at]);
            (self.worlds[at].reply_json(&reply), self.sinks[at].take())
        });
        assert_eq!((&reply, &batch), (&twin.0, &twin.1), "{input:?}");
        assert_eq!(self.worlds[0].quotes(true), self.worlds[1].quotes(true), "{input:?}");
        batch
    }

    pub fn step(&mut self, step: &Step) {
        match step {
            Step::Do(input, pause) => {
                self.now_ns += pause * 1_000_000_000;
                self.apply(input);
            }
            Step::Change(input, back) => {
                let input = resolve(input, *back, self.worlds[0].durable().next_order);
                self.apply(&input);
            }
            Step::Restart => {
                let again =
                    |at: usize| World::restore(&self.worlds[at].snapshot()).expect("a snapshot");
                self.worlds = [again(0), again(1).without_lane()];
            }
        }
    }

    /// What anybody can see of the market is the same: books, and what accounts are worth in it.
    pub fn compare_books(&self) {
        let [one, other] = &self.worlds;
        assert_eq!(one.market_seq(), other.market_seq());
        for record in one.instruments() {
            let symbol = &record.terms.symbol;
            assert_eq!(one.book_json(symbol, 9), other.book_json(symbol, 9));
        }
        for account in 0..one.durable().accounts.len() as u32 {
            assert_eq!(one.equity(account), other.equity(account));
        }
    }

    pub fn finish(&self) {
        assert_eq!(self.worlds[0].state_hash(), self.worlds[1].state_hash());
    }
}
