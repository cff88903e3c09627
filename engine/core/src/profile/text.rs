//! Fill profiles as settings: on the wire, on the tape and in snapshots.

use super::{Factor, FillRules, LATENCY_MAX_NS, Latency, Profile, Ruling, preset};
use crate::json::{Value, parse};
use crate::members::only_settings;
use crate::settings::{Settings, SettingsWriter, Words, Wrong};
use crate::units::{MONEY_SCALE, RATE_SCALE};
use crate::words::{
    AssetClass, Condition, DepthModel, GapModel, LatencyModel, MarketOrders, PathModel, Phase,
    QueueModel, SlippageModel,
};

const WHOLE: i64 = 1_000_000_000;
/// The most factors of a profile.
const FACTORS_MAX: usize = 32;
/// The largest factor and coefficient.
const FACTOR_MAX: i64 = 1_000 * WHOLE;
/// The widest spread and the largest slippage, in ticks.
const TICKS_MAX: i64 = 1_000_000;
/// The most units of a day's volume or outstanding.
const UNITS_MAX: i64 = 1_000_000_000_000_000;
/// Decimals of milliseconds: a nanosecond is the last of them.
const MILLIS: u8 = MONEY_SCALE;

macro_rules! words_of {
    ($kind:ty) => {
        (
            <$kind>::from_word as fn(&str) -> Option<$kind>,
            <$kind>::ALL,
            <$kind>::word as fn($kind) -> &'static str,
        )
    };
}

/// The members of a profile.
const MEMBERS: &[&str] = &[
    "preset",
    "name",
    "spread_ticks",
    "participation",
    "market_orders",
    "spread_rate",
    "depth",
    "slippage",
    "slippage_ticks",
    "slippage_rate",
    "daily_volume",
    "daily_volatility",
    "outstanding",
    "factors",
    "command_latency",
    "event_latency",
    "queue",
    "bar_through",
    "path",
    "gap",
    "partial_rate",
];
/// The members of one of its factors.
const FACTOR: &[&str] = &["asset_class", "phase", "condition", "factor"];
/// The members of a latency.
const LATENCY: &[&str] = &["model", "mean_ms", "deviation_ms", "sigma", "least_ms", "most_ms"];

/// Refuses a profile that comes in with a member that nobody knows.
fn only_members(value: &Value<'_>) -> Result<(), Wrong> {
    only_settings("a profile", value, MEMBERS)?;
    let factors = value.get("factors").and_then(Value::list).unwrap_or_default();
    factors.iter().try_for_each(|factor| only_settings("factors", factor, FACTOR))?;
    ["command_latency", "event_latency"].into_iter().try_for_each(|name| {
        value.get(name).map_or(Ok(()), |latency| only_settings(name, latency, LATENCY))
    })
}

/// Reads a profile: the name of a preset, or an object that may name one as `preset` and say what
/// differs from it. An object without a preset has the meaning that it always had.
pub(crate) fn read(value: &Value<'_>) -> Result<Profile, Wrong> {
    let named = |name: &str| preset(name).ok_or_else(|| format!("there is no profile {name:?}"));
    if let Some(name) = value.text() {
        return named(name);
    }
    let settings = Settings::of(value)?;
    only_members(value)?;
    match settings.text("preset", "")?.as_str() {
        "" => read_kept(value),
        name => read_over(settings, named(name)?),
    }
}

/// Reads a profile without asking what a preset says.
pub(crate) fn read_kept(value: &Value<'_>) -> Result<Profile, Wrong> {
    for key in ["name", "spread_ticks", "market_orders"] {
        value.get(key).ok_or_else(|| format!("{key} is missing: give it, or a preset"))?;
    }
    let base = Profile {
        name: String::new(),
        spread_ticks: 0,
        participation: 0,
        market_orders: MarketOrders::Street,
        rules: None,
    };
    read_over(Settings::of(value)?, base)
}

fn read_over(settings: Settings<'_>, base: Profile) -> Result<Profile, Wrong> {
    let rules = read_rules(settings, base.rules.map_or(FillRules::PLAIN, |rules| *rules))?;
    let ticks = settings.integer("spread_ticks", TICKS_MAX, i64::from(base.spread_ticks))?;
    let name = settings.text("name", &base.name)?;
    if name.is_empty() {
        return Err("a profile needs a name".to_owned());
    }
    let orders = words_of!(MarketOrders);
    Ok(Profile {
        name,
        spread_ticks: u32::try_from(ticks).unwrap_or(0),
        participation: settings.decimal("participation", RATE_SCALE, WHOLE, base.participation)?,
        market_orders: settings.word("market_orders", orders, base.market_orders)?,
        rules: (rules != FillRules::PLAIN).then(|| Box::new(rules)),
    })
}

fn read_rules(settings: Settings<'_>, base: FillRules) -> Result<FillRules, Wrong> {
    let rate = |key: &str, default| settings.decimal(key, RATE_SCALE, WHOLE, default);
    let units = |key: &str, default| settings.integer(key, UNITS_MAX, default);
    Ok(FillRules {
        spread_rate: rate("spread_rate", base.spread_rate)?,
        depth: settings.word("depth", words_of!(DepthModel), base.depth)?,
        slippage: settings.word("slippage", words_of!(SlippageModel), base.slippage)?,
        slippage_ticks: settings.integer("slippage_ticks", TICKS_MAX, base.slippage_ticks)?,
        slippage_rate: settings.decimal(
            "slippage_rate",
            RATE_SCALE,
            FACTOR_MAX,
            base.slippage_rate,
        )?,
        daily_volume: units("daily_volume", base.daily_volume)?,
        daily_volatility: rate("daily_volatility", base.daily_volatility)?,
        outstanding: units("outstanding", base.outstanding)?,
        factors: settings.list("factors", FACTORS_MAX, base.factors, read_factor)?,
        command_latency: read_latency(settings, "command_latency", base.command_latency)?,
        event_latency: read_latency(settings, "event_latency", base.event_latency)?,
        queue: settings.word("queue", words_of!(QueueModel), base.queue)?,
        bar_through: settings.flag("bar_through", base.bar_through)?,
        path: settings.word("path", words_of!(PathModel), base.path)?,
        gap: settings.word("gap", words_of!(GapModel), base.gap)?,
        partial_rate: rate("partial_rate", base.partial_rate)?,
    })
}

fn read_factor(settings: Settings<'_>) -> Result<Factor, Wrong> {
    fn maybe<T: Copy>(
        settings: Settings<'_>,
        key: &str,
        words: Words<'_, T>,
    ) -> Result<Option<T>, Wrong> {
        let Some(first) = words.1.first().filter(|_| settings.value.get(key).is_some()) else {
            return Ok(None);
        };
        settings.word(key, words, *first).map(Some)
    }
    Ok(Factor {
        asset_class: maybe(settings, "asset_class", words_of!(AssetClass))?,
        phase: maybe(settings, "phase", words_of!(Phase))?,
        condition: maybe(settings, "condition", words_of!(Condition))?,
        factor: settings.decimal("factor", RATE_SCALE, FACTOR_MAX, WHOLE)?,
    })
}

fn read_latency(settings: Settings<'_>, key: &str, base: Latency) -> Result<Latency, Wrong> {
    let Some(value) = settings.value.get(key) else {
        return Ok(base);
    };
    let part = Settings::of(value).map_err(|why| format!("{key}: {why}"))?;
    let millis = |name: &str, default| {
        let found = part.decimal(name, MILLIS, LATENCY_MAX_NS, default);
        found.map_err(|why| format!("{key}.{why}"))
    };
    let none = Latency::NONE;
    let latency = Latency {
        model: part.word("model", words_of!(LatencyModel), LatencyModel::Constant)?,
        mean_ns: millis("mean_ms", none.mean_ns)?,
        deviation_ns: millis("deviation_ms", none.deviation_ns)?,
        sigma: part.decimal("sigma", RATE_SCALE, 3 * WHOLE, none.sigma)?,
        least_ns: millis("least_ms", none.least_ns)?,
        most_ns: millis("most_ms", none.most_ns)?,
    };
    if latency.least_ns > latency.most_ns {
        return Err(format!("{key}.least_ms is more than most_ms"));
    }
    Ok(latency)
}

/// Appends a profile.
pub(crate) fn push(out: &mut String, profile: &Profile) {
    let writer = SettingsWriter::begin(out)
        .text("name", &profile.name, "")
        .integer("spread_ticks", i64::from(profile.spread_ticks), -1)
        .decimal("participation", profile.participation, RATE_SCALE, -1)
        .text("market_orders", profile.market_orders.word(), "");
    match profile.rules.as_deref() {
        Some(rules) => with_rules(writer, rules).end(),
        None => writer.end(),
    }
}

fn with_rules<'a>(writer: SettingsWriter<'a>, rules: &FillRules) -> SettingsWriter<'a> {
    let plain = FillRules::PLAIN;
    let writer = writer
        .decimal("spread_rate", rules.spread_rate, RATE_SCALE, plain.spread_rate)
        .text("depth", rules.depth.word(), plain.depth.word())
        .text("slippage", rules.slippage.word(), plain.slippage.word())
        .integer("slippage_ticks", rules.slippage_ticks, plain.slippage_ticks)
        .decimal("slippage_rate", rules.slippage_rate, RATE_SCALE, plain.slippage_rate)
        .integer("daily_volume", rules.daily_volume, plain.daily_volume)
        .decimal("daily_volatility", rules.daily_volatility, RATE_SCALE, plain.daily_volatility)
        .integer("outstanding", rules.outstanding, plain.outstanding)
        .list("factors", &rules.factors, push_factor);
    let writer = with_latency(writer, "command_latency", rules.command_latency);
    with_latency(writer, "event_latency", rules.event_latency)
        .text("queue", rules.queue.word(), plain.queue.word())
        .flag("bar_through", rules.bar_through)
        .text("path", rules.path.word(), plain.path.word())
        .text("gap", rules.gap.word(), plain.gap.word())
        .decimal("partial_rate", rules.partial_rate, RATE_SCALE, plain.partial_rate)
}

fn push_factor(out: &mut String, factor: &Factor) {
    SettingsWriter::begin(out)
        .text("asset_class", factor.asset_class.map_or("", AssetClass::word), "")
        .text("phase", factor.phase.map_or("", Phase::word), "")
        .text("condition", factor.condition.map_or("", Condition::word), "")
        .decimal("factor", factor.factor, RATE_SCALE, -1)
        .end();
}

fn with_latency<'a>(writer: SettingsWriter<'a>, key: &str, latency: Latency) -> SettingsWriter<'a> {
    if latency == Latency::NONE {
        return writer;
    }
    SettingsWriter(writer.0.with(key, |out| {
        SettingsWriter::begin(out)
            .text("model", latency.model.word(), "")
            .decimal("mean_ms", latency.mean_ns, MILLIS, 0)
            .decimal("deviation_ms", latency.deviation_ns, MILLIS, 0)
            .decimal("sigma", latency.sigma, RATE_SCALE, 0)
            .decimal("least_ms", latency.least_ns, MILLIS, 0)
            .decimal("most_ms", latency.most_ns, MILLIS, LATENCY_MAX_NS)
            .end();
    }))
}

/// Appends a ruling.
pub(crate) fn push_ruling(out: &mut String, ruling: &Ruling) {
    let mut object = SettingsWriter::begin(out).integer("version", ruling.version.into(), -1).0;
    if let Some(fees) = &ruling.fees {
        object = object.with("fees", |out| crate::fees::text::push(out, fees));
    }
    if let Some(profile) = &ruling.profile {
        object = object.with("profile", |out| push(out, profile));
    }
    object.end();
}

/// Reads a ruling that was written by `push_ruling`.
pub(crate) fn read_ruling(value: &Value<'_>) -> Result<Ruling, Wrong> {
    let version = Settings::of(value)?.integer("version", i64::from(u32::MAX), 0)?;
    Ok(Ruling {
        version: u32::try_from(version).unwrap_or(u32::MAX),
        fees: value.get("fees").map(crate::fees::text::read_kept).transpose()?,
        profile: value.get("profile").map(read_kept).transpose()?,
    })
}

/// The canonical text of a profile, for snapshots.
pub(crate) fn text_of(profile: &Profile) -> String {
    let mut out = String::new();
    push(&mut out, profile);
    out
}

/// The profile of a canonical text.
pub(crate) fn from_text(text: &str) -> Result<Profile, Wrong> {
    read_kept(&parse(text.as_bytes())?)
}

/// The canonical text of a ruling, for snapshots.
pub(crate) fn text_of_ruling(ruling: &Ruling) -> String {
    let mut out = String::new();
    push_ruling(&mut out, ruling);
    out
}

/// The ruling of a canonical text.
pub(crate) fn ruling_from_text(text: &str) -> Result<Ruling, Wrong> {
    read_ruling(&parse(text.as_bytes())?)
}
