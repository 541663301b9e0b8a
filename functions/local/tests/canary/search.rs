//! The flows that are run, and where is searched.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value as Json;

use crate::canary::betrayed;
use crate::cases::{CASES, Cases};
use crate::echo;
use crate::place::Place;

const SECRET: &str = "${secrets.PLANTED}";
const SAFE: &str = "${secrets.URLSAFE}";
const MADE: &str = "${vars.made}";
/// The kinds of reports.
const KINDS: [&str; 6] = ["junit", "ctrf", "tap", "markdown", "github", "html"];
/// A port that nobody listens on.
const REFUSED: &str = "127.0.0.1:1";

/// The step types that this binary has.
fn built_in(place: &Place) -> BTreeSet<String> {
    let output = place.command(&["steps", "--json"]).output().unwrap();
    let listed: Json = serde_json::from_slice(&output.stdout).unwrap();
    let names = listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned());
    names.filter(|name| !matches!(name.as_str(), "delay" | "flow" | "wait")).collect()
}

fn cases(names: &BTreeSet<String>) -> impl Iterator<Item = &'static Cases> {
    CASES.iter().filter(|cases| names.contains(cases.step_type))
}

/// A flow with every case of a type, twice: with the secret, and with what a var makes of it.
fn flow(cases: &Cases, target: &str) -> String {
    let family = cases.step_type.split('.').next().unwrap();
    let resource = cases.resource.replace("TARGET", target).replace("SECRET", SECRET).replace("URLSAFE", SAFE);
    let mut steps = String::new();
    for with in cases.with {
        for value in [SECRET, MADE] {
            let with = with.replace("TARGET", target).replace("SECRET", value).replace("URLSAFE", SAFE);
            steps.push_str(&format!(
                "  - type: {}\n    needs: []\n    timeout: 8s\n    with: {{resource: system, {with}}}\n    \
                 assert:\n      - \"'x' == secrets.PLANTED\"\n      - {{that: \"vars.made == 'y'\", message: said}}\n    \
                 capture:\n      plain: secrets.PLANTED\n      made: \"{{'a': [vars.made]}}\"\n    continueOnError: true\n",
                cases.step_type
            ));
        }
    }
    format!(
        "name: planted\nsecrets: {{PLANTED: {{env: PLANTED}}, URLSAFE: {{env: URLSAFE}}}}\nvars: {{made: \"m-${{secrets.PLANTED}}-m\"}}\n\
         resources: {{system: {{type: {family}, {resource}}}}}\nsteps:\n{steps}"
    )
}

/// Every way to look at what was run, each searched.
fn look(place: &Place) {
    for words in [
        vec!["show", "latest"],
        vec!["show", "latest", "--json"],
        vec!["events", "latest"],
        vec!["events", "latest", "--json"],
        vec!["executions", "--json"],
    ] {
        place.assay(&words);
    }
    assert!(place.search(".assay") > 1, "no state was searched");
    let reports = KINDS.map(|kind| format!("--report={kind}=reports/stored.{kind}"));
    place.assay(&["report", "latest"].into_iter().chain(reports.iter().map(String::as_str)).collect::<Vec<_>>());
    for kind in KINDS {
        let text = std::fs::read_to_string(place.path(&format!("reports/stored.{kind}"))).unwrap();
        assert!(text.len() > 10 || kind == "github", "nothing stands in the {kind} report");
    }
    place.search("reports");
}

#[test]
fn every_step_type_has_its_cases() {
    let names = built_in(&Place::new(&[]));
    let known: BTreeSet<String> = CASES.iter().map(|cases| cases.step_type.to_owned()).collect();
    let missing: Vec<&String> = names.difference(&known).collect();
    assert!(missing.is_empty(), "no canary is planted in {missing:?}: add cases");
}

#[test]
fn no_step_type_betrays_a_secret_to_whoever_reads_what_came() {
    let names = built_in(&Place::new(&[]));
    let echo = echo::start();
    for cases in cases(&names) {
        for target in [echo.as_str(), REFUSED] {
            let place = Place::new(&[("flow.yaml", &flow(cases, target))]);
            let reports = KINDS.map(|kind| format!("--report={kind}=reports/run.{kind}"));
            let words: Vec<&str> = ["run", "flow.yaml"].into_iter().chain(reports.iter().map(String::as_str)).collect();
            let lines = place.assay(&words);
            let said = String::from_utf8_lossy(&lines.stderr).into_owned() + &String::from_utf8_lossy(&lines.stdout);
            assert!(matches!(lines.status.code(), Some(0 | 3)), "{} at {target}: {said}", cases.step_type);
            place.assay(&["run", "flow.yaml", "--json"]);
            look(&place);
            place.assay(&["resources", "check", "flow.yaml"]);
            place.assay(&["resources", "check", "flow.yaml", "--json"]);
        }
    }
}

#[test]
fn sub_flows_betray_nothing_and_carry_the_secret_on() {
    let echo = echo::start();
    let parent = "\
name: parent
secrets: {PLANTED: {env: PLANTED}}
vars: {made: \"m-${secrets.PLANTED}-m\"}
steps:
  - {id: below, type: flow, with: {flow: child.yaml, inputs: {plain: \"${secrets.PLANTED}\", made: \"${vars.made}\"}}, capture: {got: got}, continueOnError: true}
  - {id: again, type: http, with: {url: \"http://TARGET/echo\", text: \"${steps.below.got}\", method: POST}, assert: \"body.heard == 'x'\"}
";
    let child = "\
inputs: {plain: {type: string}, made: {type: string}}
steps:
  - id: seen
    type: http
    with: {method: POST, url: \"http://TARGET/echo\", json: {a: \"${inputs.plain}\", b: \"${inputs.made}\"}}
    assert: [\"body.said[0] == 'x'\", \"body.heard == ''\"]
    capture: {got: \"body.said[0]\", whole: body, token: {value: \"body.head\", secret: true}}
    continueOnError: true
";
    let texts = [parent, child].map(|text| text.replace("TARGET", &echo));
    let place = Place::new(&[("parent.yaml", &texts[0]), ("child.yaml", &texts[1])]);
    let came = place.assay(&["run", "parent.yaml", "--report", "junit=reports/r.xml"]);
    assert!(matches!(came.status.code(), Some(1 | 3)), "{}", String::from_utf8_lossy(&came.stderr));
    look(&place);
}

#[test]
fn what_a_killed_process_leaves_betrays_nothing_and_is_gone_on_with() {
    let echo = echo::start();
    let flow = "\
secrets: {PLANTED: {file: key}}
steps:
  - id: seen
    type: http
    with: {method: POST, url: \"http://TARGET/echo\", text: \"${secrets.PLANTED}\"}
    assert: \"body.said[0] == 'x'\"
    capture: {got: \"body.said[0]\"}
    continueOnError: true
  - {id: hold, type: wait, needs: [], with: {signal: go, within: 5m}}
  - {id: last, type: http, needs: [seen, hold], with: {method: POST, url: \"http://TARGET/echo\", text: \"${steps.seen.got}\"}, assert: status == 200}
";
    let place = Place::new(&[("flow.yaml", &flow.replace("TARGET", &echo)), ("key", crate::canary::CANARY)]);
    let mut command = place.command(&["run", "flow.yaml", "--json"]);
    command.env_remove("ASSAY_LOG").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut records = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let step_ended = |line: &str| line.contains("\"seen\"") && line.contains("failed");
    let seen: Vec<String> = records.by_ref().map(Result::unwrap).take_while(|line| !step_ended(line)).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(betrayed(seen.join("\n").as_bytes()), None);
    assert!(place.search(".assay") > 1);
    assert!(place.path(".assay/assay.db-wal").exists(), "the log of the store was not searched");
    place.assay(&["signal", "latest", "go"]);
    let resumed = place.assay(&["resume", "--json"]);
    let said = String::from_utf8_lossy(&resumed.stdout);
    assert_eq!(resumed.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&resumed.stderr));
    look(&place);
}
