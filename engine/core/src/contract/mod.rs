//! Contracts: instruments that are more than a thing to hold. Futures, perpetuals, options and
//! leveraged currency pairs.
//!
//! A *margined* contract (future, perpetual, leveraged pair) moves no notional when it trades: the
//! position keeps its entry value as cost, closing it moves profit or loss, and so does the daily
//! settlement. An option moves its premium times the multiplier and ends by exercise, assignment or
//! expiry. The house stands between buyers and sellers as a clearing house does: what the accounts
//! win, it pays.
//!
//! `terms` says what a contract is, `text` reads and writes it, `listing` checks it; `deposits` says
//! what a cash account ties up for it. What happens to a contract is mass work on its holders:
//! `state` keeps it, `work` and `deciding` decide it, `outcome` says what it comes to for one
//! account, `event` changes the state, `record` is its text on the tape.

pub mod command;
mod deciding;
pub(crate) mod deposits;
pub mod event;
pub(crate) mod listing;
mod outcome;
mod record;
pub(crate) mod spreads;
pub mod state;
pub mod terms;
pub(crate) mod text;
mod work;

pub use command::ContractCommand;
pub use event::ContractEvent;
pub(crate) use record::push_event;
pub use state::{ContractState, ContractsDue};
pub use terms::{Contract, Deposit, Multiplier, OptionTerms};
