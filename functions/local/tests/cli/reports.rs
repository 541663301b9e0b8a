//! `--report` and `assay report`: every kind, from a run and from what is stored.

use crate::typed::Place;

const KINDS: [&str; 6] = ["junit", "ctrf", "tap", "markdown", "github", "html"];
const PASSING: &str = "\
name: passing
steps:
  - {id: one, type: http, with: {url: URL/one}, assert: status == 200}
";
const FAILING: &str = "\
name: failing
steps:
  - id: order
    type: http
    with: {url: URL/order}
    assert:
      - status == 200
      - body.state == 'PAID'
  - {id: later, type: http, with: {url: URL/later}, assert: status == 200}
";

fn read(place: &Place, name: &str) -> String {
    std::fs::read_to_string(place.path(name)).unwrap()
}

#[test]
fn a_stored_execution_is_reported_as_its_run_was() {
    let place = Place::new(&[("flows/flow.yaml", FAILING)]);
    let targets = |folder: &str| KINDS.map(|kind| format!("--report={kind}={folder}/{kind}"));
    let (at_run, later) = (targets("run"), targets("later"));
    let words = |first: [&'static str; 2], targets: &'static [String]| -> Vec<&'static str> {
        first.into_iter().chain(targets.iter().map(String::as_str)).collect()
    };
    let (at_run, later): (&'static [String], &'static [String]) = (Vec::leak(at_run.into()), Vec::leak(later.into()));
    place.assay(&words(["run", "flows/flow.yaml"], at_run)).ends_with(1);
    place.assay(&words(["report", "latest"], later)).ends_with(0);
    for kind in KINDS {
        let text = read(&place, &format!("run/{kind}"));
        assert_eq!(text, read(&place, &format!("later/{kind}")), "{kind}");
        assert!(text.contains("order") && text.contains("body.state"), "{kind}: {text}");
    }
    let annotation = read(&place, "run/github");
    assert!(
        annotation
            .starts_with("::error file=flows/flow.yaml,line=8,title=failing › order failed::body.state == 'PAID'"),
        "{annotation}"
    );
}

#[test]
fn annotations_go_to_standard_output_where_the_runner_reads_them() {
    let place = Place::new(&[("flow.yaml", FAILING)]);
    let came = place.assay(&["run", "flow.yaml", "--report", "github=-"]).ends_with(1);
    assert!(came.out.lines().any(|line| line.starts_with("::error file=flow.yaml,line=8,")), "{}", came.out);
    let refused = place.assay(&["run", "flow.yaml", "--json", "--report", "github=-"]).ends_with(2);
    assert!(refused.err.contains("does not go with --json"), "{}", refused.err);
}

#[test]
fn several_executions_are_one_report_in_the_order_that_was_typed() {
    let place = Place::new(&[("a.yaml", PASSING), ("b.yaml", FAILING)]);
    place.assay(&["run", "a.yaml", "b.yaml"]).ends_with(1);
    let listed = place.assay(&["executions", "--json"]).ends_with(0).records();
    let id = |flow: &str| listed.iter().find(|one| one["flow"] == flow).unwrap()["id"].as_str().unwrap().to_owned();
    let (a, b) = (id("passing"), id("failing"));
    let came = place.assay(&["report", &b, &a, &b, "--report", "tap=-"]).ends_with(0);
    let flows: Vec<&str> =
        came.out.lines().filter(|line| line.starts_with("ok ") || line.starts_with("not ok ")).collect();
    assert_eq!(flows, ["not ok 1 - failing", "ok 2 - passing"]);
}

#[test]
fn what_cannot_be_reported_is_said() {
    let place = Place::new(&[("a.yaml", PASSING)]);
    place.assay(&["run", "a.yaml"]).ends_with(0);
    for (words, said) in [
        (&["report", "exe_nobody", "--report", "tap=-"][..], "there is no execution exe_nobody"),
        (&["report", "latest"], "--report <KIND=PATH>"),
        (&["report", "latest", "--report", "pdf=x"], "kinds: junit, ctrf, tap, markdown, github, html"),
        (&["report", "latest", "--report", "tap=-", "--report", "ctrf=-"], "only one report"),
    ] {
        let came = place.assay(words).ends_with(2);
        assert!(came.err.contains(said), "{words:?}: {}", came.err);
    }
}
