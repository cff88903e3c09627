//! Any bytes as one command: read or refused, never a panic.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use papertape_core::World;
use papertape_fuzz::{mutate_lines, set_up};

static WORLD: LazyLock<World> = LazyLock::new(set_up);

fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    mutate_lines(data, size, most, seed, libfuzzer_sys::fuzzer_mutate)
});

fuzz_target!(|data: &[u8]| {
    if let Ok(value) = papertape_core::json::parse(data) {
        let _ = value.get("kind");
    }
    let _ = WORLD.decode(data);
});
