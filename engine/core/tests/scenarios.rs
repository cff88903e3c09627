//! The scenario tables of tests/scenarios, run through the engine's JSON door.
#![allow(clippy::disallowed_methods)]

use crate::support::{language, proof, record, stage};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;

use language::{Scenario, parse};
use stage::Stage;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios")
}

fn play(name: &str, scenario: &Scenario) {
    let mut stage = Stage::new();
    for statement in &scenario.statements {
        let done = catch_unwind(AssertUnwindSafe(|| {
            stage.run(statement);
            stage.tables.ledger_is_zero();
            proof::durable_is_sound(&stage.world);
        }));
        if let Err(cause) = done {
            eprintln!("{name}:{} in {:?}", statement.line, scenario.title);
            resume_unwind(cause);
        }
    }
    proof::tape_rebuilds(&stage.world, &stage.turns, &stage.tables);
    record::keep(name, &scenario.title, &stage.turns);
    let seed = format!("{name} {}", scenario.title).replace(['/', '"', ':'], "_");
    record::seed(&seed, &stage.sent, &stage.turns, &stage.world);
}

fn play_table(name: &str) {
    let text = std::fs::read_to_string(folder().join(name)).expect("the table exists");
    let scenarios = parse(&text);
    assert!(!scenarios.is_empty(), "{name} has no scenario");
    for scenario in &scenarios {
        play(name, scenario);
    }
}

macro_rules! tables {
    ($($test:ident: $file:literal),+ $(,)?) => {
        const TABLES: &[&str] = &[$($file),+];
        $(#[test] fn $test() { play_table($file); })+
    };
}

tables! {
    market_orders: "market_orders.txt",
    limit_orders: "limit_orders.txt",
    stop_orders: "stop_orders.txt",
    time_in_force: "time_in_force.txt",
    rejections: "rejections.txt",
    replace: "replace.txt",
    risk: "risk.txt",
    risk_watch: "risk_watch.txt",
    cancel: "cancel.txt",
    holds_and_fees: "holds_and_fees.txt",
    street: "street.txt",
    bars: "bars.txt",
    users: "users.txt",
    agents: "agents.txt",
    sessions: "sessions.txt",
    auctions: "auctions.txt",
    hours: "hours.txt",
    halts: "halts.txt",
    bands_and_ticks: "bands_and_ticks.txt",
    restarts: "restarts.txt",
    positions: "positions.txt",
    corporate_actions: "corporate_actions.txt",
    trailing_stops: "trailing_stops.txt",
    touched_orders: "touched_orders.txt",
    icebergs: "icebergs.txt",
    order_flags: "order_flags.txt",
    margin: "margin.txt",
    money: "money.txt",
    lots: "lots.txt",
    currencies: "currencies.txt",
    order_groups: "order_groups.txt",
    multi_leg: "multi_leg.txt",
    order_matrix: "order_matrix.txt",
    session_matrix: "session_matrix.txt",
    worked_examples: "worked_examples.txt",
    receipts: "receipts.txt",
    fees: "fees.txt",
    profiles: "profiles.txt",
    latency: "latency.txt",
    leg_intents: "leg_intents.txt",
    futures: "futures.txt",
    options: "options.txt",
    isolated: "isolated.txt",
    together: "together.txt",
}

/// Whether some table says that a statement ends with this outcome and reason.
fn is_shown(words: &[&str], outcomes: &[&str], reason: &str) -> bool {
    words.windows(2).any(|pair| outcomes.contains(&pair[0]) && pair[1] == reason)
}

#[test]
fn every_reason_is_the_outcome_of_some_scenario() {
    use papertape_core::words::{Reason, refusal};
    let texts = TABLES.iter().map(|name| std::fs::read_to_string(folder().join(name)));
    let text: String = texts.map(|text| text.expect("the table exists")).collect();
    let words: Vec<&str> = text.split([' ', ',', '\n']).collect();
    let shown = |outcomes: &'static [&str]| {
        let words = &words;
        move |reason: &&str| !is_shown(words, outcomes, reason)
    };
    let of = |reasons: &'static [Reason]| reasons.iter().map(|reason| reason.word());
    let missing: Vec<&str> = of(proof::REJECTS)
        .filter(shown(&["rejected", "refused"]))
        .chain(of(proof::CANCELS).filter(shown(&["canceled", "reason"])))
        .chain(refusal::ALL.iter().copied().filter(shown(&["refused"])))
        .collect();
    assert!(missing.is_empty(), "no table shows {missing:?}");
    let known =
        |reason: &&Reason| proof::REJECTS.contains(reason) || proof::CANCELS.contains(reason);
    assert!(Reason::ALL.iter().all(|reason| known(&reason)), "a reason is in neither list");
}

#[test]
fn every_table_in_the_folder_is_run() {
    let files = std::fs::read_dir(folder()).expect("the folder exists");
    for file in files {
        let name = file.expect("a file").file_name().into_string().expect("a plain name");
        assert!(!name.ends_with(".txt") || TABLES.contains(&name.as_str()), "{name} is not run");
    }
}
