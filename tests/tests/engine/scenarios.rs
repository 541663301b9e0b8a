//! Every file of `tests/flows/run` says what must follow from what happens.

use std::path::Path;

use assay_tests::scenario::play_file;

#[test]
fn what_happens_makes_the_engine_do_what_the_scenario_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("flows/run");
    let update = std::env::vars().any(|(name, value)| name == "UPDATE" && value == "1");
    let mut wrong = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 50, "the scenarios are there");
    for file in files {
        if let Err(error) = play_file(&file, update) {
            wrong.push(format!("{}: {error:#}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
