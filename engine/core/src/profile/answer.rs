//! Answers about rules: what counts for an exchange or instrument, and what has a name.

use super::{PRESETS, Profile, Scope, preset, text};
use crate::durable::Durable;
use crate::fees::{self, Fees};
use crate::json::{ObjectWriter, push_list};

/// Where a rule that counts was said.
const OWN: &str = "own";
const EXCHANGE: &str = "exchange";
const LISTING: &str = "listing";

/// Fees and profile that count for a scope, where each was said, and the version of what was set
/// for the scope itself.
pub(crate) fn rules(durable: &Durable, scope: Scope) -> Option<String> {
    let (exchange, symbol) = match scope {
        Scope::Exchange(index) => (durable.exchange(index)?, None),
        Scope::Instrument(index) => {
            let terms = &durable.instrument(index)?.terms;
            (durable.exchange(terms.exchange)?, Some(terms.symbol.as_str()))
        }
    };
    let own = durable.ruling(scope);
    let of_exchange = exchange.ruling.as_deref();
    let (fees, fees_from) = told(
        own.and_then(|ruling| ruling.fees.as_ref()),
        of_exchange.and_then(|ruling| ruling.fees.as_ref()),
        &exchange.terms.fees,
    );
    let (profile, profile_from) = told(
        own.and_then(|ruling| ruling.profile.as_ref()),
        of_exchange.and_then(|ruling| ruling.profile.as_ref()),
        &exchange.terms.profile,
    );
    let mut out = String::new();
    ObjectWriter::begin(&mut out)
        .text("exchange", &exchange.terms.id)
        .maybe_text("symbol", symbol)
        .value("version", own.map_or(0, |ruling| ruling.version))
        .with("profile", |out| text::push(out, profile))
        .text("profile_from", profile_from)
        .with("fees", |out| fees::text::push(out, fees))
        .text("fees_from", fees_from)
        .value("as_of_seq", durable.turn.seq)
        .end();
    Some(out)
}

fn told<'a, T>(
    own: Option<&'a T>,
    exchange: Option<&'a T>,
    listed: &'a T,
) -> (&'a T, &'static str) {
    match (own, exchange) {
        (Some(rule), _) => (rule, OWN),
        (None, Some(rule)) => (rule, EXCHANGE),
        (None, None) => (listed, LISTING),
    }
}

/// The profiles and the fee schedules that have a name.
pub(crate) fn presets() -> String {
    let profiles: Vec<Profile> = PRESETS.iter().filter_map(|name| preset(name)).collect();
    let schedules = fees::PRESETS.iter();
    let schedules: Vec<(&str, Fees)> =
        schedules.filter_map(|(name, _)| Some((*name, fees::preset(name)?))).collect();
    let mut out = String::new();
    ObjectWriter::begin(&mut out)
        .with("profiles", |out| {
            push_list(out, &profiles, |out, profile| {
                ObjectWriter::begin(out)
                    .text("name", &profile.name)
                    .with("profile", |out| text::push(out, profile))
                    .end();
            });
        })
        .with("fees", |out| {
            push_list(out, &schedules, |out, (name, schedule)| {
                ObjectWriter::begin(out)
                    .text("name", name)
                    .with("fees", |out| fees::text::push(out, schedule))
                    .end();
            });
        })
        .end();
    out
}
