//! Commands, a line each: answered, the books hold, and the tape rebuilds the same state.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use papertape_fuzz::{mutate_lines, new_world, proof, rebuilds, send_lines};

fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    mutate_lines(data, size, most, seed, libfuzzer_sys::fuzzer_mutate)
});

fuzz_target!(|data: &[u8]| {
    let mut world = new_world();
    let turns = send_lines(&mut world, data);
    proof::durable_is_sound(&world);
    rebuilds(&world, &turns);
});
