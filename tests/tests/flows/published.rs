//! The published JSON Schemas take whatever compiles, and refuse what has the wrong shape.

use std::fs;

use assay_engine::compile::{environment_schema, flow_schema};
use assay_engine::source::read_data;
use assay_engine::testing::TestTypes;

use crate::corpus::{corpus, flows};

#[test]
fn every_flow_that_compiles_fits_the_schema() {
    let schema = jsonschema::validator_for(&flow_schema(&TestTypes)).unwrap();
    for path in flows("ok") {
        let flow = read_data(path.to_str().unwrap(), &fs::read(&path).unwrap()).unwrap();
        let problems: Vec<String> =
            schema.iter_errors(&flow).map(|problem| format!("{}: {problem}", problem.instance_path())).collect();
        assert!(problems.is_empty(), "{}: {problems:#?}", path.display());
    }
}

#[test]
fn a_flow_of_the_wrong_shape_does_not_fit_the_schema() {
    let schema = jsonschema::validator_for(&flow_schema(&TestTypes)).unwrap();
    let shape = ["unknown-key", "wrong-type", "not-one-of", "key-not-taken"];
    let mut seen = 0;
    for path in flows("bad") {
        let told = fs::read_to_string(path.with_extension("txt")).unwrap();
        let file = path.file_name().unwrap().to_str().unwrap();
        let own = told.lines().filter(|line| line.starts_with(&format!("{file}:")));
        if own.into_iter().any(|line| shape.iter().any(|code| line.contains(&format!("error[{code}]")))) {
            let Ok(flow) = read_data(path.to_str().unwrap(), &fs::read(&path).unwrap()) else { continue };
            seen += 1;
            assert!(!schema.is_valid(&flow), "{} fits the schema", path.display());
        }
    }
    assert!(seen >= 5, "only {seen} flows of the wrong shape");
}

#[test]
fn environments_fit_their_schema() {
    let schema = jsonschema::validator_for(&environment_schema(&TestTypes)).unwrap();
    for entry in fs::read_dir(corpus("ok/environments")).unwrap() {
        let path = entry.unwrap().path();
        let environment = read_data(path.to_str().unwrap(), &fs::read(&path).unwrap()).unwrap();
        assert!(schema.is_valid(&environment), "{}", path.display());
    }
    assert!(!schema.is_valid(&serde_json::json!({"inputs": {"a": {"defualt": 1}}})));
}
