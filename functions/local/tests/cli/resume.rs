//! `assay resume` after a kill.

use crate::typed::{Came, Place, signal};

const FLOW: &str = "\
name: interrupted
steps:
  - {id: before, type: http, with: {method: POST, url: URL/before}, assert: status == 200}
  - {id: pause, type: delay, with: {for: 1500ms}}
  - {id: after, type: http, with: {method: POST, url: URL/after}, assert: status == 200}
finally:
  - {id: clean, type: http, with: {url: URL/clean}, assert: status == 200}
";
const HANGING_POST: &str = "\
name: posting
steps:
  - {id: post, type: http, with: {method: POST, url: URL/hang}, assert: status == 200}
finally:
  - {id: clean, type: http, with: {url: URL/clean}, assert: status == 200}
";
const FAILING: &str = "\
name: failing
steps:
  - {id: no, type: http, with: {url: URL/no}, assert: status == 201}
";
const SECRETIVE: &str = "\
name: secretive
secrets: [TOKEN]
steps:
  - {id: ready, type: http, with: {url: URL/ready}, assert: status == 200}
  - {id: pause, type: delay, with: {for: 1s}}
  - {id: use, type: http, with: {url: URL/echo, headers: {authorization: \"${secrets.TOKEN}\"}}, assert: status == 200}
";

fn killed(place: &Place, words: &[&str], seen: &str) {
    let child = place.start(words);
    place.server.wait_for(seen, 1);
    signal(&child, "KILL");
    let _ = child.wait_with_output().unwrap();
}

#[test]
fn nothing_is_lost_and_nothing_doubled_by_a_kill() {
    let place = Place::new(&[("flow.yaml", FLOW)]);
    killed(&place, &["run", "flow.yaml"], "POST /before");
    let came = place.assay(&["resume"]);
    // The kill may fall between the act and its record: then the step is not repeated, and says so.
    assert!(matches!(came.code, Some(0 | 3)), "{}{}", came.out, came.err);
    assert_eq!(place.server.count("POST /before"), 1, "{}", came.out);
    assert_eq!(place.server.count("GET /clean"), 1, "{}", came.out);
    assert!(came.code == Some(3) || place.server.count("POST /after") == 1, "{}", came.out);
    assert!(place.assay(&["resume"]).ends_with(0).err.contains("nothing to resume"));
}

#[test]
fn a_lost_post_is_errored_and_never_repeated() {
    let place = Place::new(&[("flow.yaml", HANGING_POST)]);
    killed(&place, &["run", "flow.yaml"], "POST /hang");
    let came = place.assay(&["resume"]).ends_with(3);
    assert!(came.out.contains("it may have acted"), "{}", came.out);
    assert_eq!(place.server.seen(), ["POST /hang", "GET /clean"]);
}

#[test]
fn flows_that_were_never_started_are_started() {
    let place = Place::new(&[("a.yaml", HANGING_POST), ("b.yaml", FAILING)]);
    killed(&place, &["run", "a.yaml", "b.yaml", "--jobs", "1"], "POST /hang");
    let came = place.assay(&["resume", "--jobs", "1"]).ends_with(3);
    assert_eq!(place.server.count("GET /no"), 1, "{}", came.out);
    assert!(came.out.contains("2 flows: 1 failed, 1 errored"), "{}", came.out);
}

#[test]
fn a_verdict_saved_just_before_the_kill_counts() {
    let place = Place::new(&[("flow.yaml", FAILING)]);
    place.assay(&["run", "flow.yaml"]).ends_with(1);
    let listed = place.assay(&["executions", "--json"]).ends_with(0).records();
    let records = place.assay(&["events", "--json"]).records();
    // What a run leaves that is killed after the verdict and before it has told it.
    let entry = serde_json::json!({
        "execution": listed[0]["id"], "startKey": "k", "version": records[0]["version"], "main": "flow.yaml",
        "inputs": {}, "labels": {},
    });
    place.write(".assay/runs/left.json", &serde_json::json!({"process": 1, "entries": [entry]}).to_string());
    let came = place.assay(&["resume"]).ends_with(1);
    assert!(came.out.contains("failing failed"), "{}", came.out);
    assert_eq!(place.server.count("GET /no"), 1);
    place.assay(&["resume"]).ends_with(0);
}

#[test]
fn what_a_living_process_runs_is_left_alone() {
    let place = Place::new(&[("flow.yaml", HANGING_POST)]);
    let child = place.start(&["run", "flow.yaml"]);
    place.server.wait_for("POST /hang", 1);
    assert!(place.assay(&["resume"]).ends_with(0).err.contains("nothing to resume"));
    let named = place.assay(&["resume", "latest"]).ends_with(2);
    assert!(named.err.contains("runs exe_"), "{}", named.err);
    signal(&child, "INT");
    Came::wait(child).ends_with(4);
    assert_eq!(place.server.count("POST /hang"), 1);
}

#[test]
fn secrets_are_asked_for_again() {
    let place = Place::new(&[("flow.yaml", SECRETIVE)]);
    killed(&place, &["run", "flow.yaml", "--secret", "TOKEN=canary-7f3a91"], "GET /ready");
    let without = place.assay(&["resume"]).ends_with(2);
    assert!(without.err.contains("needs the secret TOKEN"), "{}", without.err);
    place.assay(&["resume", "--secret", "TOKEN=canary-7f3a91"]).ends_with(0);
    assert_eq!(place.server.count("GET /echo"), 1);
}

#[test]
fn without_state_there_is_nothing_to_resume() {
    let place = Place::new(&[("flow.yaml", FAILING)]);
    assert!(place.assay(&["resume"]).ends_with(0).err.contains("nothing to resume"));
    place.assay(&["run", "flow.yaml"]).ends_with(1);
    assert!(place.assay(&["resume"]).ends_with(0).err.contains("nothing to resume"));
    let ended = place.assay(&["resume", "latest"]).ends_with(0);
    assert!(ended.err.contains("nothing to resume"), "{}", ended.err);
}

#[test]
fn what_is_lost_is_named_and_the_rest_is_resumed() {
    let place = Place::new(&[("flow.yaml", FAILING), ("other.yaml", FAILING)]);
    place.assay(&["run", "flow.yaml"]).ends_with(1);
    let listed = place.assay(&["executions", "--json"]).ends_with(0).records();
    let records = place.assay(&["events", "--json"]).records();
    let entry = |execution: &serde_json::Value, version: &serde_json::Value, main: &str| {
        serde_json::json!({
            "execution": execution, "startKey": "k", "version": version, "main": main, "inputs": {}, "labels": {},
        })
    };
    // One whose rows are gone with the log of the database, beside one that is there.
    let gone = serde_json::json!("exe_00000000000000000001");
    let entries = [
        entry(&gone, &serde_json::json!("flv_00000000000000000001"), "lost.yaml"),
        entry(&listed[0]["id"], &records[0]["version"], "flow.yaml"),
    ];
    place.write(".assay/runs/left.json", &serde_json::json!({"process": 1, "entries": entries}).to_string());
    let came = place.assay(&["resume"]).ends_with(3);
    assert!(came.out.contains("failing failed"), "{}", came.out);
    assert!(came.err.contains("exe_00000000000000000001 (lost.yaml) cannot be gone on with"), "{}", came.err);
    assert!(came.err.contains("run lost.yaml again"), "{}", came.err);
    assert!(!place.path(".assay/runs/left.json").exists());
    assert!(place.assay(&["resume"]).ends_with(0).err.contains("nothing to resume"));
}

#[test]
fn an_execution_whose_flow_is_gone_ends_as_errored() {
    let place = Place::new(&[("flow.yaml", HANGING_POST), ("other.yaml", HANGING_POST)]);
    killed(&place, &["run", "flow.yaml"], "POST /hang");
    let db = rusqlite::Connection::open(place.path(".assay/assay.db")).unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM flow_versions").unwrap();
    drop(db);
    let came = place.assay(&["resume"]).ends_with(3);
    assert!(came.err.contains("its flow is gone from the store; it has ended as errored"), "{}", came.err);
    let listed = place.assay(&["executions", "--json"]).ends_with(0).records();
    assert_eq!(listed[0]["status"], "errored");
    assert!(place.assay(&["resume"]).ends_with(0).err.contains("nothing to resume"));
}

#[test]
fn to_resume_one_keeps_the_promise_of_the_others() {
    let place = Place::new(&[("a.yaml", HANGING_POST), ("b.yaml", FAILING)]);
    killed(&place, &["run", "a.yaml", "b.yaml", "--jobs", "1"], "POST /hang");
    let listed = place.assay(&["executions", "--json"]).ends_with(0).records();
    let first = listed[0]["id"].as_str().unwrap();
    place.assay(&["resume", first]).ends_with(3);
    // It has ended: nothing is to be done for it, and the other one is still promised.
    place.assay(&["resume", first]).ends_with(0);
    assert_eq!(place.server.count("GET /no"), 0);
    place.assay(&["resume"]).ends_with(1);
    assert_eq!(place.server.count("GET /no"), 1);
}

/// `assay` in a shell where no file may grow past so many kilobytes: what a full disk is to a store.
fn cramped(place: &Place, kilobytes: u32, words: &str) -> Came {
    let typed = place.command(&[]);
    let assay = typed.get_program().to_string_lossy().into_owned();
    // without the trap the system would end the process at the first write that is too long
    let script = format!("trap '' XFSZ; ulimit -f {}; exec '{assay}' {words}", kilobytes * 2);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).current_dir(place.path(""));
    for (name, value) in typed.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    Came::of(shell.output().unwrap())
}

#[test]
fn a_run_that_cannot_save_any_more_ends_and_is_resumed() {
    let step = |n: u32| format!("  - {{id: s{n}, type: http, with: {{url: URL/{n}}}, assert: status == 200}}\n");
    let steps: String = (0..60).map(step).collect();
    let post = |name: &str| {
        format!("  - {{id: {name}, type: http, with: {{method: POST, url: URL/{name}}}, assert: status == 200}}\n")
    };
    let flow = format!("name: long\nsteps:\n{}{steps}{}", post("first"), post("last"));
    let place = Place::new(&[("flow.yaml", &flow)]);
    let came = cramped(&place, 900, "run flow.yaml").ends_with(3);
    assert!(came.err.contains("failed to save to the store ") && came.err.contains(".assay: "), "{}", came.err);
    assert!(came.err.contains("`assay resume` goes on from what was saved"), "{}", came.err);
    assert_eq!(came.err.matches("failed to save").count(), 1, "{}", came.err);
    let mut seen = place.server.seen();
    seen.sort();
    assert!(seen.len() > 1 && seen.windows(2).all(|two| two[0] != two[1]), "nothing is sent with each try: {seen:?}");
    place.assay(&["resume"]).ends_with(0);
    assert_eq!((place.server.count("POST /first"), place.server.count("POST /last")), (1, 1));
}
