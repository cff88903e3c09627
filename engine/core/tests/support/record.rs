//! Keeps the tapes of scenarios for `tests/golden`: with `PAPERTAPE_RECORD=folder` each table
//! leaves `<table>.jsonl` there, a line for the title of a scenario and one for each of its turns.

use std::io::Write;
use std::path::PathBuf;

use papertape_core::TapeTurn;
use serde_json::json;

/// A table keeps scenarios until its file has this many bytes: a golden tape is small.
const BYTES_MAX: u64 = 8_000;

/// Appends the tape of a scenario to the file of its table, if tapes are asked for.
pub fn keep(table: &str, title: &str, turns: &[TapeTurn]) {
    let Some(folder) = std::env::var_os("PAPERTAPE_RECORD").map(PathBuf::from) else {
        return;
    };
    let path = folder.join(table).with_extension("jsonl");
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).expect("file");
    if file.metadata().expect("a size").len() > BYTES_MAX {
        return;
    }
    writeln!(file, "{}", json!({ "scenario": title })).expect("a line");
    for turn in turns {
        let line = json!([turn.seq, turn.time_ns, turn.market_seq, turn.body]);
        writeln!(file, "{line}").expect("a line");
    }
}
