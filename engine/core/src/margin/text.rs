//! The terms of an account on the wire and on the tape.

use crate::account::AccountTerms;
use crate::json::{ObjectWriter, Value};
use crate::margin::{MULTIPLIERS, MarginTerms, WHOLE};
use crate::reply::Refusal;
use crate::units::{RATE_SCALE, parse_decimal};
use crate::words::{AccountKind, CostMethod, refusal};

/// The fields of `open_account` that only a margin account has.
const FIELDS: [&str; 4] =
    ["multiplier", "maintenance_rate", "short_maintenance_rate", "interest_rate"];

fn malformed(field: &'static str, detail: &str) -> Refusal {
    Refusal::malformed(refusal::MALFORMED, detail).at(field)
}

/// Reads the terms of an `open_account` command.
pub(crate) fn decode_terms(value: &Value<'_>) -> Result<AccountTerms, Refusal> {
    let cost_method = match value.get("cost_method") {
        None => CostMethod::Average,
        Some(word) => word.text().and_then(CostMethod::from_word).ok_or_else(|| {
            malformed("cost_method", "cost_method is average, fifo, lifo or specific")
        })?,
    };
    let is_margin = value.get("account_kind").and_then(Value::text) == Some("margin");
    if !is_margin {
        return match FIELDS.iter().find(|field| value.get(field).is_some()) {
            Some(field) => Err(malformed(field, "only a margin account has this field")),
            None => Ok(AccountTerms { margin: None, cost_method }),
        };
    }
    let number = |field: &'static str, scale: u8, default: i64| match value.get(field) {
        None => Ok(default),
        Some(value) => value
            .decimal()
            .and_then(|text| parse_decimal(text, scale).ok())
            .ok_or_else(|| malformed(field, "a decimal number with at most nine decimals")),
    };
    let usual = MarginTerms::default();
    let [multiplier, long, short, interest] = FIELDS;
    let margin = MarginTerms {
        multiplier: number(multiplier, 0, 2)?.try_into().unwrap_or(u8::MAX),
        long_maintenance: number(long, RATE_SCALE, usual.long_maintenance)?,
        short_maintenance: number(short, RATE_SCALE, usual.short_maintenance)?,
        interest_rate: number(interest, RATE_SCALE, usual.interest_rate)?,
    };
    Ok(AccountTerms { margin: Some(Box::new(margin)), cost_method })
}

/// Whether the terms make sense, and fit the kind of account.
pub(crate) fn check_terms(kind: AccountKind, terms: &AccountTerms) -> Result<(), Refusal> {
    if (kind == AccountKind::Margin) != terms.margin.is_some() {
        return Err(malformed("account_kind", "a margin account, and no other, has margin terms"));
    }
    let Some(margin) = terms.margin.as_deref() else {
        return Ok(());
    };
    if !MULTIPLIERS.contains(&margin.multiplier) {
        return Err(malformed("multiplier", "the multiplier is 1, 2 or 4"));
    }
    let rates =
        [margin.long_maintenance, margin.short_maintenance, margin.interest_rate].into_iter();
    match FIELDS.into_iter().skip(1).zip(rates).find(|(_, rate)| !(0..=WHOLE).contains(rate)) {
        Some((field, _)) => Err(malformed(field, "a rate lies between 0 and 1")),
        None => Ok(()),
    }
}

/// The bytes that stand for the terms in the digest of a request; none for the usual ones.
pub(crate) fn digest_of(terms: &AccountTerms) -> Vec<u8> {
    let mut out = String::new();
    with_terms(ObjectWriter::begin(&mut out), terms).end();
    if *terms == AccountTerms::default() { Vec::new() } else { out.into_bytes() }
}

/// Writes the terms as members of an event; nothing for the usual ones.
pub(crate) fn with_terms<'a>(object: ObjectWriter<'a>, terms: &AccountTerms) -> ObjectWriter<'a> {
    let object = match terms.cost_method {
        CostMethod::Average => object,
        method => object.text("cost_method", method.word()),
    };
    let Some(margin) = terms.margin.as_deref() else {
        return object;
    };
    object.with("margin", |out| {
        ObjectWriter::begin(out)
            .value("multiplier", margin.multiplier)
            .value("long_maintenance", margin.long_maintenance)
            .value("short_maintenance", margin.short_maintenance)
            .value("interest_rate", margin.interest_rate)
            .end();
    })
}

/// Reads the terms of an event.
pub(crate) fn read_terms(value: &Value<'_>) -> Result<AccountTerms, String> {
    let cost_method = match value.get("cost_method") {
        None => CostMethod::Average,
        Some(word) => {
            word.text().and_then(CostMethod::from_word).ok_or("cost_method has an unknown word")?
        }
    };
    let Some(margin) = value.get("margin") else {
        return Ok(AccountTerms { margin: None, cost_method });
    };
    let rate = |key: &str| {
        let rate = margin.get(key).and_then(Value::integer::<i64>);
        rate.filter(|rate| (0..=WHOLE).contains(rate)).ok_or_else(|| format!("{key} is no rate"))
    };
    let multiplier = margin.get("multiplier").and_then(Value::integer::<u8>);
    let margin = MarginTerms {
        multiplier: multiplier.ok_or("multiplier is no number")?,
        long_maintenance: rate("long_maintenance")?,
        short_maintenance: rate("short_maintenance")?,
        interest_rate: rate("interest_rate")?,
    };
    Ok(AccountTerms { margin: Some(Box::new(margin)), cost_method })
}
