//! Inputs and labels from the command line and from files.

use crate::typed::Place;

const FLOW: &str = "\
name: inputs
inputs:
  text: {type: string, default: none}
  count: {type: integer, default: 1}
  rate: {type: number, default: 0.5}
  fast: {type: boolean, default: false}
  list: {type: array, default: []}
  map: {type: object, default: {}}
steps:
  - id: seen
    type: http
    with: {url: \"URL/${inputs.text}/${inputs.count + 1}/${size(inputs.list)}/${inputs.fast}/${inputs.rate}\"}
    assert: status == 200
";

#[test]
fn values_are_read_as_the_declared_types() {
    let place = Place::new(&[("flow.yaml", FLOW)]);
    let typed = ["run", "flow.yaml", "-i", "text=12", "-i", "count=12", "-i", "list=[1,2]", "--input", "fast=true"];
    place.assay(&typed).ends_with(0);
    assert_eq!(place.server.seen(), ["GET /12/13/2/true/0.5"]);
}

#[test]
fn what_is_typed_wins_over_the_file_and_the_file_over_the_default() {
    let place = Place::new(&[("flow.yaml", FLOW), ("in.yaml", "text: file\ncount: 4\n")]);
    place.assay(&["run", "flow.yaml", "--inputs-file", "in.yaml", "--input", "text=typed"]).ends_with(0);
    assert_eq!(place.server.seen(), ["GET /typed/5/0/false/0.5"]);
}

#[test]
fn an_unknown_input_or_another_type_is_refused_before_anything_runs() {
    let place = Place::new(&[("flow.yaml", FLOW), ("in.json", "{\"cuont\": 4}"), ("list.json", "[1]")]);
    for (typed, said) in [
        (["--input", "cuont=1"], "did you mean `count`?"),
        (["--input", "count=many"], "`many` is not of type integer"),
        (["--input", "list={}"], "is not of type array"),
        (["--input", "text"], "expected NAME=VALUE"),
        (["--inputs-file", "in.json"], "did you mean `count`?"),
        (["--inputs-file", "list.json"], "expected names with values"),
        (["--inputs-file", "none.json"], "none.json"),
    ] {
        let came = place.assay(&["run", "flow.yaml", typed[0], typed[1]]).ends_with(2);
        assert!(came.err.contains(said), "{typed:?}: {}", came.err);
    }
    assert!(place.server.seen().is_empty());
}

#[test]
fn a_required_input_that_is_missing_is_said_before_anything_runs() {
    let flow = "inputs: {who: {type: string, required: true}}\nsteps:\n  - {type: http, with: {url: \"URL/${inputs.who}\"}, assert: status == 200}\n";
    let place = Place::new(&[("flow.yaml", flow), ("good.yaml", FLOW)]);
    let came = place.assay(&["run", "good.yaml", "flow.yaml"]).ends_with(2);
    assert!(came.err.contains("who"), "{}", came.err);
    assert!(place.server.seen().is_empty());
}

#[test]
fn labels_are_listed_and_searched() {
    let place = Place::new(&[("flow.yaml", FLOW)]);
    place.assay(&["run", "flow.yaml", "--label", "team=blue"]).ends_with(0);
    place.assay(&["run", "flow.yaml", "--label", "team=red"]).ends_with(0);
    let came = place.assay(&["executions", "--label", "team=red", "--json"]).ends_with(0);
    assert_eq!(came.records().len(), 1);
    assert_eq!(came.records()[0]["labels"]["team"], "red");
}
