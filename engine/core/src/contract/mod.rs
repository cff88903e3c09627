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
//! what a cash account ties up for it.

pub(crate) mod deposits;
pub(crate) mod listing;
pub mod terms;
pub(crate) mod text;

pub use terms::{Contract, Deposit, Multiplier, OptionTerms};
