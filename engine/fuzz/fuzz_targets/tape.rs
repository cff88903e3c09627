//! Turns of a tape, a line each: refused, or a world that can be asked, kept and moved on.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use papertape_core::{TapeSink, TapeTurn, World};
use papertape_fuzz::{ask_everything, head_and_text, lines, mutate_lines, new_world};

fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    mutate_lines(data, size, most, seed, libfuzzer_sys::fuzzer_mutate)
});

fuzz_target!(|data: &[u8]| {
    let (mut world, mut sink, mut time_ns) = (new_world(), TapeSink::new(), 0_i64);
    for line in lines(data) {
        let (pause_ns, body) = head_and_text(line);
        time_ns = time_ns.saturating_add(pause_ns);
        let Ok(body) = String::from_utf8(body.to_vec()) else {
            return;
        };
        let turn = TapeTurn { seq: world.seq() + 1, time_ns, market_seq: world.market_seq(), body };
        if world.evolve(&turn, &mut sink).is_err() {
            return;
        }
        sink.take();
    }
    // The state may be one that no engine would make; still nothing may panic.
    let _ = World::restore(&world.snapshot());
    ask_everything(&mut world);
});
