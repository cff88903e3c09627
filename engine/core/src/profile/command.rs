//! `set_profile` and `set_fees`: the commands that change what counts from now on.

use super::{RulesSet, Ruling, Scope, SetRules, text};
use crate::durable::Durable;
use crate::event::Event;
use crate::json::{ObjectWriter, Value};
use crate::live::Live;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::sink::Sink;
use crate::wire::check_version;
use crate::words::refusal;

fn malformed(detail: impl Into<String>) -> Refusal {
    Refusal::malformed(refusal::MALFORMED, detail)
}

/// Reads a `set_profile` (`key` is `profile`) or `set_fees` (`fees`) command.
pub(crate) fn decode(
    durable: &Durable,
    value: &Value<'_>,
    key: &'static str,
) -> Result<SetRules, Refusal> {
    let scope = scope(durable, value)?;
    let version = durable.ruling(scope).map_or(0, |ruling| ruling.version);
    check_version(value, u64::from(version))?;
    let given = value.get(key);
    let wrong = |why: String| malformed(why).at(key);
    let mut set = SetRules { scope, fees: None, profile: None };
    if key == "fees" {
        set.fees = Some(given.map(crate::fees::text::read).transpose().map_err(wrong)?);
    } else {
        set.profile = Some(given.map(text::read).transpose().map_err(wrong)?);
    }
    Ok(set)
}

/// The exchange or instrument that a command names.
pub(crate) fn scope(durable: &Durable, value: &Value<'_>) -> Result<Scope, Refusal> {
    scope_of(durable, |key| value.get(key).and_then(Value::text))
        .ok_or_else(|| malformed("name the symbol or the exchange of this world").at("symbol"))
}

fn scope_of<'a>(durable: &Durable, text: impl Fn(&str) -> Option<&'a str>) -> Option<Scope> {
    match (text("symbol"), text("exchange")) {
        (Some(symbol), _) => durable.find_instrument(symbol).map(Scope::Instrument),
        (None, Some(id)) => durable.exchange_of.get(id).copied().map(Scope::Exchange),
        (None, None) => None,
    }
}

impl<S: Sink> Live<'_, S> {
    /// Sets fees or profile; what counts already is answered with what exists.
    pub fn set_rules(&mut self, set: &SetRules) -> Result<Reply, Refusal> {
        let body = match set.scope {
            Scope::Exchange(index) if self.durable.exchange(index).is_some() => {
                Body::Exchange(index)
            }
            Scope::Instrument(index) if self.durable.instrument(index).is_some() => {
                Body::Instrument(index)
            }
            _ => return Err(malformed("no such exchange or instrument in this world")),
        };
        let old = self.durable.ruling(set.scope).cloned().unwrap_or_default();
        let mut ruling = Ruling { version: old.version.saturating_add(1), ..old.clone() };
        if let Some(fees) = &set.fees {
            ruling.fees.clone_from(fees);
        }
        if let Some(profile) = &set.profile {
            ruling.profile.clone_from(profile);
        }
        if (&ruling.fees, &ruling.profile) == (&old.fees, &old.profile) {
            return Ok(Reply::new(Outcome::Existing, body));
        }
        self.emit(Event::RulesSet(Box::new(RulesSet { scope: set.scope, ruling })));
        Ok(Reply::new(Outcome::Ok, body))
    }
}

/// Writes the event.
pub(crate) fn push_event<'a>(
    object: ObjectWriter<'a>,
    durable: &Durable,
    set: &RulesSet,
) -> ObjectWriter<'a> {
    let object = match set.scope {
        Scope::Exchange(index) => {
            let id = durable.exchange(index).map_or("", |record| record.terms.id.as_str());
            object.text("exchange", id)
        }
        Scope::Instrument(index) => {
            let symbol = durable.instrument(index).map(|record| record.terms.symbol.as_str());
            object.text("symbol", symbol.unwrap_or(""))
        }
    };
    object.with("ruling", |out| text::push_ruling(out, &set.ruling))
}

/// Reads the event.
pub(crate) fn read_event(durable: &Durable, value: &Value<'_>) -> Result<RulesSet, String> {
    let scope = scope_of(durable, |key| value.get(key).and_then(Value::text));
    let ruling = value.get("ruling").ok_or("the ruling is missing")?;
    Ok(RulesSet {
        scope: scope.ok_or("no such exchange or instrument")?,
        ruling: text::read_ruling(ruling)?,
    })
}
