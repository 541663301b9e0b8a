//! `assay.yaml`: what holds unless it is typed.

use crate::typed::Place;

const FLOW: &str = "\
inputs: {where: {type: string, default: flow}}
secrets: [TOKEN]
steps:
  - {id: a, type: http, with: {url: \"URL/${inputs.where}\", headers: {a: \"${secrets.TOKEN}\"}}, assert: status == 200}
";
const PROJECT: &str = "\
env: staging
jobs: 2
store: state
labels: {team: blue, tier: gold}
secrets: {TOKEN: {file: keys/token}}
reports: {junit: out/report.xml}
";

#[test]
fn what_it_says_holds_unless_it_is_typed() {
    let place = Place::new(&[
        ("assay.yaml", PROJECT),
        ("environments/staging.yaml", "inputs: {where: staging}\n"),
        ("environments/dev.yaml", "inputs: {where: dev}\n"),
        ("keys/token", "token-value"),
        ("flows/flow.yaml", FLOW),
    ]);
    place.assay(&["run", "flows/flow.yaml"]).ends_with(0);
    assert!(place.path("state/assay.db").is_file() && !place.path(".assay").exists());
    assert!(std::fs::read_to_string(place.path("out/report.xml")).unwrap().contains("testsuite"));
    place
        .assay(&["run", "flows/flow.yaml", "--env", "dev", "--label", "team=red", "--report", "junit=r.xml"])
        .ends_with(0);
    assert!(place.path("r.xml").is_file());
    place.assay(&["run", "flows/flow.yaml", "--env", ""]).ends_with(0);
    assert_eq!(place.server.seen(), ["GET /staging", "GET /dev", "GET /flow"]);
    let red = place.assay(&["executions", "--label", "team=red", "--json"]).ends_with(0).records();
    assert_eq!((red.len(), red[0]["labels"]["tier"].as_str()), (1, Some("gold")));
}

#[test]
fn what_is_wrong_with_it_is_shown_in_its_file() {
    let place = Place::new(&[
        ("assay.yaml", "evn: staging\njobs: many\nreports: {junitt: x}\nsecrets: {TOKEN: value}\n"),
        ("flow.yaml", FLOW),
    ]);
    for words in [vec!["run", "flow.yaml"], vec!["executions"], vec!["validate", "flow.yaml"]] {
        let came = place.assay(&words).ends_with(2);
        for said in [
            "assay.yaml:1:1: error[unknown-key]: `evn`",
            "did you mean `env`?",
            "assay.yaml:2:7: error[wrong-type]",
            "assay.yaml:3:11: error[not-one-of]: there is no report of kind `junitt`",
            "assay.yaml:4:18: error[wrong-type]",
        ] {
            assert!(came.err.contains(said), "{words:?}: {said}: {}", came.err);
        }
    }
    assert!(place.server.seen().is_empty());
}

#[test]
fn it_may_hold_nothing_but_comments() {
    let flow = "steps:\n  - {type: http, with: {url: URL/x}, assert: status == 200}\n";
    let place = Place::new(&[("assay.yaml", "# the top of the project\n"), ("deep/flow.yaml", flow)]);
    place.assay(&["run", "deep/flow.yaml"]).ends_with(0);
    assert!(place.path(".assay").is_dir());
}
