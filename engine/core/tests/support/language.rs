//! The scenario language: text lines to statements. See tests/scenarios/README.md.

/// One line of a table.
#[derive(Clone, Debug)]
pub struct Statement {
    pub line: usize,
    pub words: Vec<String>,
    pub expectations: Vec<Vec<String>>,
}

/// A title and its statements.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub title: String,
    pub statements: Vec<Statement>,
}

/// Reads a table.
pub fn parse(text: &str) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let line = raw.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        if let Some(title) = line.strip_prefix("scenario ") {
            scenarios.push(Scenario { title: title.trim().to_owned(), statements: Vec::new() });
            continue;
        }
        let scenario = scenarios.last_mut().expect("a table begins with `scenario <title>`");
        scenario.statements.push(parse_statement(index + 1, line));
    }
    scenarios
}

fn parse_statement(line: usize, text: &str) -> Statement {
    let (statement, expected) = text.split_once("->").unwrap_or((text, ""));
    let parts = expected.split(',').map(words).filter(|part| !part.is_empty());
    Statement { line, words: words(statement), expectations: parts.collect() }
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
