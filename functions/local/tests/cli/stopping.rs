//! Ctrl-C, the polite kill, and other processes that cancel or signal.

use crate::typed::{Came, Place, signal};

const HANGS: &str = "\
name: hangs
steps:
  - {id: hang, type: http, with: {url: URL/hang}, assert: status == 200}
  - {id: later, type: http, with: {url: URL/later}, assert: status == 200}
finally:
  - {id: clean, type: http, with: {url: URL/clean}, assert: status == 200}
";
const HANGS_TWICE: &str = "\
name: twice
steps:
  - {id: hang, type: http, with: {url: URL/hang}, assert: status == 200}
finally:
  - {id: clean, type: http, with: {url: URL/hang/clean}, assert: status == 200}
";
const WAITS: &str = "\
name: waits
steps:
  - {id: ready, type: http, with: {url: URL/ready}, assert: status == 200}
  - {id: approval, type: wait, with: {signal: approved, within: 60s}, assert: payload.ok}
";

/// Whether this process lives on when its terminal goes, as below `nohup`; then so does what it starts.
fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[test]
fn one_ctrl_c_cancels_and_runs_finally() {
    for name in ["INT", "TERM", "HUP"] {
        let place = Place::new(&[("flow.yaml", HANGS)]);
        let child = place.start(&["run", "flow.yaml"]);
        place.server.wait_for("GET /hang", 1);
        signal(&child, name);
        if name == "HUP" && hangups_are_ignored() {
            signal(&child, "INT");
        }
        let came = Came::wait(child).ends_with(4);
        assert!(came.err.contains("stopping: "), "{}", came.err);
        assert!(came.out.contains("hangs cancelled"), "{}", came.out);
        assert_eq!(place.server.seen(), ["GET /hang", "GET /clean"]);
        place.assay(&["resume"]).ends_with(0);
        assert_eq!(place.server.seen().len(), 2, "a cancelled execution is not resumed");
    }
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let place = Place::new(&[("flow.yaml", HANGS_TWICE)]);
    let child = place.start(&["run", "flow.yaml"]);
    place.server.wait_for("GET /hang", 1);
    signal(&child, "INT");
    place.server.wait_for("GET /hang/clean", 1);
    signal(&child, "INT");
    let came = Came::wait(child).ends_with(4);
    assert!(came.err.contains("ending at once"), "{}", came.err);
}

#[test]
fn flows_that_were_not_started_are_counted_after_ctrl_c() {
    let place = Place::new(&[("a.yaml", HANGS), ("b.yaml", HANGS)]);
    let child = place.start(&["run", "a.yaml", "b.yaml", "--jobs", "1"]);
    place.server.wait_for("GET /hang", 1);
    signal(&child, "INT");
    let came = Came::wait(child).ends_with(4);
    assert!(came.out.contains("2 flows: 1 cancelled, 1 not started"), "{}", came.out);
}

#[test]
fn another_process_cancels() {
    let place = Place::new(&[("flow.yaml", HANGS)]);
    let child = place.start(&["run", "flow.yaml"]);
    place.server.wait_for("GET /hang", 1);
    let cancelled = place.assay(&["cancel", "latest"]).ends_with(0);
    assert!(cancelled.out.contains("was told to stop; process "), "{}", cancelled.out);
    let came = Came::wait(child).ends_with(4);
    assert!(came.out.contains("stop asked for by ann"), "{}", came.out);
    assert_eq!(place.server.seen(), ["GET /hang", "GET /clean"]);
    let again = place.assay(&["cancel", "latest"]).ends_with(0);
    assert!(again.out.contains("has ended already: cancelled"), "{}", again.out);
}

#[test]
fn what_nobody_runs_is_cancelled_and_cleaned_up_by_who_asks() {
    let place = Place::new(&[("flow.yaml", HANGS)]);
    let child = place.start(&["run", "flow.yaml"]);
    place.server.wait_for("GET /hang", 1);
    signal(&child, "KILL");
    let _ = child.wait_with_output().unwrap();
    let came = place.assay(&["cancel", "latest"]).ends_with(0);
    assert!(came.out.contains("hangs cancelled"), "{}", came.out);
    assert_eq!(place.server.count("GET /clean"), 1);
    assert!(place.assay(&["resume"]).ends_with(0).err.contains("nothing to resume"));
}

#[test]
fn another_process_signals() {
    let place = Place::new(&[("flow.yaml", WAITS)]);
    let child = place.start(&["run", "flow.yaml"]);
    place.server.wait_for("GET /ready", 1);
    let wrong = place.assay(&["signal", "latest", "aproved"]).ends_with(0);
    assert!(wrong.err.contains("no step that waits for the signal aproved; it waits for: approved"), "{}", wrong.err);
    let sent =
        place.assay(&["signal", "latest", "approved", "--payload", "{\"ok\": true}", "--by", "bob"]).ends_with(0);
    assert!(sent.out.contains("has the signal approved; process "), "{}", sent.out);
    assert_eq!(sent.err, "");
    let came = Came::wait(child).ends_with(0);
    assert!(came.out.contains("signal approved from bob"), "{}", came.out);
    assert!(came.out.contains("waits for a signal: assay signal exe_"), "{}", came.out);
    let late = place.assay(&["signal", "latest", "approved"]).ends_with(2);
    assert!(late.err.contains("has ended already: passed"), "{}", late.err);
    place.assay(&["signal", "latest", "approved", "--payload", "{ok"]).ends_with(2);
}

const CLEANING: &str = "\
name: cleaning
steps:
  - {id: done, type: http, with: {url: URL/done}, assert: status == 200}
finally:
  - {id: clean, type: http, with: {url: URL/hang/clean}, timeout: 1s, assert: status == 200}
";

#[test]
fn a_cancel_that_comes_after_the_main_steps_does_not_win_and_says_so() {
    let place = Place::new(&[("flow.yaml", CLEANING)]);
    let child = place.start(&["run", "flow.yaml"]);
    place.server.wait_for("GET /hang/clean", 1);
    signal(&child, "INT");
    // `finally` can only worsen a passed verdict.
    let came = Came::wait(child).ends_with(3);
    assert!(came.err.contains("the main steps have ended: the verdict stands"), "{}", came.err);
}

#[cfg(target_os = "linux")]
#[test]
fn a_hangup_that_is_ignored_stays_ignored() {
    let place = Place::new(&[("flow.yaml", HANGS)]);
    let mut nohup = std::process::Command::new("nohup");
    nohup.arg(env!("CARGO_BIN_EXE_assay")).args(["run", "flow.yaml"]).current_dir(place.path("."));
    let child = nohup.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    place.server.wait_for("GET /hang", 1);
    signal(&child, "HUP");
    signal(&child, "INT");
    let came = Came::wait(child).ends_with(4);
    assert!(!came.out.contains("SIGHUP"), "{}", came.out);
    assert!(came.out.contains("stop asked for by Ctrl-C"), "{}", came.out);
    assert_eq!(place.server.count("GET /clean"), 1);
}
