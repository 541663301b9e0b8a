//! A secret's value is nowhere but at the target.

use crate::typed::Place;

const CANARY: &str = "canary-7f3a91";
const FLOW: &str = "\
name: secretive
secrets: [TOKEN]
steps:
  - id: echo
    type: http
    with: {url: URL/echo, headers: {authorization: \"Bearer ${secrets.TOKEN}\"}}
    assert: body.authorization == 'x'
    capture: {token: body.authorization}
    continueOnError: true
  - id: again
    type: http
    with: {url: URL/echo, headers: {authorization: \"${steps.echo.token}\"}}
    assert: body.authorization == 'y'
";

#[test]
fn a_secret_is_masked_in_lines_records_reports_and_state() {
    let place = Place::new(&[("flow.yaml", FLOW)]);
    let typed = format!("TOKEN={CANARY}");
    let lines = place.assay(&["run", "flow.yaml", "--secret", &typed, "--report", "junit=r.xml"]).ends_with(1);
    assert!(lines.out.contains("body.authorization = \"Bearer ***\""), "{}", lines.out);
    let records = place.assay(&["run", "flow.yaml", "--secret", &typed, "--json"]).ends_with(1);
    for text in [&lines.out, &lines.err, &records.out, &records.err] {
        assert!(!text.contains(CANARY), "{text}");
    }
    assert!(!std::fs::read_to_string(place.path("r.xml")).unwrap().contains(CANARY));
    let state = place.contents(".assay");
    assert!(state.iter().any(|(path, _)| path.ends_with("assay.db")));
    for (path, bytes) in state {
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "{}", path.display());
    }
    assert_eq!(place.server.count("GET /echo"), 4);
}

#[test]
fn a_secret_can_come_from_the_environment() {
    let place = Place::new(&[("flow.yaml", FLOW)]);
    let output = place.command(&["run", "flow.yaml", "--secret", "TOKEN"]).env("TOKEN", CANARY).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!String::from_utf8(output.stdout).unwrap().contains(CANARY));
}

#[test]
fn a_secret_without_a_value_is_said_with_what_to_type() {
    let place = Place::new(&[("flow.yaml", FLOW)]);
    let missing = place.assay(&["run", "flow.yaml"]).ends_with(2);
    assert!(missing.err.contains("needs the secret TOKEN: give --secret TOKEN=VALUE"), "{}", missing.err);
    let unset = place.assay(&["run", "flow.yaml", "--secret", "TOKEN"]).ends_with(2);
    assert!(unset.err.contains("the environment variable TOKEN is not set"), "{}", unset.err);
    let short = place.assay(&["run", "flow.yaml", "--secret", "TOKEN=a7f"]).ends_with(2);
    assert!(short.err.contains("fewer than 4 bytes") && !short.err.contains("a7f"), "{}", short.err);
    assert!(place.server.seen().is_empty());
}

#[test]
fn a_mistyped_command_does_not_show_a_secret() {
    let place = Place::new(&[("flow.yaml", FLOW)]);
    let typed = format!("TOKEN={CANARY}");
    for words in [
        vec!["run", "missing.yaml", "--secret", &typed],
        vec!["run", "flow.yaml", "--secret", &typed, "--input", &typed],
        vec!["run", "flow.yaml", "--secret", &typed, "--nonsense"],
        vec!["run", "flow.yaml", "--secret", &typed, "--jobs", "none"],
    ] {
        let came = place.assay(&words).ends_with(2);
        assert!(!came.err.contains(CANARY) && !came.out.contains(CANARY), "{}", came.err);
    }
}
