//! `assay run`: lines, exit codes, reports, state.

use std::process::Stdio;

use crate::typed::Place;

const PASSING: &str = "\
name: passing
steps:
  - id: first
    type: http
    with: {url: URL/one}
    assert: status == 200
    capture: {id: body.id}
  - id: second
    type: http
    with: {url: \"URL/two/${steps.first.id}\"}
    assert: status == 200
finally:
  - id: clean
    type: http
    with: {url: URL/clean}
    assert: status == 200
";
const FAILING: &str = "\
name: failing
steps:
  - id: order
    type: http
    with: {url: URL/order}
    assert:
      - status == 200
      - {that: \"body.state == 'PAID'\", message: the order is paid}
  - id: later
    type: http
    with: {url: URL/later}
    assert: status == 200
";
const ERRORED: &str = "\
name: errored
steps:
  - id: nobody
    type: http
    with: {url: \"http://127.0.0.1:1/\"}
    retry: {maxAttempts: 2, interval: 10ms, jitter: false}
    assert: status == 200
";
const BAD: &str = "\
name: bad
steps:
  - id: x
    type: htp
    with: {url: URL/x}
";
const ENDLESS: &str = "\
name: endless
timeout: 300ms
steps:
  - id: hang
    type: http
    with: {url: URL/hang}
    assert: status == 200
";

#[test]
fn a_passing_flow_names_each_step_and_ends_with_0() {
    let place = Place::new(&[("flow.yaml", PASSING)]);
    let came = place.assay(&["run", "flow.yaml"]).ends_with(0);
    let expected = "\
passing  (flow.yaml)  [exe]
  first         passed     [time]
  second        passed     [time]
  finally
    clean         passed     [time]
passing passed: 3 passed  [time]
";
    assert_eq!(place.plain(&came.out), expected);
    assert_eq!(came.err, "");
    assert_eq!(place.server.seen(), ["GET /one", "GET /two/42", "GET /clean"]);
}

#[test]
fn a_failed_assertion_shows_its_values_and_what_to_look_at_first() {
    let place = Place::new(&[("flow.yaml", FAILING)]);
    let came = place.assay(&["run", "flow.yaml"]).ends_with(1);
    let expected = "\
failing  (flow.yaml)  [exe]
  order         failed     [time]
      body.state == 'PAID'
        means: the order is paid
        body.state = \"NEW\"
  later         skipped    blocked: a step that it needs did not pass
failing failed: 1 failed, 1 skipped  [time]

Look first at order: body.state == 'PAID', but body.state = \"NEW\"
  assay show [exe]
";
    assert_eq!(place.plain(&came.out), expected);
}

#[test]
fn what_could_not_be_found_out_shows_its_attempts_and_ends_with_3() {
    let place = Place::new(&[("flow.yaml", ERRORED)]);
    let came = place.assay(&["run", "flow.yaml"]).ends_with(3);
    let out = place.plain(&came.out);
    assert!(out.contains("nobody        errored  attempt 1, again in [time]\n"), "{out}");
    assert!(out.contains("nobody        errored    [time], 2 attempts\n"), "{out}");
    assert!(out.contains("refused the connection"), "{out}");
    assert!(out.contains("(http.refused)"), "{out}");
}

#[test]
fn an_execution_out_of_time_ends_with_5() {
    let place = Place::new(&[("flow.yaml", ENDLESS)]);
    let came = place.assay(&["run", "flow.yaml"]).ends_with(5);
    assert!(came.out.contains("endless timedOut"), "{}", came.out);
    assert!(came.out.contains("Look first at hang: "), "{}", came.out);
}

#[test]
fn a_bad_flow_is_shown_with_a_caret_and_keeps_the_others_from_running() {
    let place = Place::new(&[("bad.yaml", BAD), ("good.yaml", PASSING)]);
    let came = place.assay(&["run", "good.yaml", "bad.yaml"]).ends_with(2);
    assert_eq!(came.out, "");
    assert!(came.err.contains("bad.yaml:4:11: error[unknown-type]"), "{}", came.err);
    assert!(came.err.contains("^^^"), "{}", came.err);
    assert!(came.err.contains("error: 1 of 2 flows cannot run, so none was run"), "{}", came.err);
    assert!(place.server.seen().is_empty());
}

#[test]
fn several_flows_are_shown_one_after_another_and_end_with_the_worst() {
    let place = Place::new(&[("a.yaml", PASSING), ("b.yaml", FAILING), ("sub/c.yml", ERRORED), ("data.yaml", "x: 1")]);
    let came = place.assay(&["run", ".", "--jobs", "3"]).ends_with(3);
    let out = place.plain(&came.out);
    let heads: Vec<&str> = out.lines().filter(|line| line.contains("[exe]") && !line.starts_with(' ')).collect();
    assert_eq!(heads.len(), 3, "{out}");
    assert!(heads.iter().any(|head| head.contains("sub/c.yml)")), "{out}");
    for block in out.split("\n\n").take(3) {
        let name = block.split(' ').next().unwrap();
        assert!(block.lines().last().unwrap().starts_with(name), "a block holds one flow only: {block}");
    }
    assert!(out.contains("Look first at nobody of errored: "), "{out}");
    assert!(out.ends_with("3 flows: 1 passed, 1 failed, 1 errored  [time]\n"), "{out}");
}

#[test]
fn json_prints_records_and_nothing_else() {
    let place = Place::new(&[("a.yaml", PASSING), ("b.yaml", FAILING)]);
    let came = place.assay(&["run", "a.yaml", "b.yaml", "--json", "--jobs", "2"]).ends_with(1);
    let records = came.records();
    let mut executions: Vec<&str> = records.iter().map(|record| record["execution"].as_str().unwrap()).collect();
    executions.sort_unstable();
    executions.dedup();
    assert_eq!(executions.len(), 2);
    for execution in executions {
        let mine: Vec<_> = records.iter().filter(|record| record["execution"] == execution).collect();
        let numbers: Vec<u64> = mine.iter().map(|record| record["seq"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=mine.len() as u64).collect::<Vec<_>>());
        assert_eq!(mine.last().unwrap()["kind"], "execution.finished");
    }
}

#[test]
fn a_junit_report_is_written_where_it_was_asked_for() {
    let place = Place::new(&[("a.yaml", PASSING), ("b.yaml", FAILING)]);
    place.assay(&["run", "a.yaml", "b.yaml", "--report", "junit=out/one.xml", "-r", "junit=two.xml"]).ends_with(1);
    let one = std::fs::read_to_string(place.path("out/one.xml")).unwrap();
    assert_eq!(one, std::fs::read_to_string(place.path("two.xml")).unwrap());
    assert!(one.contains("<testsuite name=\"passing\"") && one.contains("<testsuite name=\"failing\""), "{one}");
    assert!(one.contains("failures=\"1\""), "{one}");
}

#[test]
fn only_runs_the_named_step_with_what_it_needs_and_finally() {
    let flow = "\
steps:
  - {id: a, type: http, with: {url: URL/a}, assert: status == 200}
  - {id: b, type: http, needs: [], with: {url: URL/b}, assert: status == 200}
  - {id: c, type: http, needs: [a], with: {url: URL/c}, assert: status == 200}
finally:
  - {id: z, type: http, with: {url: URL/z}, assert: status == 200}
";
    let place = Place::new(&[("flow.yaml", flow)]);
    let came = place.assay(&["run", "flow.yaml", "--only", "c"]).ends_with(0);
    assert_eq!(place.server.seen(), ["GET /a", "GET /c", "GET /z"], "{}", came.out);
    assert!(place.plain(&came.out).contains("b             skipped    not asked for"), "{}", came.out);
}

#[test]
fn a_sub_flow_stands_below_its_step() {
    let child = "steps:\n  - {id: inner, type: http, with: {url: URL/inner}, assert: status == 200}\n";
    let parent = "name: parent\nsteps:\n  - {id: call, type: flow, with: {flow: child.yaml}}\n";
    let place = Place::new(&[("parent.yaml", parent), ("child.yaml", child)]);
    let came = place.assay(&["run", "parent.yaml"]).ends_with(0);
    let expected = "\
parent  (parent.yaml)  [exe]
  call  flow child.yaml  [exe]
    call/inner         passed     [time]
  call          passed     [time]
parent passed: 1 passed  [time]
";
    assert_eq!(place.plain(&came.out), expected);
}

#[test]
fn colours_are_for_terminals_and_for_who_insists() {
    let place = Place::new(&[("flow.yaml", PASSING)]);
    assert!(!place.assay(&["run", "flow.yaml"]).out.contains('\u{1b}'));
    let forced = place.command(&["run", "flow.yaml"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(String::from_utf8(forced.stdout).unwrap().contains("\u{1b}[32"));
}

#[test]
fn a_reader_that_goes_away_does_not_stop_the_flow() {
    let place = Place::new(&[("flow.yaml", PASSING)]);
    let mut child = place.command(&["run", "flow.yaml"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
    assert_eq!(place.server.count("GET /clean"), 1);
}

#[test]
fn state_lies_beside_the_nearest_marker_above_or_where_it_is_told() {
    let place = Place::new(&[("assay.yaml", ""), ("deep/er/flow.yaml", PASSING)]);
    let mut command = place.command(&["run", "flow.yaml"]);
    assert!(command.current_dir(place.path("deep/er")).status().unwrap().success());
    assert!(place.path(".assay").is_dir() && !place.path("deep/er/.assay").exists());
    assert_eq!(std::fs::read_to_string(place.path(".assay/.gitignore")).unwrap(), "*\n");

    let place = Place::new(&[("flow.yaml", PASSING)]);
    place.assay(&["run", "flow.yaml", "--store", "here"]).ends_with(0);
    assert!(place.command(&["run", "flow.yaml"]).env("ASSAY_STORE", "there").status().unwrap().success());
    assert!(place.path("here").is_dir() && place.path("there").is_dir() && !place.path(".assay").exists());

    let place = Place::new(&[("flow.yaml", PASSING)]);
    let came = place.assay(&["run", "flow.yaml", "--no-store"]).ends_with(0);
    assert!(!place.path(".assay").exists());
    assert!(!came.out.contains("assay show"));
}

#[test]
fn full_durability_runs_the_same_flow() {
    let place = Place::new(&[("flow.yaml", PASSING)]);
    place.assay(&["run", "flow.yaml", "--durability", "full"]).ends_with(0);
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error_and_the_flow_runs_all_the_same() {
    let place = Place::new(&[("flow.yaml", PASSING)]);
    for words in [&["run", "flow.yaml"][..], &["run", "flow.yaml", "--json"], &["events", "latest"], &["schema"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = place.command(words).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{words:?}: {said}");
        assert_eq!(said.matches("standard output cannot be written").count(), 1, "{words:?}: {said}");
    }
    assert_eq!(place.server.count("GET /clean"), 2);
    let listed = place.assay(&["executions", "--json"]).ends_with(0).records();
    assert!(listed.iter().all(|one| one["status"] == "passed"), "{listed:?}");
}

#[cfg(unix)]
#[test]
fn state_is_for_its_user_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new(&[("flow.yaml", &PASSING.replace("/one", "/hang"))]);
    let child = place.start(&["run", "flow.yaml"]);
    place.server.wait_for("GET /hang", 1);
    let mut found = vec![place.path(".assay")];
    found.extend(std::fs::read_dir(place.path(".assay")).unwrap().map(|entry| entry.unwrap().path()));
    found.extend(place.contents(".assay").into_iter().map(|(path, _)| path));
    assert!(found.iter().any(|path| path.extension().is_some_and(|ending| ending == "json")), "{found:?}");
    for path in found {
        let about = path.metadata().unwrap();
        let expected = if about.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(about.permissions().mode() & 0o777, expected, "{}", path.display());
    }
    crate::typed::signal(&child, "INT");
    crate::typed::Came::wait(child).ends_with(4);
}

#[test]
fn reports_have_the_order_of_the_command_line() {
    let slow = PASSING.replace("name: passing", "name: slow").replace("/one", "/hang").replace(
        "    assert: status == 200\n    capture: {id: body.id}\n",
        "    timeout: 400ms\n    assert: status == 200\n    capture: {id: body.id}\n",
    );
    let place = Place::new(&[("a.yaml", &slow), ("b.yaml", PASSING)]);
    place.assay(&["run", "a.yaml", "b.yaml", "--jobs", "2", "--report", "junit=r.xml"]).ends_with(3);
    let report = std::fs::read_to_string(place.path("r.xml")).unwrap();
    let (slow, fast) =
        (report.find("<testsuite name=\"slow\"").unwrap(), report.find("<testsuite name=\"passing\"").unwrap());
    assert!(slow < fast, "{report}");
}

#[test]
fn why_a_part_has_no_value_is_said_once() {
    let flow = "name: \"two\\nlines\"\nsteps:\n  - {id: a, type: http, with: {url: URL/a}, assert: body.s == 1}\n";
    let place = Place::new(&[("flow.yaml", flow)]);
    let came = place.assay(&["run", "flow.yaml"]).ends_with(1);
    assert_eq!(came.out.matches("        body.s: no such field").count(), 1, "{}", came.out);
    assert!(!came.out.contains("body.s: body.s"), "{}", came.out);
    assert!(came.out.starts_with("two\\nlines  (flow.yaml)"), "{}", came.out);
}
