//! What every built-in step type keeps to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use assay_engine::types::StepTypes as _;
use assay_steps::registry::{Runners, Types};

/// Names that expressions and evidence use themselves.
const TAKEN: [&str; 9] = ["inputs", "vars", "steps", "secrets", "item", "index", "execution", "sent", "note"];

#[test]
fn every_type_is_found_by_its_name_and_says_what_it_is() {
    assert!(!Types.names().is_empty());
    for name in Types.names() {
        let spec = Types.get(name).unwrap();
        assert_eq!(spec.name(), name);
        assert!(!spec.summary().is_empty(), "{name}");
    }
    assert!(Types.get("telepathy").is_none());
}

#[test]
fn no_output_has_a_name_that_is_taken() {
    for name in Types.names() {
        for output in Types.get(name).unwrap().outputs() {
            assert!(!TAKEN.contains(&output.name), "{name}: {}", output.name);
            assert!(!output.doc.is_empty(), "{name}: {}", output.name);
        }
    }
}

#[test]
fn every_config_is_closed_and_stands_for_itself() {
    for name in Types.names() {
        let schema = Types.get(name).unwrap().schema();
        assert_eq!(schema["additionalProperties"], false, "{name}");
        assert!(!schema.to_string().contains("\"$ref\""), "{name} refers to a schema elsewhere");
    }
}

#[test]
fn every_listed_type_whose_feature_is_on_has_its_runner() {
    assert_eq!(Runners::built_in().names(), Types.names());
}
