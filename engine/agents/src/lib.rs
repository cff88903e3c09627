//! The simulated market: seeded price processes and house bots.
//!
//! The bots know no more than a trader does: they read the book they are shown and send orders
//! and cancels through [`Venue`]. They never touch accounts, and the exchange never asks them
//! anything. Floating point lives here and not in the core; every function is deterministic
//! (`libm`, and chance by hashing), so a seed means the same market on every machine.
//!
//! Start reading at [`market`]; prices are made in [`price`], the book is kept by [`makers`],
//! prints are made by [`crowd`], and bars of the past by [`history`].

pub mod crowd;
pub mod draw;
pub mod exact;
pub mod history;
pub mod instrument;
pub mod makers;
pub mod market;
pub mod price;
pub mod season;
pub mod venue;

pub use history::{BarText, history};
pub use instrument::Instrument;
pub use market::SimulatedMarket;
pub use venue::{AgentOrder, Side, Venue};
