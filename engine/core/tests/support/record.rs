//! What scenarios leave for others, when they are asked to.
//!
//! Keeps the tapes of scenarios for `tests/golden`: with `PAPERTAPE_RECORD=folder` each table
//! leaves `<table>.jsonl` there, a line for the title of a scenario and one for each of its turns.
//! With `PAPERTAPE_SEEDS=folder` each scenario leaves what the targets of `engine/fuzz` begin with.

use std::io::Write;
use std::path::PathBuf;

use papertape_core::{TapeTurn, World};
use serde_json::{Value, json};

/// Appends the tape of a scenario to the file of its table, if tapes are asked for.
pub fn keep(table: &str, title: &str, turns: &[TapeTurn]) {
    let Some(folder) = std::env::var_os("PAPERTAPE_RECORD").map(PathBuf::from) else {
        return;
    };
    let path = folder.join(table).with_extension("jsonl");
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).expect("file");
    writeln!(file, "{}", json!({ "scenario": title })).expect("a line");
    for turn in turns {
        let line = json!([turn.seq, turn.time_ns, turn.market_seq, turn.body]);
        writeln!(file, "{line}").expect("a line");
    }
}

/// Leaves the commands, the turns and the snapshot of a scenario as seeds of the fuzz targets: a
/// line for each, with the nanoseconds since the line before.
pub fn seed(name: &str, sent: &[(i64, String)], turns: &[TapeTurn], world: &World) {
    let Some(folder) = std::env::var_os("PAPERTAPE_SEEDS").map(PathBuf::from) else {
        return;
    };
    let leave = |target: &str, name: &str, data: &[u8]| {
        let folder = folder.join(target);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(name), data).expect("a file");
    };
    let began_ns = sent.first().map_or(0, |(time_ns, _)| *time_ns);
    leave(
        "apply",
        name,
        lines(sent.iter().map(|(at, text)| (*at, text.as_str())), began_ns).as_bytes(),
    );
    leave("tape", name, lines(turns.iter().map(|it| (it.time_ns, it.body.as_str())), 0).as_bytes());
    leave("snapshot", name, &world.snapshot());
    for (_, text) in sent {
        let read: Value = serde_json::from_str(text).expect("a command is JSON");
        let kind = read["kind"].as_str().unwrap_or("none");
        leave("decode", &format!("{name} {kind}"), text.as_bytes());
    }
}

fn lines<'a>(told: impl Iterator<Item = (i64, &'a str)>, mut before_ns: i64) -> String {
    let mut text = String::new();
    for (time_ns, line) in told {
        text += &format!("{} {line}\n", time_ns - before_ns);
        before_ns = time_ns;
    }
    text
}
