//! The exchange as a bot sees it: the book it is shown, and the only inputs it may send.

/// Side of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Bids.
    Buy,
    /// Asks.
    Sell,
}

impl Side {
    /// Both sides, bids first.
    pub const BOTH: [Self; 2] = [Self::Buy, Self::Sell];

    /// +1 for buys, -1 for sells.
    #[must_use]
    pub fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }
}

/// One order of a house bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentOrder {
    /// The bot that sends it.
    pub agent: u32,
    /// Unique in the market while it lives.
    pub id: u64,
    /// Side.
    pub side: Side,
    /// Scaled limit price; `None` takes what is there and drops the rest.
    pub price: Option<i64>,
    /// Scaled quantity, above zero, a multiple of the lot.
    pub qty: i64,
}

/// What the simulated market needs from an exchange. Instruments are named by their place in
/// the list that the market was made with. The engine's `World` is the body in production.
pub trait Venue {
    /// Places an order at `time_ns`; the exchange may fill it at once.
    fn place(&mut self, instrument: usize, time_ns: i64, order: AgentOrder);
    /// Takes an order back; silent when it is gone.
    fn cancel(&mut self, instrument: usize, time_ns: i64, id: u64);
    /// What is left of a resting order (scaled quantity); `None` when it is gone.
    fn left(&self, instrument: usize, id: u64) -> Option<i64>;
}
