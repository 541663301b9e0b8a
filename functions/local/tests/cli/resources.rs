//! `assay resources`: listed, and really connected to.

use serde_json::Value as Json;

use crate::typed::Place;

const CANARY: &str = "canary-77d0aa";
const STAGING: &str = "\
resources:
  shop: {type: http, baseUrl: \"URL/shop\", headers: {authorization: \"Bearer ${secrets.TOKEN}\"}}
  gone: {type: http, baseUrl: \"http://127.0.0.1:1/${inputs.part}\"}
inputs: {part: orders}
secrets: {TOKEN: {env: TOKEN}}
";

fn place() -> Place {
    Place::new(&[("environments/staging.yaml", STAGING), ("environments/empty.yaml", "inputs: {a: 1}\n")])
}

#[test]
fn each_resource_is_connected_to_and_told_what_is_wrong_with() {
    let place = place();
    let words = ["resources", "check", "--env", "staging", "--json"];
    let output = place.command(&words).env("TOKEN", CANARY).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Json> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [gone, shop] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&gone["resource"], &gone["type"], &gone["ok"]), (&"gone".into(), &"http".into(), &false.into()));
    assert_eq!(gone["code"], "http.refused");
    assert!(gone["message"].as_str().unwrap().contains("127.0.0.1:1"), "{gone}");
    assert_eq!((&shop["resource"], &shop["ok"]), (&"shop".into(), &true.into()));
    assert!(shop["facts"].as_str().unwrap().starts_with("answers 200 in "), "{shop}");
    assert!(shop["millis"].is_u64());
    assert_eq!(place.server.seen(), ["GET /shop"]);
}

#[test]
fn a_name_chooses_one_and_a_text_shows_it() {
    let place = place();
    let output =
        place.command(&["resources", "check", "shop", "--env", "staging"]).env("TOKEN", CANARY).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("ok      shop  http  answers 200 in "), "{text}");
    let gone = place.assay(&["resources", "check", "gone", "--env", "staging"]).ends_with(3);
    assert!(gone.out.contains("failed  gone  http  ") && gone.out.contains("1 of 1 cannot be used"), "{}", gone.out);
}

#[test]
fn flows_bring_their_own_resources() {
    let flow = "\
secrets: [KEY]
resources: {own: {type: http, baseUrl: \"URL/own\", headers: {key: \"${secrets.KEY}\"}}}
steps:
  - {type: http, with: {resource: own, url: /x}, assert: status == 200}
";
    let place = Place::new(&[("flow.yaml", flow)]);
    place.assay(&["resources", "check", "flow.yaml", "--secret", "KEY=canary-77d0aa"]).ends_with(0);
    assert_eq!(place.server.seen(), ["GET /own"]);
    let missing = place.assay(&["resources", "check", "flow.yaml"]).ends_with(2);
    assert!(missing.err.contains("the resource own needs the secret KEY"), "{}", missing.err);
}

#[test]
fn resources_are_listed_without_what_is_secret() {
    let place = place();
    place.write(
        "environments/plain.yaml",
        "resources: {shop: {type: http, baseUrl: \"http://u:hidden-pw@shop\"}}\nsecrets: [TOKEN]\n",
    );
    let listed = place.assay(&["resources", "list", "--env", "plain"]).ends_with(0);
    assert_eq!(listed.out, "shop  http  http://u:***@shop\n");
    let records = place.assay(&["resources", "list", "--env", "staging", "--json"]).ends_with(0).records();
    assert_eq!(records[0]["target"], "http://127.0.0.1:1/${inputs.part}");
    assert_eq!(records[1]["secrets"], serde_json::json!(["TOKEN"]));
}

#[test]
fn a_mistyped_name_is_said() {
    let place = place();
    for (words, said) in [
        (vec!["resources", "check"], "name an environment with --env, or flows"),
        (vec!["resources", "check", "shpo", "--env", "staging"], "did you mean `shop`?"),
        (vec!["resources", "check", "--env", "staging"], "the environment variable TOKEN is not set"),
    ] {
        let came = place.assay(&words).ends_with(2);
        assert!(came.err.contains(said), "{words:?}: {}", came.err);
    }
    let none = place.assay(&["resources", "check", "--env", "empty"]).ends_with(0);
    assert!(none.err.contains("there are no resources"));
    assert!(place.server.seen().is_empty());
}
