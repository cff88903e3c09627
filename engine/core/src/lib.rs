//! The engine: decides what happens on a simulated exchange, and nothing else.
//!
//! The one door is [`World`]: inputs go in through [`World::apply`], events come out through a
//! [`Sink`]. The crate is deterministic: no I/O, no clock, no randomness, no floats, no Python. The
//! same inputs give the same bytes, on every machine.
//!
//! Where to start reading: `world.rs` (apply), `live.rs` (emit), `evolve.rs` (what an event
//! changes), then `matching.rs`. The page `docs/subsystems/engine.md` explains the rules in words.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic,
    clippy::panic,
    clippy::todo,
    clippy::unimplemented,
    clippy::unreachable
)]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::unwrap_used))]

mod accepted;
pub mod account;
pub mod auction;
mod bars;
pub mod book;
mod change;
mod checks;
mod clock;
pub mod command;
pub mod contract;
pub mod corporate;
mod costs;
mod dates;
pub mod delay;
mod details;
mod digest;
pub mod draw;
pub mod durable;
pub mod event;
mod evolve;
pub mod exchange;
mod feed;
pub mod fees;
mod filled;
mod group;
pub mod ids;
pub mod instrument;
mod isolated;
pub mod json;
pub mod label;
mod lane;
mod ledger;
mod linking;
mod listing;
mod live;
pub mod lots;
pub mod margin;
mod market;
mod matching;
mod members;
mod messages;
pub mod money;
pub mod more_terms;
mod objects;
pub mod order;
pub mod orders;
mod outside;
mod packed;
mod paged;
mod plain;
pub mod postings;
pub mod profile;
mod project;
mod questions;
pub mod receipt;
mod replace;
pub mod reply;
pub mod requests;
pub mod risk;
pub mod rows;
pub mod session;
mod settings;
pub mod sink;
mod snapshot;
mod special;
mod stops;
mod stored;
mod street;
mod submit;
mod tape;
mod tape_read;
pub mod targets;
mod together;
mod trails;
mod triggers;
pub mod units;
mod waiting;
mod whole;
mod wide;
mod wire;
pub mod words;
pub mod world;

pub use command::Input;
pub use event::Event;
pub use reply::{Outcome, Refusal, Reply};
pub use rows::{Batch, Message, PrintRow, Rows, TapeTurn};
pub use sink::{ColumnSink, NullSink, Sink, TapeSink};
pub use snapshot::SnapshotError;
pub use world::{TapeError, World};
