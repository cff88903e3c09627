//! The one text form of a policy: read from commands, tape and snapshots, written for all of them.

use crate::ids::{format_uuid, parse_uuid};
use crate::json::{ObjectWriter, Value, parse, push_list};
use crate::units::{MINUTE_NS, MONEY_SCALE, RATE_SCALE, SECOND_NS, format_decimal, parse_decimal};
use crate::words::{AssetClass, Measure, RiskAction, SetBy};

use super::policy::{
    DayTrading, LIMIT_MAX, MarginRule, Policy, RATE_MAX, RULES_MAX, Rule, WINDOW_MAX_NS,
    WINDOW_MIN_NS, What, Who,
};

/// What is wrong with a policy: the member, and what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyError {
    pub field: &'static str,
    pub detail: String,
}

type Read<T> = Result<T, PolicyError>;

fn wrong<T>(field: &'static str, detail: impl Into<String>) -> Read<T> {
    Err(PolicyError { field, detail: detail.into() })
}

const POLICY: &[&str] = &["rules", "wash_trade", "day_trading", "margin", "day_starts"];
const RULE: &[&str] = &[
    "measure",
    "per",
    "of",
    "symbol",
    "asset_class",
    "sector",
    "limit",
    "alert_at",
    "window_s",
    "action",
    "set_by",
];
const DAY_TRADING: &[&str] = &["minimum_equity", "day_trades", "days"];
const MARGIN: &[&str] = &["call_at", "liquidate_at", "grace_s"];

/// Refuses members that nobody knows: a misspelt one would take a limit away without a word.
fn only(value: &Value<'_>, field: &'static str, known: &[&str]) -> Read<()> {
    let Value::Object(members) = value else {
        return wrong(field, format!("{field} must be an object"));
    };
    match members.iter().find(|(name, _)| !known.contains(&&**name)) {
        None => Ok(()),
        Some((name, _)) => {
            let known = known.join(", ");
            wrong(field, format!("{field} has no member {name:?}; it may have {known}"))
        }
    }
}

/// Reads the policy of a text.
pub(crate) fn parse_policy(text: &str) -> Read<Policy> {
    match parse(text.as_bytes()) {
        Ok(value) => read_policy(&value),
        Err(why) => wrong("policy", why),
    }
}

/// Reads a policy; members that are missing have their default.
pub(crate) fn read_policy(value: &Value<'_>) -> Read<Policy> {
    only(value, "policy", POLICY)?;
    let rules = match value.get("rules") {
        None => Vec::new(),
        Some(list) => read_rules(list)?,
    };
    Ok(Policy {
        rules,
        wash_trade: flag(value, "wash_trade")?,
        day_trading: value.get("day_trading").map(read_day_trading).transpose()?,
        margin: value.get("margin").map(read_margin).transpose()?,
        day_starts_ns: read_day_starts(value)?,
    })
}

fn read_rules(value: &Value<'_>) -> Read<Vec<Rule>> {
    match value.list() {
        Some(list) if list.len() <= RULES_MAX => list.iter().map(read_rule).collect(),
        _ => wrong("rules", format!("rules must be a list of at most {RULES_MAX} rules")),
    }
}

fn read_rule(value: &Value<'_>) -> Read<Rule> {
    only(value, "rules", RULE)?;
    let measure = word(value, "measure", Measure::from_word, Measure::ALL, Measure::word)?;
    let rule = Rule {
        measure,
        who: read_who(value)?,
        what: read_what(value)?,
        limit: read_limit(value, measure)?,
        alert_at: match value.get("alert_at") {
            None => 0,
            Some(_) => decimal(value, "alert_at", RATE_SCALE, (1, 1_000_000_000))?,
        },
        window_ns: read_window(value, measure)?,
        action: match value.get("action") {
            None => RiskAction::Reject,
            Some(_) => {
                word(value, "action", RiskAction::from_word, RiskAction::ALL, RiskAction::word)?
            }
        },
        set_by: match value.get("set_by") {
            None => None,
            Some(_) => Some(word(value, "set_by", SetBy::from_word, SetBy::ALL, SetBy::word)?),
        },
    };
    check_rule(&rule)?;
    Ok(rule)
}

/// Refuses combinations that would mean nothing.
fn check_rule(rule: &Rule) -> Read<()> {
    let (measure, word) = (rule.measure, rule.measure.word());
    if measure.is_watched() && (rule.who.is_user() || rule.what != What::All) {
        return wrong("per", format!("{word} is watched by account, over all instruments"));
    }
    if rule.action == RiskAction::Flatten && !measure.is_watched() {
        return wrong("action", "only daily_loss, daily_loss_share and drawdown can flatten");
    }
    if measure == Measure::PositionQty && !rule.what.is_instrument() {
        return wrong("symbol", "position_qty needs a symbol, or \"*\" for each of them");
    }
    if measure.is_ban() && (rule.alert_at != 0 || rule.action != RiskAction::Reject) {
        return wrong("action", format!("{word} forbids: it has neither alert_at nor action"));
    }
    Ok(())
}

fn read_who(value: &Value<'_>) -> Read<Who> {
    let of = maybe_text(value, "of")?;
    match maybe_text(value, "per")?.unwrap_or("account") {
        "account" => match of {
            None => Ok(Who::EachAccount),
            Some(id) => match parse_uuid(id) {
                Some(id) => Ok(Who::Account(id)),
                None => wrong("of", "of must be the id of an account"),
            },
        },
        "user" => Ok(of.map_or(Who::EachUser, |owner| Who::User(owner.to_owned()))),
        _ => wrong("per", "per must be account or user"),
    }
}

fn read_what(value: &Value<'_>) -> Read<What> {
    let members = ["symbol", "asset_class", "sector"];
    let given: Vec<&str> = members.into_iter().filter(|key| value.get(key).is_some()).collect();
    match given.as_slice() {
        [] => Ok(What::All),
        ["symbol"] => Ok(match maybe_text(value, "symbol")? {
            Some("*") | None => What::EachInstrument,
            Some(symbol) => What::Instrument(symbol.to_owned()),
        }),
        ["sector"] => Ok(match maybe_text(value, "sector")? {
            Some("*") | None => What::EachSector,
            Some(sector) => What::Sector(sector.to_owned()),
        }),
        ["asset_class"] if maybe_text(value, "asset_class")? == Some("*") => Ok(What::EachClass),
        ["asset_class"] => {
            let all = AssetClass::ALL;
            let class = word(value, "asset_class", AssetClass::from_word, all, AssetClass::word)?;
            Ok(What::Class(class))
        }
        _ => wrong("symbol", "give one of symbol, asset_class and sector"),
    }
}

fn read_limit(value: &Value<'_>, measure: Measure) -> Read<i64> {
    if measure.is_ban() {
        return match value.get("limit") {
            None => Ok(0),
            Some(_) => wrong("limit", format!("{} has no limit", measure.word())),
        };
    }
    let most = if measure == Measure::OrderRate { RATE_MAX } else { LIMIT_MAX };
    decimal(value, "limit", measure.scale(), (0, most))
}

fn read_window(value: &Value<'_>, measure: Measure) -> Read<i64> {
    let given = value.get("window_s");
    if measure != Measure::OrderRate {
        return match given {
            None => Ok(0),
            Some(_) => wrong("window_s", "only order_rate has a window_s"),
        };
    }
    let seconds = match given {
        None => 1,
        Some(_) => whole(value, "window_s", WINDOW_MAX_NS / SECOND_NS)?,
    };
    Ok((seconds * SECOND_NS).max(WINDOW_MIN_NS))
}

fn read_day_trading(value: &Value<'_>) -> Read<DayTrading> {
    only(value, "day_trading", DAY_TRADING)?;
    Ok(DayTrading {
        minimum_equity: decimal(value, "minimum_equity", MONEY_SCALE, (0, LIMIT_MAX))?,
        day_trades: whole(value, "day_trades", 1_000)? as u32,
        days: whole(value, "days", 100)?.max(1) as u32,
    })
}

fn read_margin(value: &Value<'_>) -> Read<MarginRule> {
    only(value, "margin", MARGIN)?;
    let rate = |key: &'static str| match value.get(key) {
        None => Ok(1_000_000_000),
        Some(_) => decimal(value, key, RATE_SCALE, (0, 100_000_000_000)),
    };
    let (call_at, liquidate_at) = (rate("call_at")?, rate("liquidate_at")?);
    if liquidate_at > call_at {
        return wrong("liquidate_at", "liquidate_at must not be above call_at");
    }
    let grace =
        if value.get("grace_s").is_some() { whole(value, "grace_s", 31_536_000)? } else { 0 };
    Ok(MarginRule { call_at, liquidate_at, grace_ns: grace * SECOND_NS })
}

fn read_day_starts(value: &Value<'_>) -> Read<i64> {
    let Some(text) = maybe_text(value, "day_starts")? else {
        return Ok(0);
    };
    let clock = text.split_once(':').and_then(|(hour, minute)| {
        let two = |part: &str| part.parse::<i64>().ok().filter(|_| part.len() == 2);
        Some((two(hour)?, two(minute)?))
    });
    match clock {
        Some((hour @ 0..=23, minute @ 0..=59)) => Ok((hour * 60 + minute) * MINUTE_NS),
        _ => wrong("day_starts", "day_starts is a time of day in UTC such as 21:00"),
    }
}

fn maybe_text<'a>(value: &'a Value<'_>, field: &'static str) -> Read<Option<&'a str>> {
    match value.get(field) {
        None => Ok(None),
        Some(member) => match member.text() {
            Some(text) if crate::checks::is_name(text) => Ok(Some(text)),
            _ => wrong(field, format!("{field} must be text of 1 to 128 printable characters")),
        },
    }
}

fn flag(value: &Value<'_>, field: &'static str) -> Read<bool> {
    match value.get(field) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => wrong(field, format!("{field} must be true or false")),
    }
}

fn whole(value: &Value<'_>, field: &'static str, most: i64) -> Read<i64> {
    match value.get(field).and_then(Value::integer::<i64>) {
        Some(number) if (0..=most).contains(&number) => Ok(number),
        _ => wrong(field, format!("{field} must be a whole number from 0 to {most}")),
    }
}

fn decimal(value: &Value<'_>, field: &'static str, scale: u8, bounds: (i64, i64)) -> Read<i64> {
    let text = value.get(field).and_then(Value::decimal).unwrap_or("");
    match parse_decimal(text, scale) {
        Ok(number) if (bounds.0..=bounds.1).contains(&number) => Ok(number),
        _ => {
            let show = |bound: i64| format_decimal(i128::from(bound), scale, 0);
            let (least, most) = (show(bounds.0), show(bounds.1));
            let detail = format!(
                "{field} must be a decimal from {least} to {most} of at most {scale} decimals"
            );
            wrong(field, detail)
        }
    }
}

fn word<T: Copy>(
    value: &Value<'_>,
    field: &'static str,
    from_word: fn(&str) -> Option<T>,
    words: &[T],
    name: fn(T) -> &'static str,
) -> Read<T> {
    match value.get(field).and_then(Value::text).and_then(from_word) {
        Some(member) => Ok(member),
        None => {
            let known: Vec<&str> = words.iter().map(|member| name(*member)).collect();
            wrong(field, format!("{field} must be one of {}", known.join(", ")))
        }
    }
}

/// Appends a policy in its one text form.
pub(crate) fn push_policy(out: &mut String, policy: &Policy) {
    let mut object = ObjectWriter::begin(out)
        .with("rules", |out| push_list(out, &policy.rules, push_rule))
        .value("wash_trade", policy.wash_trade);
    if let Some(rule) = &policy.day_trading {
        object = object.with("day_trading", |out| {
            ObjectWriter::begin(out)
                .text("minimum_equity", &scaled(rule.minimum_equity, MONEY_SCALE))
                .value("day_trades", rule.day_trades)
                .value("days", rule.days)
                .end();
        });
    }
    if let Some(rule) = &policy.margin {
        object = object.with("margin", |out| {
            ObjectWriter::begin(out)
                .text("call_at", &scaled(rule.call_at, RATE_SCALE))
                .text("liquidate_at", &scaled(rule.liquidate_at, RATE_SCALE))
                .value("grace_s", rule.grace_ns / SECOND_NS)
                .end();
        });
    }
    let minutes = policy.day_starts_ns / MINUTE_NS;
    object.text("day_starts", &format!("{:02}:{:02}", minutes / 60, minutes % 60)).end();
}

/// The text of a policy.
pub(crate) fn policy_text(policy: &Policy) -> String {
    let mut out = String::new();
    push_policy(&mut out, policy);
    out
}

fn scaled(value: i64, scale: u8) -> String {
    format_decimal(i128::from(value), scale, 0)
}

fn push_rule(out: &mut String, rule: &Rule) {
    let mut object = ObjectWriter::begin(out)
        .text("measure", rule.measure.word())
        .text("per", if rule.who.is_user() { "user" } else { "account" });
    match &rule.who {
        Who::Account(id) => object = object.text("of", &format_uuid(*id)),
        Who::User(owner) => object = object.text("of", owner),
        _ => {}
    }
    object = match &rule.what {
        What::All => object,
        What::EachInstrument => object.text("symbol", "*"),
        What::Instrument(symbol) => object.text("symbol", symbol),
        What::EachClass => object.text("asset_class", "*"),
        What::Class(class) => object.text("asset_class", class.word()),
        What::EachSector => object.text("sector", "*"),
        What::Sector(sector) => object.text("sector", sector),
    };
    if !rule.measure.is_ban() {
        object = object.text("limit", &scaled(rule.limit, rule.measure.scale()));
    }
    if rule.alert_at > 0 {
        object = object.text("alert_at", &scaled(rule.alert_at, RATE_SCALE));
    }
    if rule.window_ns > 0 {
        object = object.value("window_s", rule.window_ns / SECOND_NS);
    }
    if rule.action != RiskAction::Reject {
        object = object.text("action", rule.action.word());
    }
    if let Some(set_by) = rule.set_by {
        object = object.text("set_by", set_by.word());
    }
    object.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_reads_back_as_it_was_written() {
        let text = r#"{"rules":[{"measure":"order_qty","per":"account","symbol":"ACME","limit":"100","alert_at":"0.8"},{"measure":"position_value","per":"user","of":"u","sector":"*","limit":"0.5"},{"measure":"order_rate","per":"account","limit":"5","window_s":10},{"measure":"no_short","per":"account","asset_class":"crypto"},{"measure":"drawdown","per":"account","of":"00000000-0000-4000-8000-000000000001","limit":"0.1","action":"flatten","set_by":"admin"}],"wash_trade":true,"day_trading":{"minimum_equity":"25000","day_trades":3,"days":5},"margin":{"call_at":"1.25","liquidate_at":"1","grace_s":60},"day_starts":"21:05"}"#;
        let policy = parse_policy(text).expect("a policy");
        assert_eq!(policy_text(&policy), text);
        assert_eq!(policy.rules.len(), 5);
    }

    #[test]
    fn what_would_mean_nothing_is_refused() {
        for (text, field) in [
            (r#"{"rules":[{"measure":"x","limit":"1"}]}"#, "measure"),
            (r#"{"rules":[{"measure":"order_qty"}]}"#, "limit"),
            (r#"{"rules":[{"measure":"leverage","limit":"-1"}]}"#, "limit"),
            (r#"{"rules":[{"measure":"restricted","limit":"1"}]}"#, "limit"),
            (r#"{"rules":[{"measure":"order_qty","limit":"1","window_s":1}]}"#, "window_s"),
            (r#"{"rules":[{"measure":"order_qty","limit":"1","per":"x"}]}"#, "per"),
            (r#"{"rules":[{"measure":"order_qty","limit":"1","of":"x"}]}"#, "of"),
            (r#"{"rules":[{"measure":"order_qty","limit":"1","action":"flatten"}]}"#, "action"),
            (r#"{"rules":[{"measure":"order_qty","limit":"1","set_by":"me"}]}"#, "set_by"),
            (r#"{"rules":[{"measure":"daily_loss","limit":"1","per":"user"}]}"#, "per"),
            (r#"{"rules":[{"measure":"position_qty","limit":"1"}]}"#, "symbol"),
            (r#"{"rules":[{"measure":"leverage","limit":"1","alert_at":"2"}]}"#, "alert_at"),
            (
                r#"{"rules":[{"measure":"leverage","limit":"1","symbol":"A","sector":"B"}]}"#,
                "symbol",
            ),
            (r#"{"rules":{}}"#, "rules"),
            (r#"{"margin":{"call_at":"1","liquidate_at":"2"}}"#, "liquidate_at"),
            (r#"{"day_starts":"25:00"}"#, "day_starts"),
            (r#"{"ruels":[]}"#, "policy"),
            (r#"{"rules":[{"measure":"order_qty","limit":"5","symol":"B"}]}"#, "rules"),
            (r#"{"margin":{"call":"1"}}"#, "margin"),
            (r#"{"wash_trade":1}"#, "wash_trade"),
            ("[]", "policy"),
            ("{", "policy"),
        ] {
            assert_eq!(parse_policy(text).expect_err(text).field, field, "{text}");
        }
    }
}
