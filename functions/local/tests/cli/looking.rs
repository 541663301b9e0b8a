//! The commands that only look.

use crate::typed::{Came, Place};

const FLOW: &str = "\
name: looked
steps:
  - {id: one, type: http, with: {url: URL/one}, assert: status == 201}
";

#[test]
fn show_tells_what_run_told() {
    let place = Place::new(&[("flow.yaml", FLOW)]);
    let ran = place.assay(&["run", "flow.yaml"]).ends_with(1);
    let shown = place.assay(&["show", "latest"]).ends_with(0);
    assert!(ran.out.starts_with(&shown.out), "{}\n{}", ran.out, shown.out);
    assert!(shown.out.contains("status = 200"), "{}", shown.out);
    let json = place.assay(&["show", "--json"]).ends_with(0);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["status"], "failed");
    assert_eq!(json["steps"][0]["id"], "one");
    let id = json["id"].as_str().unwrap();
    assert_eq!(place.assay(&["show", id]).ends_with(0).out, shown.out);
}

#[test]
fn events_are_numbered_and_go_on_after_a_number() {
    let place = Place::new(&[("flow.yaml", FLOW)]);
    place.assay(&["run", "flow.yaml"]).ends_with(1);
    let all = place.assay(&["events", "latest", "--json"]).ends_with(0).records();
    let rest = place.assay(&["events", "latest", "--json", "--after", "2"]).ends_with(0).records();
    assert_eq!(all[2..], rest[..]);
    let followed = place.assay(&["events", "latest", "--follow"]).ends_with(0);
    assert_eq!(followed.out.lines().count(), all.len());
    assert!(followed.out.contains("execution.finished"), "{}", followed.out);
}

#[test]
fn events_follow_what_another_process_runs() {
    let flow = "steps:\n  - {id: hang, type: http, with: {url: URL/hang}, assert: status == 200}\n";
    let place = Place::new(&[("flow.yaml", flow)]);
    let running = place.start(&["run", "flow.yaml"]);
    place.server.wait_for("GET /hang", 1);
    let following = place.start(&["events", "latest", "--follow", "--json"]);
    crate::typed::signal(&running, "INT");
    crate::typed::Came::wait(running).ends_with(4);
    let followed = crate::typed::Came::wait(following).ends_with(0).records();
    assert_eq!(followed.last().unwrap()["status"], "cancelled");
}

#[test]
fn executions_are_listed_newest_first_and_filtered() {
    let place = Place::new(&[("a.yaml", FLOW), ("b.yaml", &FLOW.replace("201", "200").replace("looked", "other"))]);
    place.assay(&["run", "a.yaml"]).ends_with(1);
    place.assay(&["run", "b.yaml"]).ends_with(0);
    let all = place.assay(&["executions"]).ends_with(0).out;
    let flows: Vec<bool> = all.lines().map(|line| line.contains("other")).collect();
    assert_eq!(flows, [true, false], "{all}");
    let count = |words: &[&str]| place.assay(words).ends_with(0).out.lines().count();
    assert_eq!(count(&["executions", "--status", "failed"]), 1);
    assert_eq!(count(&["executions", "--status", "failed,passed"]), 2);
    assert_eq!(count(&["executions", "--flow", "other"]), 1);
    assert_eq!(count(&["executions", "--limit", "1"]), 1);
    assert_eq!(count(&["executions", "--status", "errored"]), 0);
}

#[test]
fn prune_removes_what_is_old_enough() {
    let place = Place::new(&[("a.yaml", FLOW)]);
    for _ in 0..3 {
        place.assay(&["run", "a.yaml"]).ends_with(1);
    }
    assert_eq!(place.assay(&["prune"]).ends_with(0).out, "removed 0 executions\n");
    assert_eq!(place.assay(&["prune", "--older-than", "0s", "--keep", "2"]).ends_with(0).out, "removed 1 execution\n");
    assert_eq!(place.assay(&["executions"]).ends_with(0).out.lines().count(), 2);
    place.assay(&["prune", "--older-than", "0s"]).ends_with(0);
    assert_eq!(place.assay(&["executions"]).ends_with(0).out, "");
}

#[test]
fn validate_reports_every_problem_of_every_flow() {
    let bad = "steps:\n  - {id: a, type: htp}\n  - {id: a, type: http, wiht: {}}\n";
    let place = Place::new(&[("bad.yaml", bad), ("good.yaml", FLOW)]);
    let came = place.assay(&["validate", "."]).ends_with(2);
    for code in ["unknown-type", "duplicate-id", "unknown-key"] {
        assert!(came.err.contains(code), "{code}: {}", came.err);
    }
    assert_eq!(came.out, "2 flows: 1 cannot run\n");
    let json = place.assay(&["validate", ".", "--json"]).ends_with(2);
    assert!(json.records().iter().all(|problem| problem["file"].as_str().unwrap().ends_with("bad.yaml")));
    assert_eq!(place.assay(&["validate", "good.yaml"]).ends_with(0).out, "1 flow: no problem\n");
    assert!(place.server.seen().is_empty());
}

#[test]
fn schemas_are_json() {
    let place = Place::new(&[]);
    for of in ["flow", "environment", "job", "result"] {
        let came = place.assay(&["schema", of]).ends_with(0);
        let schema: serde_json::Value = serde_json::from_str(&came.out).unwrap();
        assert!(schema["properties"].is_object(), "{of}");
    }
    place.assay(&["schema", "flows"]).ends_with(2);
}

#[test]
fn explain_knows_every_code_and_guesses() {
    let place = Place::new(&[]);
    let listed = place.assay(&["explain"]).ends_with(0).out;
    for code in ["not-a-need", "http.refused"] {
        assert!(listed.lines().any(|line| line.starts_with(code)), "{code}: {listed}");
        assert!(place.assay(&["explain", code]).ends_with(0).out.contains(code));
    }
    assert!(place.assay(&["explain", "nota-need"]).ends_with(2).err.contains("did you mean `not-a-need`?"));
}

#[test]
fn steps_shows_the_reference() {
    let place = Place::new(&[]);
    let all = place.assay(&["steps"]).ends_with(0).out;
    for name in ["http", "delay", "flow", "wait"] {
        assert!(all.lines().any(|line| line.starts_with(name)), "{all}");
        place.assay(&["steps", name]).ends_with(0);
    }
    let http = place.assay(&["steps", "http"]).ends_with(0).out;
    for word in ["followRedirects", "basic", "remoteAddress"] {
        assert!(http.contains(word), "{word}: {http}");
    }
    let json = place.assay(&["steps", "http", "--json"]).ends_with(0).out;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["name"], "http");
    assert!(place.assay(&["steps", "htpp"]).ends_with(2).err.contains("did you mean `http`?"));
}

#[test]
fn help_has_examples_for_each_command() {
    let place = Place::new(&[]);
    for command in [
        "run",
        "resume",
        "executions",
        "show",
        "events",
        "cancel",
        "signal",
        "prune",
        "validate",
        "schema",
        "explain",
        "steps",
        "demo",
        "completions",
        "new",
        "doctor",
    ] {
        let came = place.assay(&["help", command]).ends_with(0);
        assert!(came.out.contains("Examples:"), "{command}: {}", came.out);
    }
    assert!(place.assay(&["--version"]).ends_with(0).out.starts_with("assay "));
    assert!(place.assay(&["completions", "bash"]).ends_with(0).out.contains("_assay"));
}

#[test]
fn the_demo_passes_from_an_empty_folder_and_leaves_nothing() {
    let place = Place::new(&[]);
    let came = place.assay(&["demo"]).ends_with(0);
    assert!(came.err.contains("a small shop is up at http://127.0.0.1:"), "{}", came.err);
    assert!(came.out.contains("checkout passed"), "{}", came.out);
    assert!(place.contents("").is_empty());
}

#[test]
fn what_excludes_each_other_is_not_called_required() {
    let place = Place::new(&[]);
    let told = place.assay(&["steps", "http"]).ends_with(0).out;
    let line = |name: &str| told.lines().find(|line| line.trim_start().starts_with(name)).unwrap().to_owned();
    assert!(line("bearer").contains("one of them") && line("basic").contains("one of them"), "{told}");
    let flow = "steps:\n  - {type: http, with: {url: URL/a, auth: {bearer: x, basic: {username: a, password: b}}}, assert: status == 200}\n";
    place.write("flow.yaml", flow);
    let came = place.assay(&["validate", "flow.yaml"]).ends_with(2);
    assert!(came.err.contains("`auth` takes one of `bearer`, `basic`, not several"), "{}", came.err);
}

/// Somebody who may read the state and not write it: for root, who may write everything, another user.
#[cfg(unix)]
fn reader(place: &Place, words: &[&str]) -> Came {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;

    let typed = place.command(words);
    let binary = place.path("assay");
    if !binary.exists() {
        std::fs::copy(typed.get_program(), &binary).unwrap();
    }
    let mut command = std::process::Command::new(&binary);
    command.args(words).current_dir(place.path("")).env_clear().stdin(std::process::Stdio::null());
    if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(65534).gid(65534);
    }
    let open = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(place.path(""), open(0o755)).unwrap();
    let mut folders = vec![place.path(".assay")];
    let mut all = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { all.push((path, 0o444)) }
        }
        all.push((folder, 0o555));
    }
    all.iter().for_each(|(path, mode)| std::fs::set_permissions(path, open(*mode)).unwrap());
    let came = Came::of(command.output().unwrap());
    all.iter().rev().for_each(|(path, _)| std::fs::set_permissions(path, open(0o700)).unwrap());
    came
}

#[cfg(unix)]
#[test]
fn state_that_may_only_be_read_is_shown() {
    let flow = "name: seen\nsteps:\n  - {id: look, type: http, with: {url: URL/look}, assert: status == 200}\n";
    let place = Place::new(&[("flow.yaml", flow)]);
    place.assay(&["run", "flow.yaml"]).ends_with(0);
    let shown = place.assay(&["show", "latest"]).ends_with(0).out;
    let told = place.assay(&["events", "latest"]).ends_with(0).out;
    // the log lies beside the file; then, written back, with nothing beside it
    for alone in [false, true] {
        if alone {
            let file = rusqlite::Connection::open(place.path(".assay/assay.db")).unwrap();
            file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
            drop(file);
            let _ = std::fs::remove_file(place.path(".assay/assay.db-wal"));
            let _ = std::fs::remove_file(place.path(".assay/assay.db-shm"));
        }
        assert_eq!(reader(&place, &["show", "latest"]).ends_with(0).out, shown, "alone: {alone}");
        assert!(reader(&place, &["executions"]).ends_with(0).out.contains("seen"), "alone: {alone}");
        assert_eq!(reader(&place, &["events", "latest"]).ends_with(0).out, told, "alone: {alone}");
        let refused = reader(&place, &["run", "flow.yaml"]).ends_with(3);
        assert!(refused.err.contains(".assay"), "{}", refused.err);
    }
    assert_eq!(place.server.count("GET /look"), 1);
}
