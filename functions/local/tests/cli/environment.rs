//! `--env`: which file a name means, what its values win over, and what is said when it is wrong.

use crate::typed::Place;

const CANARY: &str = "canary-5e21c0";
const FLOW: &str = "\
name: env
inputs:
  where: {type: string, default: flow}
  more: {type: string, default: flow}
secrets: [TOKEN]
steps:
  - id: seen
    type: http
    with: {url: \"URL/${inputs.where}/${inputs.more}/${execution.environment}\", headers: {authorization: \"${secrets.TOKEN}\"}}
    assert: status == 200
";
const STAGING: &str = "\
inputs: {where: staging, more: staging, unknown: ignored}
secrets:
  TOKEN: {env: STAGING_TOKEN}
";

#[test]
fn a_name_means_the_file_beside_assay_yaml_else_the_one_beside_the_flow() {
    let place = Place::new(&[
        ("flows/flow.yaml", FLOW),
        ("environments/staging.yaml", STAGING),
        ("flows/environments/beside.yml", "inputs: {where: beside}\n"),
        ("flows/environments/staging.yaml", "inputs: {where: wrong}\n"),
    ]);
    let run = |words: &[&str]| {
        let output = place.command(words).env("STAGING_TOKEN", CANARY).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["run", "flows/flow.yaml", "--env", "staging"]);
    run(&["run", "flows/flow.yaml", "--env", "beside", "--secret", "TOKEN=other-token"]);
    run(&["run", "flows/flow.yaml", "-e", "environments/staging.yaml", "--input", "where=typed"]);
    let seen = ["GET /staging/staging/staging", "GET /beside/flow/beside", "GET /typed/staging/staging"];
    assert_eq!(place.server.seen(), seen);
}

#[test]
fn a_name_that_is_none_is_said_with_what_there_is() {
    let place = Place::new(&[
        ("flow.yaml", FLOW),
        ("environments/staging.yaml", STAGING),
        ("a/flow.yaml", FLOW),
        ("a/environments/dev.yaml", ""),
        ("b/flow.yaml", FLOW),
        ("b/environments/dev.yaml", ""),
    ]);
    for (words, said) in [
        (vec!["run", "flow.yaml", "--env", "stagin"], "did you mean `staging`?"),
        (vec!["run", "flow.yaml", "--env", "production"], "environments: staging"),
        (vec!["validate", "flow.yaml", "--env", "./none.yaml"], "there is no such file"),
        (
            vec!["run", "a/flow.yaml", "b/flow.yaml", "--env", "dev"],
            "a/environments/dev.yaml or b/environments/dev.yaml",
        ),
    ] {
        let came = place.assay(&words).ends_with(2);
        assert!(came.err.contains(said), "{words:?}: {}", came.err);
    }
    assert!(place.server.seen().is_empty());
}

#[test]
fn what_is_wrong_with_an_environment_is_shown_in_its_file() {
    let place = Place::new(&[
        ("flows/flow.yaml", FLOW),
        ("environments/shape.yaml", "inptus: {where: x}\nsecrets: {TOKEN: {evn: X}, KEY: value}\n"),
        ("environments/type.yaml", "inputs:\n  where: 7\nsecrets: {TOKEN: {env: X}}\n"),
        ("environments/fields.yaml", "resources:\n  shop: {type: http, baseUrll: URL}\nsecrets: [TOKEN]\n"),
    ]);
    for (name, said) in [
        ("shape", "environments/shape.yaml:1:1: error[unknown-key]: `inptus`"),
        ("shape", "environments/shape.yaml:2:19: error[unknown-key]: `evn` is not a key of the secret `TOKEN`"),
        ("shape", "environments/shape.yaml:2:33: error[wrong-type]: expected a map for the secret `KEY`, found a text"),
        ("type", "environments/type.yaml:2:10: error[invalid-value]: the default of `where` is not of type string"),
        ("fields", "environments/fields.yaml:2:22: error[unknown-key]: `baseUrll` is not a key of the resource `shop`"),
    ] {
        for command in ["run", "validate"] {
            let came = place.assay(&[command, "flows/flow.yaml", "--env", name]).ends_with(2);
            assert!(came.err.contains(said), "{command} {name}: {}", came.err);
        }
    }
}

#[test]
fn a_secret_by_reference_is_read_when_it_is_needed_and_never_kept() {
    let place = Place::new(&[
        ("flow.yaml", FLOW),
        ("environments/file.yaml", "secrets: {TOKEN: {file: ../keys/token}, OTHER: {env: NOT_NEEDED}}\n"),
        ("environments/none.yaml", "secrets: {TOKEN: {env: NOT_SET}}\n"),
        ("keys/token", "canary-5e21c0\n"),
    ]);
    let came = place.assay(&["run", "flow.yaml", "--env", "file", "--json"]).ends_with(0);
    assert!(came.err.contains("chmod 600"), "{}", came.err);
    for (path, bytes) in place.contents(".assay") {
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "{}", path.display());
    }
    let none = place.assay(&["run", "flow.yaml", "--env", "none"]).ends_with(2);
    let said = "the secret TOKEN (environments/none.yaml:1:11): the environment variable NOT_SET is not set";
    assert!(none.err.contains(said), "{}", none.err);
    std::fs::remove_file(place.path("keys/token")).unwrap();
    let gone = place.assay(&["run", "flow.yaml", "--env", "file"]).ends_with(2);
    assert!(gone.err.contains("the secret TOKEN (environments/file.yaml:1:11)"), "{}", gone.err);
    assert_eq!(place.server.seen().len(), 1);
}

#[test]
fn a_secret_has_one_value_in_a_process() {
    let flow = |variable: &str| {
        let step = "{type: http, with: {url: URL/x, headers: {a: \"${secrets.KEY}\"}}, assert: status == 200}";
        format!("secrets: {{KEY: {{env: {variable}}}}}\nsteps:\n  - {step}\n")
    };
    let place = Place::new(&[("a.yaml", &flow("A")), ("b.yaml", &flow("B"))]);
    let run = |b: &str| {
        let output = place.command(&["run", "a.yaml", "b.yaml"]).env("A", "value-a").env("B", b).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = run("value-b");
    assert!(code == Some(2) && said.contains("one value by a.yaml:1:11 and another by b.yaml:1:11"), "{said}");
    assert_eq!(run("value-a").0, Some(0));
}
