//! What the targets share: the text of their inputs, worlds to feed, and damage that knows JSON.
//!
//! An input of `apply` and of `tape` is text: a line for each command or turn, before it the
//! nanoseconds since the line before and a blank, `1000000000 {"kind":"time"}`.

#[path = "../../core/tests/support/mutate.rs"]
#[allow(missing_docs, dead_code)]
mod mutate;
#[path = "../../core/tests/support/proof.rs"]
#[allow(missing_docs, dead_code)]
pub mod proof;

use mutate::{Draw, damage, material};
use papertape_core::{TapeSink, TapeTurn, World};
use serde_json::Value;

/// 2026-01-05T09:00:00Z, where the scenario tables begin.
const BEGINS_NS: i64 = 1_767_603_600_000_000_000;
/// An input is cut here: longer flows find nothing that shorter ones do not.
const LINES_MAX: usize = 400;

/// An empty world.
pub fn new_world() -> World {
    World::new("main").expect("a fine name")
}

/// A world with an exchange, three instruments and two accounts, for commands that name them.
pub fn set_up() -> World {
    let mut world = new_world();
    send_lines(&mut world, include_bytes!("set_up.txt"));
    world
}

/// The lines of an input.
pub fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).take(LINES_MAX)
}

/// The pause before a line, and the line.
pub fn head_and_text(line: &[u8]) -> (i64, &[u8]) {
    let Some(at) = line.iter().position(|byte| *byte == b' ') else {
        return (0, line);
    };
    let head = std::str::from_utf8(&line[..at]).ok().and_then(|head| head.parse::<i64>().ok());
    head.map_or((0, line), |pause_ns| (pause_ns.max(0), &line[at + 1..]))
}

/// Sends the commands of an input; every reply is JSON.
pub fn send_lines(world: &mut World, data: &[u8]) -> Vec<TapeTurn> {
    let (mut sink, mut now_ns) = (TapeSink::new(), world.time_ns().max(BEGINS_NS));
    for line in lines(data) {
        let (pause_ns, command) = head_and_text(line);
        now_ns = now_ns.saturating_add(pause_ns);
        if let Some((_, reply)) = world.apply_json(command, now_ns, &mut sink) {
            assert!(serde_json::from_str::<Value>(&reply).is_ok(), "no JSON: {reply}");
        }
    }
    sink.take().turns
}

/// The tape, and the snapshot, rebuild the state.
pub fn rebuilds(world: &World, turns: &[TapeTurn]) {
    let (mut again, mut sink) = (new_world(), TapeSink::new());
    for turn in turns {
        again.evolve(turn, &mut sink).expect("what was written reads back");
    }
    assert_eq!(again.state_hash(), world.state_hash(), "the tape rebuilds the state");
    let kept = World::restore(&world.snapshot()).expect("what was written reads back");
    assert_eq!(kept.state_hash(), world.state_hash(), "the snapshot rebuilds the state");
}

/// Asks a world, which may be an absurd one, what can be asked, and lets time pass.
pub fn ask_everything(world: &mut World) {
    send_lines(world, include_bytes!("questions.txt"));
}

/// Half of the time damage that keeps JSON what it is, else what the fuzzer thinks of itself.
pub fn mutate_lines(
    data: &mut [u8],
    size: usize,
    most: usize,
    seed: u32,
    bytes: fn(&mut [u8], usize, usize) -> usize,
) -> usize {
    let mut draw = Draw(u64::from(seed));
    if draw.chance(30) {
        return bytes(data, size, most);
    }
    let text: Vec<Vec<u8>> = lines(&data[..size]).map(<[u8]>::to_vec).collect();
    let changed = if text.is_empty() { None } else { damaged(text, &mut draw) };
    match changed.filter(|text| text.len() <= most) {
        Some(text) => {
            data[..text.len()].copy_from_slice(&text);
            text.len()
        }
        None => bytes(data, size, most),
    }
}

/// One to three lines damaged, moved, doubled or left out.
fn damaged(mut text: Vec<Vec<u8>>, draw: &mut Draw) -> Option<Vec<u8>> {
    for _ in 0..=draw.below(3) {
        let at = draw.below(text.len());
        match draw.below(10) {
            0 if text.len() > 1 => drop(text.remove(at)),
            1 => text.insert(draw.below(text.len()), text[at].clone()),
            2 => text.swap(0, at),
            3 => text[at] = with_pause(&text[at], draw),
            _ => {
                let (pause_ns, json) = head_and_text(&text[at]);
                let mut value: Value = serde_json::from_slice(json).ok()?;
                let other = text.get(draw.below(text.len())).map(|line| head_and_text(line).1);
                let mut stock = Vec::new();
                let read = other.and_then(|json| serde_json::from_slice::<Value>(json).ok());
                read.iter().for_each(|value| material(value, &mut stock));
                damage(&mut value, &stock, draw);
                text[at] = format!("{pause_ns} {value}").into_bytes();
            }
        }
    }
    Some(text.join(&b'\n'))
}

fn with_pause(line: &[u8], draw: &mut Draw) -> Vec<u8> {
    let pauses = [0, 1, 1_000_000_000, 60_000_000_000, 3_600_000_000_000, 90_000_000_000_000];
    let pause_ns: i64 = *draw.pick(&pauses);
    [format!("{pause_ns} ").as_bytes(), head_and_text(line).1].concat()
}
