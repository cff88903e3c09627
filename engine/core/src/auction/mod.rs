//! Call auctions: one price for all orders that were collected.
//!
//! `price.rs` finds the price from what both sides want; `interest.rs` says what they want;
//! `crossing.rs` trades at the price, in bounded turns. The rules are those of the single-price
//! auctions of the Australian Securities Exchange (ASX Operating Rules Procedures, "Auctions":
//! maximum volume, minimum surplus, market pressure, reference price).

mod crossing;
mod interest;
mod price;

pub(crate) use crossing::Party;
pub(crate) use interest::{Count, expected, push_indication};
pub use price::{Interest, Uncrossing, uncross};
