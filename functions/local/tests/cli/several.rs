//! Many flows in a CI job: parts, the end after the first failure, another try.

use crate::typed::Place;

const FINE: &str = "steps:\n  - {id: fine, type: http, with: {url: URL/fine}, assert: status == 200}\n";
const BAD: &str = "steps:\n  - {id: bad, type: http, with: {url: URL/bad}, assert: status == 201}\n";

#[test]
fn each_flow_is_in_one_part_and_adding_one_moves_no_other() {
    let place = Place::new(&[]);
    let names: Vec<String> = (0..8).map(|n| format!("flows/f{n}.yaml")).collect();
    names.iter().for_each(|name| place.write(name, FINE));
    let listed = || -> Vec<(String, usize)> {
        let mut all = Vec::new();
        for part in 1..=3 {
            let came = place.assay(&["run", "flows", "--no-store", "--shard", &format!("{part}/3")]).ends_with(0);
            let files = came.err.lines().filter_map(|line| line.strip_prefix("  "));
            all.extend(files.map(|file| (file.to_owned(), part)));
        }
        all.sort();
        all
    };
    let before = listed();
    let mut files: Vec<&str> = before.iter().map(|(file, _)| file.as_str()).collect();
    files.dedup();
    assert_eq!((files.len(), before.len()), (8, 8), "{before:?}");
    place.write("flows/another.yaml", FINE);
    let after = listed();
    assert!(before.iter().all(|one| after.contains(one)) && after.len() == 9, "{before:?} {after:?}");
}

#[test]
fn an_empty_part_passes_and_says_so() {
    let place = Place::new(&[("flow.yaml", FINE)]);
    let notes: Vec<String> = (1..=4)
        .map(|part| place.assay(&["run", "flow.yaml", "--shard", &format!("{part}/4")]).ends_with(0).err)
        .collect();
    assert_eq!(notes.iter().filter(|note| note.contains("0 of 1 flows: nothing to run")).count(), 3, "{notes:?}");
    assert_eq!(place.server.count("GET /fine"), 1);
    for (word, said) in [("0/4", "counted from 1"), ("5/4", "only 4 parts"), ("x", "I/N")] {
        let wrong = place.assay(&["run", "flow.yaml", "--shard", word]).ends_with(2);
        assert!(wrong.err.contains(said), "{}", wrong.err);
    }
}

#[test]
fn fail_fast_starts_nothing_else() {
    let place = Place::new(&[("a.yaml", FINE), ("b.yaml", BAD), ("c.yaml", FINE)]);
    let came = place.assay(&["run", "a.yaml", "b.yaml", "c.yaml", "--jobs", "1", "--fail-fast"]).ends_with(1);
    assert!(came.out.contains("3 flows: 1 passed, 1 failed, 1 not started"), "{}", came.out);
    assert!(came.err.contains("not started: c.yaml"), "{}", came.err);
    assert_eq!(place.server.count("GET /fine"), 1);
}

#[test]
fn fail_fast_cancels_what_runs() {
    let hangs = "\
steps:
  - {id: hang, type: http, with: {url: URL/hang}, assert: status == 200}
finally:
  - {id: clean, type: http, with: {url: URL/clean}, assert: status == 200}
";
    let waits = "\
steps:
  - {id: pause, type: delay, with: {for: 300ms}}
  - {id: bad, type: http, with: {url: URL/bad}, assert: status == 201}
";
    let place = Place::new(&[("a.yaml", hangs), ("b.yaml", waits)]);
    let came = place.assay(&["run", "a.yaml", "b.yaml", "--jobs", "2", "--fail-fast"]).ends_with(1);
    assert!(came.out.contains("2 flows: 1 failed, 1 cancelled"), "{}", came.out);
    assert_eq!(place.server.count("GET /clean"), 1);
}

#[test]
fn a_flow_that_failed_is_tried_again_and_the_last_time_counts() {
    let once = "steps:\n  - {id: once, type: http, with: {url: URL/once}, assert: body.again == true}\n";
    let place = Place::new(&[("flow.yaml", once)]);
    let came = place.assay(&["run", "flow.yaml", "--retry-failed", "2"]).ends_with(0);
    assert!(
        came.out.contains("flaky: flow was failed (exe_") && came.out.contains("then passed (exe_"),
        "{}",
        came.out
    );
    assert_eq!(place.server.count("GET /once"), 2);
    let listed = place.assay(&["executions", "--json"]).ends_with(0).records();
    assert_eq!(listed.len(), 2);
    let last: serde_json::Value =
        serde_json::from_str(&place.assay(&["show", "latest", "--json"]).ends_with(0).out).unwrap();
    assert_eq!(last["attempt"], 2);
    assert_eq!(last["rerun"], serde_json::json!({"of": listed[1]["id"], "how": "retry"}));
}

#[test]
fn a_flow_that_never_passes_is_tried_as_often_as_was_said() {
    let place = Place::new(&[("flow.yaml", BAD)]);
    let came = place.assay(&["run", "flow.yaml", "--retry-failed", "2"]).ends_with(1);
    assert!(came.out.contains("retried: flow was failed"), "{}", came.out);
    assert_eq!(place.server.count("GET /bad"), 3);
}

#[test]
fn only_one_flow_is_kept() {
    let place = Place::new(&[("a.yaml", FINE), ("b.yaml", FINE)]);
    let wrong = place.assay(&["run", "a.yaml", "b.yaml", "--keep", "1m"]).ends_with(2);
    assert!(wrong.err.contains("give only that flow"), "{}", wrong.err);
    for bad in ["soon", "0s"] {
        assert!(place.assay(&["run", "a.yaml", "--keep", bad]).ends_with(2).err.contains("--keep"));
    }
}
