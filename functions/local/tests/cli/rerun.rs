//! `assay rerun`, `run --keep`, `finish`, `eval`.

use std::io::{BufRead as _, BufReader, Read as _};

use crate::typed::{Came, Place, signal};

const BROKEN: &str = "\
name: shop
vars: {ref: \"${uuid()}\"}
steps:
  - {id: order, type: http, with: {method: POST, url: \"URL/order?${vars.ref}\"}, assert: status == 200, capture: {id: body.id}}
  - {id: paid, type: http, with: {url: \"URL/paid/${steps.order.id}\"}, assert: body.state == 'PAID'}
  - {id: stored, type: http, with: {url: URL/stored}, assert: status == 200}
";
const FINALLY: &str = "\
finally:
  - {id: clean, type: http, with: {url: \"URL/clean?${vars.ref}\"}, assert: status == 200}
";

fn mended(text: &str) -> String {
    text.replace("'PAID'", "'NEW'")
}

fn posts(place: &Place) -> usize {
    place.server.seen().iter().filter(|seen| seen.starts_with("POST /order")).count()
}

#[test]
fn a_mended_flow_goes_on_from_where_it_failed() {
    let place = Place::new(&[("flow.yaml", BROKEN)]);
    place.assay(&["run", "flow.yaml"]).ends_with(1);
    place.write("flow.yaml", &mended(BROKEN));
    let stored = place.assay(&["rerun", "latest", "--from-failed"]).ends_with(1);
    assert!(stored.err.contains("flow.yaml has changed since"), "{}", stored.err);
    let came = place.assay(&["rerun", "latest", "--from-failed", "flow.yaml"]).ends_with(0);
    assert!(came.err.contains("carried over  order"), "{}", came.err);
    assert!(came.err.contains("runs again    paid    was failed"), "{}", came.err);
    assert!(came.out.contains("carried over from exe_"), "{}", came.out);
    assert_eq!(posts(&place), 1);
    let shown = place.assay(&["show", "latest", "--json"]).ends_with(0);
    let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(shown["attempt"], 3);
    assert_eq!(shown["rerun"]["how"], "fromFailed");
    assert!(shown["steps"][0]["carried"].as_str().unwrap().starts_with("exe_"), "{shown}");
    assert_eq!(shown["file"], "flow.yaml");
    let nothing = place.assay(&["rerun", "latest", "--from-failed"]).ends_with(2);
    assert!(nothing.err.contains("every step has passed"), "{}", nothing.err);
}

#[test]
fn without_from_failed_everything_runs_again_with_the_same_inputs() {
    let flow = BROKEN.replace("name: shop", "name: shop\ninputs: {who: {type: string, default: ann}}");
    let flow = flow.replace("URL/stored", "\"URL/stored/${inputs.who}\"").replace("'PAID'", "'NEW'");
    let place = Place::new(&[("flow.yaml", &flow)]);
    place.assay(&["run", "flow.yaml", "--input", "who=bob"]).ends_with(0);
    std::fs::remove_file(place.path("flow.yaml")).unwrap();
    place.assay(&["rerun", "latest"]).ends_with(0);
    assert_eq!((posts(&place), place.server.count("GET /stored/bob")), (2, 2));
    let came = place.assay(&["rerun", "latest", "--step", "stored", "--input", "who=cyd"]).ends_with(0);
    assert!(came.err.contains("had passed, but it was asked for"), "{}", came.err);
    assert_eq!((posts(&place), place.server.count("GET /stored/cyd")), (2, 1));
    let wrong = place.assay(&["rerun", "latest", "--step", "sored"]).ends_with(2);
    assert!(wrong.err.contains("has no step `sored`; steps: order, paid, stored"), "{}", wrong.err);
}

#[test]
fn what_was_cleaned_up_is_not_gone_on_from_unless_somebody_insists() {
    let place = Place::new(&[("flow.yaml", &format!("{BROKEN}{FINALLY}"))]);
    place.assay(&["run", "flow.yaml"]).ends_with(1);
    let refused = place.assay(&["rerun", "latest", "--from-failed"]).ends_with(2);
    assert!(
        refused.err.contains("has already cleaned up") && refused.err.contains("--after-finally"),
        "{}",
        refused.err
    );
    place.assay(&["rerun", "latest", "--after-finally"]).ends_with(1);
    assert_eq!(posts(&place), 1);
}

#[test]
fn what_is_kept_is_looked_at_and_finished() {
    let place = Place::new(&[("flow.yaml", &format!("{BROKEN}{FINALLY}"))]);
    let child = place.start(&["run", "flow.yaml", "--keep", "30m"]);
    kept(&place);
    let whole = place.assay(&["rerun", "latest"]).ends_with(2);
    assert!(whole.err.contains("is kept"), "{}", whole.err);
    let finished = place.assay(&["finish", "latest"]).ends_with(0);
    assert!(finished.out.contains("cleans up; process "), "{}", finished.out);
    let came = Came::wait(child).ends_with(1);
    assert!(came.out.contains("assay finish exe_") && came.out.contains("let go of by ann"), "{}", came.out);
    assert!(place.server.seen().last().unwrap().starts_with("GET /clean"));
    let again = place.assay(&["finish", "latest"]).ends_with(2);
    assert!(again.err.contains("has ended already"), "{}", again.err);
}

#[test]
fn ctrl_c_cleans_up_what_is_kept_and_leaves_the_verdict() {
    let place = Place::new(&[("flow.yaml", &format!("{BROKEN}{FINALLY}"))]);
    let child = place.start(&["run", "flow.yaml", "--keep", "30m"]);
    kept(&place);
    signal(&child, "INT");
    Came::wait(child).ends_with(1);
    assert!(place.server.seen().last().unwrap().starts_with("GET /clean"));
}

#[test]
fn a_rerun_of_what_is_kept_cleans_up_in_its_place() {
    let place = Place::new(&[("flow.yaml", &format!("{BROKEN}{FINALLY}"))]);
    let child = place.start(&["run", "flow.yaml", "--keep", "30m"]);
    kept(&place);
    place.write("flow.yaml", &mended(&format!("{BROKEN}{FINALLY}")));
    let came = place.assay(&["rerun", "latest", "--from-failed", "flow.yaml"]).ends_with(0);
    assert!(came.err.contains("its `finally` is left to this one"), "{}", came.err);
    Came::wait(child).ends_with(1);
    let cleaned: Vec<String> = place.server.seen().into_iter().filter(|seen| seen.starts_with("GET /clean")).collect();
    assert_eq!((posts(&place), cleaned.len()), (1, 1), "{cleaned:?}");
    let order = place.server.seen().into_iter().find(|seen| seen.starts_with("POST /order")).unwrap();
    assert_eq!(order.split('?').nth(1), cleaned[0].split('?').nth(1), "vars are kept");
}

#[test]
fn what_is_kept_survives_a_kill() {
    let place = Place::new(&[("flow.yaml", &format!("{BROKEN}{FINALLY}"))]);
    let child = place.start(&["run", "flow.yaml", "--keep", "30m"]);
    kept(&place);
    signal(&child, "KILL");
    let _ = child.wait_with_output().unwrap();
    let mut resumed = place.start(&["resume"]);
    // It is kept on, for as long as was said at first: what it prints first shows that it has it.
    let mut told = BufReader::new(resumed.stdout.take().unwrap());
    let mut lines = String::new();
    assert_ne!(told.read_line(&mut lines).unwrap(), 0, "it has ended");
    assert_eq!(place.server.seen().iter().filter(|seen| seen.starts_with("GET /clean")).count(), 0);
    place.assay(&["finish", "latest"]).ends_with(0);
    told.read_to_string(&mut lines).unwrap();
    Came::wait(resumed).ends_with(1);
    assert_eq!(place.server.seen().iter().filter(|seen| seen.starts_with("GET /clean")).count(), 1, "{lines}");
}

#[test]
fn what_nobody_keeps_any_more_is_gone_on_from_all_the_same() {
    let place = Place::new(&[("flow.yaml", &mended(&format!("{BROKEN}{FINALLY}")))]);
    let child = place.start(&["run", "flow.yaml", "--until", "order", "--keep", "30m"]);
    kept(&place);
    signal(&child, "KILL");
    let _ = child.wait_with_output().unwrap();
    let came = place.assay(&["rerun", "latest", "--from-failed"]).ends_with(0);
    assert!(came.err.contains("carried over  order"), "{}", came.err);
    assert_eq!((posts(&place), place.server.count("GET /stored")), (1, 1));
}

#[test]
fn what_runs_is_not_run_again_beside_itself() {
    let hangs = "steps:\n  - {id: hang, type: http, with: {url: URL/hang}, assert: status == 200}\n";
    let place = Place::new(&[("flow.yaml", hangs)]);
    let child = place.start(&["run", "flow.yaml"]);
    place.server.wait_for("GET /hang", 1);
    for words in [&["rerun", "latest"][..], &["rerun", "latest", "--from-failed"]] {
        let refused = place.assay(words).ends_with(2);
        assert!(refused.err.contains("is still running: wait for it"), "{}", refused.err);
    }
    signal(&child, "INT");
    Came::wait(child).ends_with(4);
    // A cancelled one is gone on from; two at once are not.
    let first = place.start(&["rerun", "latest", "--from-failed"]);
    place.server.wait_for("GET /hang", 2);
    let id = place.assay(&["show", "latest", "--json"]).ends_with(0);
    let view: serde_json::Value = serde_json::from_str(&id.out).unwrap();
    let second = place.assay(&["rerun", view["rerun"]["of"].as_str().unwrap(), "--from-failed"]).ends_with(2);
    assert!(second.err.contains("another process goes on from"), "{}", second.err);
    signal(&first, "INT");
    Came::wait(first).ends_with(4);
}

#[test]
fn secrets_are_asked_for_again_by_a_rerun() {
    let flow = "\
secrets: [TOKEN]
steps:
  - {id: login, type: http, with: {url: URL/echo, headers: {authorization: \"${secrets.TOKEN}\"}}, assert: status == 200}
  - {id: bad, type: http, with: {url: URL/bad, headers: {authorization: \"${secrets.TOKEN}\"}}, assert: status == 201}
";
    let place = Place::new(&[("flow.yaml", flow)]);
    place.assay(&["run", "flow.yaml", "--secret", "TOKEN=canary-7f3a91"]).ends_with(1);
    let without = place.assay(&["rerun", "latest", "--from-failed"]).ends_with(2);
    assert!(without.err.contains("needs the secret TOKEN"), "{}", without.err);
    place.assay(&["rerun", "latest", "--from-failed", "--secret", "TOKEN=canary-7f3a91"]).ends_with(1);
    assert_eq!((place.server.count("GET /echo"), place.server.count("GET /bad")), (1, 2));
    let masked = place.assay(&["eval", "latest", "login", "[secrets.TOKEN, text]"]).ends_with(0);
    assert!(masked.out.contains("***") && !masked.out.contains("canary"), "{}", masked.out);
    assert!(masked.err.contains("`login` ran in exe_"), "{}", masked.err);
}

#[test]
fn an_expression_is_evaluated_over_what_a_step_left() {
    let place = Place::new(&[("flow.yaml", BROKEN)]);
    place.assay(&["run", "flow.yaml"]).ends_with(1);
    let eval = |step: &str, expression: &str| place.assay(&["eval", "latest", step, expression]);
    assert_eq!(eval("paid", "body.id + steps.order.id").ends_with(0).out, "84\n");
    assert_eq!(eval("paid", "steps.order.output.status").ends_with(0).out, "200\n");
    let failed = eval("paid", "body.state == 'PAID'").ends_with(1);
    assert_eq!(failed.out, "false\n");
    assert!(failed.err.contains("body.state = \"NEW\""), "{}", failed.err);
    let slip = eval("paid", "body.state ==").ends_with(2);
    assert!(slip.err.contains("\n  body.state ==\n") && slip.err.contains('^'), "{}", slip.err);
    let none = eval("paid", "body.stat").ends_with(2);
    assert!(none.err.contains("\n  body.stat\n  ^^^^^^^^^"), "{}", none.err);
    assert!(eval("stored", "status").ends_with(2).err.contains("`stored` has no output: it is skipped"));
    assert!(eval("nope", "status").ends_with(2).err.contains("no step `nope`; steps: order, paid, stored"));
}

/// Comes back once the newest execution is kept.
fn kept(place: &Place) {
    until(place, |view| view["phase"] == "kept");
}

fn until(place: &Place, is: impl Fn(&serde_json::Value) -> bool) {
    for _ in 0..600 {
        let shown = place.assay(&["show", "latest", "--json"]);
        if serde_json::from_str(&shown.out).is_ok_and(|view| is(&view)) {
            return;
        }
        std::thread::yield_now();
    }
    panic!("it never came to that");
}
