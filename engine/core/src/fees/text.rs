//! Fee schedules as settings: on the wire, on the tape and in snapshots.

use super::{FeeRules, Fees, TIERS_MAX, Tier, preset};
use crate::json::{Value, parse};
use crate::members::only_settings;
use crate::settings::{Settings, SettingsWriter, Wrong};
use crate::units::{AMOUNT_MAX, MONEY_SCALE, RATE_SCALE};

/// A rate of 1.
const WHOLE: i64 = 1_000_000_000;
/// The largest amount of a schedule: a quarter of what an event can carry.
const MOST: i64 = AMOUNT_MAX / 4;

/// The members of a schedule.
const MEMBERS: &[&str] = &[
    "preset",
    "maker_rate",
    "taker_rate",
    "per_share",
    "minimum",
    "per_contract",
    "fixed",
    "cap_rate",
    "maximum",
    "whole_order",
    "sale_rate",
    "sale_per_share",
    "sale_cap",
    "tiers",
];
/// The members of one of its tiers.
const TIER: &[&str] = &["volume", "maker_rate", "taker_rate"];

/// Reads a schedule: a preset's, with what is given besides it in place of its own.
pub(crate) fn read(value: &Value<'_>) -> Result<Fees, Wrong> {
    let settings = Settings::of(value)?;
    only_settings("fees", value, MEMBERS)?;
    let tiers = value.get("tiers").and_then(Value::list).unwrap_or_default();
    tiers.iter().try_for_each(|tier| only_settings("tiers", tier, TIER))?;
    let name = settings.text("preset", "")?;
    let base = match name.as_str() {
        "" => Fees::default(),
        name => preset(name).ok_or_else(|| format!("there is no fee preset {name:?}"))?,
    };
    read_over(settings, base)
}

fn read_over(settings: Settings<'_>, base: Fees) -> Result<Fees, Wrong> {
    let rules = base.rules.unwrap_or_default();
    let rate = |key: &str, default| settings.decimal(key, RATE_SCALE, WHOLE, default);
    let unit = |key: &str, default| settings.decimal(key, RATE_SCALE, MOST, default);
    let money = |key: &str, default| settings.decimal(key, MONEY_SCALE, MOST, default);
    let rules = FeeRules {
        preset: settings.text("preset", &rules.preset)?,
        tiers: settings.list("tiers", TIERS_MAX, rules.tiers, read_tier)?,
        per_contract: unit("per_contract", rules.per_contract)?,
        fixed: money("fixed", rules.fixed)?,
        cap_rate: rate("cap_rate", rules.cap_rate)?,
        maximum: money("maximum", rules.maximum)?,
        whole_order: settings.flag("whole_order", rules.whole_order)?,
        sale_rate: rate("sale_rate", rules.sale_rate)?,
        sale_per_share: unit("sale_per_share", rules.sale_per_share)?,
        sale_cap: money("sale_cap", rules.sale_cap)?,
    };
    if !rules.tiers.is_sorted_by_key(|tier| tier.volume) {
        return Err("tiers must stand in the order of their volumes".to_owned());
    }
    let is_plain = rules == FeeRules::default();
    Ok(Fees {
        maker_rate: rate("maker_rate", base.maker_rate)?,
        taker_rate: rate("taker_rate", base.taker_rate)?,
        per_share: unit("per_share", base.per_share)?,
        minimum: money("minimum", base.minimum)?,
        rules: (!is_plain).then(|| Box::new(rules)),
    })
}

fn read_tier(settings: Settings<'_>) -> Result<Tier, Wrong> {
    Ok(Tier {
        volume: settings.decimal("volume", MONEY_SCALE, i64::MAX, 0)?,
        maker_rate: settings.decimal("maker_rate", RATE_SCALE, WHOLE, 0)?,
        taker_rate: settings.decimal("taker_rate", RATE_SCALE, WHOLE, 0)?,
    })
}

/// Appends a schedule; it reads back as the same whatever its preset has become.
pub(crate) fn push(out: &mut String, fees: &Fees) {
    with_rules(SettingsWriter::begin(out), fees, -1).end();
}

/// Writes all members; a member that equals `absent` is left out, so -1 leaves out none.
fn with_rules<'a>(writer: SettingsWriter<'a>, fees: &Fees, absent: i64) -> SettingsWriter<'a> {
    let writer = writer
        .decimal("maker_rate", fees.maker_rate, RATE_SCALE, absent)
        .decimal("taker_rate", fees.taker_rate, RATE_SCALE, absent)
        .decimal("per_share", fees.per_share, RATE_SCALE, absent)
        .decimal("minimum", fees.minimum, MONEY_SCALE, absent);
    let Some(rules) = fees.rules.as_deref() else {
        return writer;
    };
    writer
        .text("preset", &rules.preset, "")
        .decimal("per_contract", rules.per_contract, RATE_SCALE, absent)
        .decimal("fixed", rules.fixed, MONEY_SCALE, absent)
        .decimal("cap_rate", rules.cap_rate, RATE_SCALE, absent)
        .decimal("maximum", rules.maximum, MONEY_SCALE, absent)
        .flag("whole_order", rules.whole_order)
        .decimal("sale_rate", rules.sale_rate, RATE_SCALE, absent)
        .decimal("sale_per_share", rules.sale_per_share, RATE_SCALE, absent)
        .decimal("sale_cap", rules.sale_cap, MONEY_SCALE, absent)
        .list("tiers", &rules.tiers, push_tier)
}

fn push_tier(out: &mut String, tier: &Tier) {
    SettingsWriter::begin(out)
        .decimal("volume", tier.volume, MONEY_SCALE, -1)
        .decimal("maker_rate", tier.maker_rate, RATE_SCALE, -1)
        .decimal("taker_rate", tier.taker_rate, RATE_SCALE, -1)
        .end();
}

/// The canonical text of a schedule, for snapshots.
pub(crate) fn text_of(fees: &Fees) -> String {
    let mut out = String::new();
    push(&mut out, fees);
    out
}

/// The schedule of a canonical text. A preset's name in it is a name only.
pub(crate) fn from_text(text: &str) -> Result<Fees, Wrong> {
    read_kept(&parse(text.as_bytes())?)
}

/// Reads a schedule that was written by `push`: every member stands in it, so a preset that has
/// changed since changes nothing.
pub(crate) fn read_kept(value: &Value<'_>) -> Result<Fees, Wrong> {
    read_over(Settings::of(value)?, Fees::default())
}
