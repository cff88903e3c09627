//! All tests of the core's public door, in one program: each of its own would take six seconds of
//! processor to compile and to link. `cargo test -p papertape-core --test main margin::` runs a file.

mod support;

mod auctions;
mod book_twin;
mod contract_properties;
mod contracts;
mod corporate;
mod feed;
mod first_order;
mod fuzz;
mod groups;
mod honest_fills;
mod isolated;
mod lane;
mod margin;
mod multi_leg;
mod properties;
mod receipts;
mod risk;
mod risk_twin;
mod scenarios;
mod targets;
mod time;
mod trades;
mod wire;

#[test]
fn every_file_of_tests_is_part_of_this_program() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = folder.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path());
    for file in files.filter(|file| file.extension().is_some_and(|end| end == "rs")) {
        let name = file.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        let line = format!("mod {name};");
        let is_there = include_str!("main.rs").lines().any(|there| there == line);
        assert!(
            is_there || name == "main",
            "tests/main.rs lacks `{line}`: its tests would not run"
        );
    }
}
