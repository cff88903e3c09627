//! The scenario language: text lines to statements. See tests/scenarios/README.md.

use papertape_core::units::parse_decimal;
use serde_json::{Value, json};

/// One line of a table.
#[derive(Clone, Debug)]
pub struct Statement {
    pub line: usize,
    /// What stands before the arrow.
    pub text: String,
    pub words: Vec<String>,
    pub expectations: Vec<Vec<String>>,
}

/// A title and its statements.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub title: String,
    pub statements: Vec<Statement>,
}

/// Reads a table; scenarios with `each` once for every word.
pub fn parse(text: &str) -> Vec<Scenario> {
    let mut blocks: Vec<(String, Vec<Line>)> = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let line = raw.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        if let Some(title) = line.strip_prefix("scenario ") {
            blocks.push((title.trim().to_owned(), Vec::new()));
            continue;
        }
        let (_, lines) = blocks.last_mut().expect("a table begins with `scenario <title>`");
        lines.push((index + 1, line.to_owned()));
    }
    blocks.into_iter().flat_map(|(title, lines)| unfold(title, lines)).collect()
}

/// A line's number and text.
type Line = (usize, String);

/// One scenario for every word of its first line `each {NAME} in A B ...`, repeatedly.
fn unfold(title: String, lines: Vec<Line>) -> Vec<Scenario> {
    let first = lines.first().map_or("", |(_, text)| text.as_str());
    let Some(each) = first.strip_prefix("each ") else {
        let statements = lines.iter().map(|(line, text)| parse_statement(*line, text)).collect();
        return vec![Scenario { title, statements }];
    };
    let mut parts = each.split_whitespace();
    let name = parts.next().expect("`each {NAME} in A B`").to_owned();
    assert_eq!(parts.next(), Some("in"));
    let with = |word: &str| {
        let replaced = |(line, text): &Line| (*line, text.replace(&name, word));
        unfold(format!("{title} ({word})"), lines[1..].iter().map(replaced).collect())
    };
    parts.flat_map(with).collect()
}

fn parse_statement(line: usize, text: &str) -> Statement {
    let (statement, expected) = text.split_once("->").unwrap_or((text, ""));
    let parts = expected.split(',').map(words).filter(|part| !part.is_empty());
    let said = statement.trim().to_owned();
    Statement { line, text: said, words: words(statement), expectations: parts.collect() }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(without_groups).collect()
}

/// `1_000.00` is `1000.00`; names keep their underscores.
fn without_groups(word: &str) -> String {
    if word.starts_with(|first: char| first.is_ascii_digit()) {
        word.replace('_', "")
    } else {
        word.to_owned()
    }
}

/// Fields of `a=1,b=true,c.d=x`, or of a JSON object; true and false are no text.
pub fn members(word: &str) -> Value {
    if word.starts_with('{') {
        return serde_json::from_str(word).expect("a JSON object without blanks");
    }
    let mut found = json!({});
    for part in word.split(',') {
        let (path, value) = part.split_once('=').expect("`field=value`");
        let value = match value {
            "true" => json!(true),
            "false" => json!(false),
            text => json!(without_groups(text)),
        };
        let nested = path.rsplit('.').fold(value, |inner, step| json!({step: inner}));
        merge(&mut found, &nested);
    }
    found
}

/// Sets fields into an object, objects member by member.
pub fn merge(fields: &mut Value, more: &Value) {
    let (Some(fields), Some(more)) = (fields.as_object_mut(), more.as_object()) else {
        panic!("{fields} and {more} must be objects");
    };
    for (name, value) in more {
        match fields.get_mut(name) {
            Some(old) if old.is_object() && value.is_object() => merge(old, value),
            _ => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
}

/// What stands at a dotted path of an object; null where there is nothing.
pub fn member<'a>(found: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(found, |inner, step| match inner {
        Value::Array(items) => {
            items.get(step.parse::<usize>().expect("an index")).unwrap_or(&Value::Null)
        }
        inner => inner.get(step).unwrap_or(&Value::Null),
    })
}

/// Whether a value of the wire is what a table says: a number by value, else by its text.
pub fn is_same(found: &Value, wanted: &str) -> bool {
    let text = match found {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match (parse_decimal(&text, 9), parse_decimal(wanted, 9)) {
        (Ok(found), Ok(wanted)) => found == wanted,
        _ => text == wanted,
    }
}

/// Seconds of a duration such as `5s`, `2m`, `3h`, `1d`.
pub fn seconds_of(duration: &str) -> i64 {
    let (count, unit) = duration.split_at(duration.len() - 1);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        unit => panic!("unknown unit of time {unit:?}"),
    };
    count.parse::<i64>().expect("a whole number") * seconds
}

/// Nanoseconds of a UTC time such as `2026-01-05T09:00:00Z`.
pub fn nanos_of(time: &str) -> i64 {
    let digits = |range: std::ops::Range<usize>| time[range].parse::<i64>().expect("digits");
    let (year, month, day) = (digits(0..4), digits(5..7), digits(8..10));
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    let seconds = days * 86_400 + digits(11..13) * 3_600 + digits(14..16) * 60 + digits(17..19);
    seconds * 1_000_000_000
}
