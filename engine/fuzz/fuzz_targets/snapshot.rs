//! Any bytes as a snapshot: refused, or a world that can be asked and writes itself canonically.
#![no_main]

use libfuzzer_sys::fuzz_target;
use papertape_core::World;
use papertape_fuzz::ask_everything;

fuzz_target!(|data: &[u8]| {
    let Ok(mut world) = World::restore(data) else {
        return;
    };
    let snapshot = world.snapshot();
    let again = World::restore(&snapshot).expect("what was written reads back");
    assert_eq!(again.snapshot(), snapshot, "a snapshot is canonical");
    ask_everything(&mut world);
});
