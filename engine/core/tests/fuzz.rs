//! Damaged commands, tapes and snapshots: answered or refused, never a panic.
//!
//! The material is what the scenario tables send and leave behind, so every family of rules is in
//! it. Everything is drawn from fixed seeds: a failure names its seed and comes again.
//! `PAPERTAPE_CASES=100000 cargo test --release -p papertape-core --test main fuzz::` sends more.
#![allow(clippy::disallowed_methods)]

use crate::support::{language, mutate, proof, stage};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::OnceLock;

use mutate::{Draw, damage, damage_bytes, material};
use papertape_core::{TapeSink, TapeTurn, World};
use serde_json::{Value, json};
use stage::Stage;

/// What the tables have sent and left behind.
struct Corpus {
    runs: Vec<Run>,
    /// Values to put in the place of others.
    stock: Vec<Value>,
}

/// One scenario.
struct Run {
    commands: Vec<Value>,
    turns: Vec<TapeTurn>,
    snapshot: Vec<u8>,
}

fn corpus() -> &'static Corpus {
    static CORPUS: OnceLock<Corpus> = OnceLock::new();
    CORPUS.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
            .expect("the folder")
            .map(|entry| entry.expect("a file").path())
            .filter(|path| path.extension().is_some_and(|end| end == "txt"))
            .collect();
        paths.sort();
        let tables = paths.iter().map(|path| std::fs::read_to_string(path).expect("a table"));
        let scenarios = tables.flat_map(|table| language::parse(&table));
        let runs: Vec<Run> = scenarios.map(|scenario| play(&scenario)).collect();
        let mut stock = Vec::new();
        runs.iter().flat_map(|run| &run.commands).for_each(|it| material(it, &mut stock));
        Corpus { runs, stock }
    })
}

fn play(scenario: &language::Scenario) -> Run {
    let mut stage = Stage::new();
    scenario.statements.iter().for_each(|statement| stage.run(statement));
    let read = |(_, text): &(i64, String)| serde_json::from_str(text).expect("a command is JSON");
    Run {
        commands: stage.sent.iter().map(read).collect(),
        snapshot: stage.world.snapshot(),
        turns: stage.turns,
    }
}

/// Cases of each test, about; more by `PAPERTAPE_CASES`.
fn cases() -> u64 {
    std::env::var("PAPERTAPE_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(400)
}

/// Runs each case, naming the seed of the one that fails.
fn each_case(case: impl Fn(&mut Draw)) {
    for seed in 0..cases() {
        let done = catch_unwind(AssertUnwindSafe(|| case(&mut Draw(seed))));
        if let Err(cause) = done {
            eprintln!("the seed is {seed}");
            resume_unwind(cause);
        }
    }
}

/// Sends commands of a run, some of them damaged or of another run, as time goes by.
fn send(world: &mut World, commands: &[Value], percent: u64, draw: &mut Draw) -> Vec<TapeTurn> {
    let (corpus, mut sink) = (corpus(), TapeSink::new());
    for command in commands {
        let mut command = command.clone();
        if draw.chance(percent) {
            if draw.chance(20) {
                let other = draw_run(draw, corpus);
                command = draw.pick(&other.commands).clone();
            }
            damage(&mut command, &corpus.stock, draw);
        }
        let pause = *draw.pick(&[0, 0, 1, 1_000_000_000, 90_000_000_000_000]);
        let now_ns = world.time_ns().saturating_add(pause).max(1_767_603_600_000_000_000);
        let text = command.to_string();
        if let Some((_, reply)) = world.apply_json(text.as_bytes(), now_ns, &mut sink) {
            assert!(serde_json::from_str::<Value>(&reply).is_ok(), "{text} was answered {reply}");
        }
    }
    sink.take().turns
}

fn draw_run<'a>(draw: &mut Draw, corpus: &'a Corpus) -> &'a Run {
    draw.pick(&corpus.runs)
}

#[test]
fn damaged_commands_are_answered_and_the_books_hold() {
    each_case(|draw| {
        let run = draw_run(draw, corpus());
        let mut world = World::new("main").expect("a fine name");
        let percent = *draw.pick(&[5, 15, 40]);
        let mut turns = send(&mut world, &run.commands, percent, draw);
        proof::durable_is_sound(&world);
        let time = vec![json!({"kind": "time"}); 3];
        turns.extend(send(&mut world, &time, 0, draw));
        proof::durable_is_sound(&world);
        let (mut again, mut sink) = (World::new("main").expect("a fine name"), TapeSink::new());
        for turn in &turns {
            again.evolve(turn, &mut sink).expect("what was written reads back");
        }
        assert_eq!(again.state_hash(), world.state_hash(), "the tape rebuilds the state");
    });
}

#[test]
fn damaged_text_is_answered() {
    each_case(|draw| {
        let run = draw_run(draw, corpus());
        let mut world = World::restore(&run.snapshot).expect("a snapshot");
        let mut sink = TapeSink::new();
        for _ in 0..8 {
            let mut text = draw.pick(&run.commands).to_string().into_bytes();
            for _ in 0..=draw.below(3) {
                if !text.is_empty() {
                    damage_bytes(&mut text, draw);
                }
            }
            let now_ns = world.time_ns();
            world.apply_json(&text, now_ns, &mut sink);
        }
        proof::durable_is_sound(&world);
    });
}

#[test]
fn damaged_tapes_are_refused_or_read() {
    each_case(|draw| {
        let run = draw_run(draw, corpus());
        let broken = draw.below(run.turns.len());
        let mut world = World::new("main").expect("a fine name");
        let mut sink = TapeSink::new();
        for (index, turn) in run.turns.iter().enumerate() {
            let mut turn = turn.clone();
            if index == broken {
                let mut body: Value = serde_json::from_str(&turn.body).expect("a body is JSON");
                for _ in 0..=draw.below(2) {
                    damage(&mut body, &corpus().stock, draw);
                }
                turn.body = body.to_string();
            }
            if world.evolve(&turn, &mut sink).is_err() {
                return;
            }
        }
        // The state is one that no engine would make; still nothing may panic.
        let _ = World::restore(&world.snapshot());
        send(&mut world, &run.commands, 10, draw);
    });
}

#[test]
fn damaged_snapshots_are_refused_or_read() {
    each_case(|draw| {
        let run = draw_run(draw, corpus());
        let mut data = run.snapshot.clone();
        for _ in 0..=draw.below(2) {
            if !data.is_empty() {
                damage_bytes(&mut data, draw);
            }
        }
        let Ok(mut world) = World::restore(&data) else {
            return;
        };
        let snapshot = world.snapshot();
        let again = World::restore(&snapshot).expect("what was written reads back");
        assert_eq!(again.snapshot(), snapshot, "a snapshot is canonical");
        // Its figures may be absurd (whoever keeps a snapshot checks its hash), but it can be read.
        let account = "00000000-0000-4000-8000-000000000001";
        let questions =
            ["value", "book", "instruments", "exchanges", "risk", "policy", "rules", "usage"];
        let ask = |kind| json!({"kind": kind, "account_id": account, "symbol": "ACME"});
        send(&mut world, &questions.map(ask), 0, draw);
    });
}

/// Every kind of event that an engine has written: `tests/golden` has a tape with each.
const KINDS: &str = include_str!("../../../tests/golden/kinds.txt");

#[test]
fn the_tables_leave_every_kind_of_event() {
    let mut left: BTreeSet<String> = BTreeSet::new();
    for turn in corpus().runs.iter().flat_map(|run| &run.turns) {
        let body: Value = serde_json::from_str(&turn.body).expect("a body is JSON");
        let events = body["events"].as_array().expect("events");
        left.extend(events.iter().map(|event| event["e"].as_str().expect("a kind").to_owned()));
    }
    // More than a thousand fills in one auction: `auctions.rs` leaves it.
    left.insert("crossing_moved".to_owned());
    let known: BTreeSet<String> = KINDS.lines().map(str::to_owned).collect();
    let more = "tests/golden/README.md says how to record what is new";
    assert_eq!(left, known, "the kinds of events are not those of kinds.txt: {more}");
}
