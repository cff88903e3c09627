//! The house's bots at a world: their orders and cancels as typed inputs of the core.

use papertape_agents::{AgentOrder, Side, Venue};
use papertape_core::command::{self, Input};
use papertape_core::ids::InstrumentIndex;
use papertape_core::{TapeSink, World, words};

/// A world as the bots see it. Instruments are counted as in their market.
pub struct House<'a> {
    world: &'a mut World,
    sink: &'a mut TapeSink,
    instruments: Vec<InstrumentIndex>,
}

impl<'a> House<'a> {
    /// Where the symbols of a market stand in a world.
    ///
    /// # Errors
    /// A sentence about the first symbol that is not listed.
    pub fn find<'s>(
        world: &World,
        symbols: impl Iterator<Item = &'s str>,
    ) -> Result<Vec<InstrumentIndex>, String> {
        let find = |symbol: &str| {
            let index = world.instrument_index(symbol);
            index.ok_or_else(|| format!("{symbol} is not listed in the world {}", world.name()))
        };
        symbols.map(find).collect()
    }

    /// The bots' view of `world`; what they cause goes to `sink`.
    pub fn new(
        world: &'a mut World,
        sink: &'a mut TapeSink,
        instruments: Vec<InstrumentIndex>,
    ) -> Self {
        Self {
            world,
            sink,
            instruments,
        }
    }
}

impl Venue for House<'_> {
    fn place(&mut self, instrument: usize, time_ns: i64, order: AgentOrder) {
        let input = Input::AgentOrder(command::AgentOrder {
            instrument: self.instruments[instrument],
            agent: order.agent,
            id: order.id,
            side: match order.side {
                Side::Buy => words::Side::Buy,
                Side::Sell => words::Side::Sell,
            },
            price: order.price,
            qty: order.qty,
        });
        self.world.apply(&input, time_ns, self.sink);
    }

    fn cancel(&mut self, instrument: usize, time_ns: i64, id: u64) {
        let instrument = self.instruments[instrument];
        let input = Input::AgentCancel(command::AgentCancel { instrument, id });
        self.world.apply(&input, time_ns, self.sink);
    }

    fn left(&self, instrument: usize, id: u64) -> Option<i64> {
        self.world
            .agent_order_left(self.instruments[instrument], id)
    }
}
