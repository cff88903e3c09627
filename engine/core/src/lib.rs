//! The engine: decides what happens on a simulated exchange, and nothing else.
//!
//! The one door is [`World`]: inputs go in through [`World::apply`], events come out through a
//! [`Sink`]. The crate is deterministic: no I/O, no clock, no randomness, no floats, no Python. The
//! same inputs give the same bytes, on every machine.
//!
//! Where to start reading: `world.rs` (apply and emit), then `evolve.rs` (what an event changes),
//! then `matching.rs`. The page `docs/subsystems/engine.md` explains the rules in words.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic,
    clippy::panic,
    clippy::todo,
    clippy::unimplemented,
    clippy::unwrap_used
)]

pub mod account;
pub mod command;
pub mod event;
pub mod exchange;
pub mod ids;
pub mod instrument;
pub mod order;
pub mod reply;
pub mod rows;
pub mod units;
pub mod words;

pub use command::Input;
pub use event::Event;
pub use reply::{Outcome, Refusal, Reply};
pub use rows::{Batch, Message, PrintRow, Rows, TapeTurn};
