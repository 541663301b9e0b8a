//! Whatever a target answers, the step ends: with a result of its own shape, or with one of its errors.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hyper::Response;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::fault_cases::success;
use crate::surroundings::{TYPES, World};
use crate::target::Target;

/// Answers as they should be.
fn honest() -> Vec<Json> {
    let at = (Timestamp::now().as_nanosecond() - 1_000_000_000).to_string();
    let histogram = json!({"count": "2", "sum": "3.5", "buckets": [[0, "1", "2", "2"]]});
    let results = [
        ("streams", json!([{"stream": {"a": "b"}, "values": [[at, "one"], [at, "two", {"structuredMetadata": {}}]]}])),
        ("vector", json!([{"metric": {"a": "b"}, "value": [1.5, "1"]}, {"metric": {}, "histogram": [1, histogram]}])),
        ("matrix", json!([{"metric": {}, "values": [[1, "NaN"], [2, "+Inf"]], "histograms": [[3, histogram]]}])),
        ("scalar", json!([1, "1e-9"])),
        ("string", json!([1, "words"])),
    ];
    let whole = results.iter().map(|(kind, result)| serde_json::from_str(&success(kind, result)).unwrap());
    whole
        .chain([json!({"status": "error", "errorType": "execution", "error": "too much", "warnings": ["w"]})])
        .collect()
}

/// Any JSON, small.
fn anything() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "[ -~]{0,8}".prop_map(Json::from),
        prop_oneof![
            Just("NaN"),
            Just("-Inf"),
            Just("1e400"),
            Just("-9223372036854775808"),
            Just("streams"),
            Just("matrix")
        ]
        .prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec(("[a-z]{1,6}", inner), 0..4)
                .prop_map(|fields| Json::Object(fields.into_iter().collect())),
        ]
    })
}

/// Every place in a value, by pointer.
fn places(value: &Json, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Json::Array(items) => items.iter().enumerate().for_each(|(n, item)| places(item, &format!("{at}/{n}"), found)),
        Json::Object(fields) => fields.iter().for_each(|(name, item)| places(item, &format!("{at}/{name}"), found)),
        _ => {}
    }
}

#[test]
fn an_answer_with_anything_anywhere_ends_in_a_result_or_a_known_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let body = Arc::new(Mutex::new(Bytes::new()));
    let shown = Arc::clone(&body);
    let target = runtime.block_on(Target::honest(move |_| {
        let body = shown.lock().unwrap().clone();
        async move { Response::new(body) }
    }));
    let world = World::new();
    let cases = ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() };
    let input = (0..honest().len(), any::<prop::sample::Index>(), anything(), any::<prop::sample::Index>(), 0..10_u8);
    proptest!(cases, |((which, place, instead, end, cut) in input)| {
        let mut answer = honest().swap_remove(which);
        let mut found = Vec::new();
        places(&answer, "", &mut found);
        *answer.pointer_mut(place.get::<String>(&found)).unwrap() = instead;
        let mut text = answer.to_string().into_bytes();
        if cut == 0 {
            text.truncate(end.index(text.len() + 1));
        }
        *body.lock().unwrap() = text.clone().into();
        for kind in TYPES {
            let with = json!({"url": target.url("/"), "query": "up"});
            match runtime.block_on(world.run(kind, with)) {
                Ok(output) => prop_assert!(output.fields["series"].is_array() && output.fields["warnings"].is_array()),
                Err(error) => {
                    let known = ["answer", "query", "tooLarge", "tooMany"].map(|code| format!("{kind}.{code}"));
                    prop_assert!(known.contains(&error.code.to_owned()), "{error:?} for {}", String::from_utf8_lossy(&text));
                }
            }
        }
    });
}
