//! Assertions, captures, hidden captures and expressions of `retry.on`.

use assay_engine::job::{Captured, Outcome};
use assay_steps::contract::Expectation;
use serde_json::json;

use crate::script::{Act, Outside, Script, World, error_of, job, result_of};

fn that(text: &str) -> serde_json::Value {
    json!({"that": text})
}

#[tokio::test(start_paused = true)]
async fn a_step_without_assertions_passes() {
    let result = result_of(json!({"status": 500}), json!({})).await;
    assert_eq!((result.outcome, result.error), (Outcome::Passed, None));
}

#[tokio::test(start_paused = true)]
async fn all_assertions_are_evaluated_also_after_one_failed() {
    let keys = json!({"assertions": [that("status == 200"), that("size(body) == 2"), that("body[0] > 5")]});
    let result = result_of(json!({"status": 503, "body": [1, 2]}), keys).await;
    assert_eq!(result.outcome, Outcome::Failed);
    assert_eq!(result.error, None);
    let passed: Vec<_> = result.assertions.iter().map(|assertion| assertion.passed).collect();
    assert_eq!(passed, [false, true, false]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_assertion_shows_the_values_of_its_parts() {
    let keys = json!({"assertions": [{"that": "status == 200", "message": "it answers", "soft": true}]});
    let result = result_of(json!({"status": 503}), keys).await;
    let assertion = &result.assertions[0];
    assert_eq!((assertion.message.as_deref(), assertion.soft), (Some("it answers"), true));
    assert_eq!(assertion.parts.len(), 1);
    assert_eq!((assertion.parts[0].text.as_str(), &assertion.parts[0].value), ("status", &Some(json!(503))));
    assert_eq!(assertion.reason, None);
}

#[tokio::test(start_paused = true)]
async fn a_passed_assertion_shows_no_parts() {
    let result = result_of(json!({"status": 200}), json!({"assertions": [that("status == 200")]})).await;
    assert!(result.assertions[0].parts.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_the_output_cannot_answer_has_failed_and_says_why() {
    let texts = ["body.id == 1", "body.items[3] == 1", "status > 'a'", "text.size() > 1", "status"];
    let keys = json!({"assertions": texts.map(that)});
    let result = result_of(json!({"status": 200, "body": {"items": []}, "text": null}), keys).await;
    assert_eq!(result.outcome, Outcome::Failed);
    assert_eq!(result.error, None);
    for assertion in &result.assertions {
        assert!(!assertion.passed, "{}", assertion.that);
        assert!(assertion.reason.as_ref().is_some_and(|reason| !reason.is_empty()), "{assertion:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn captures_are_evaluated_also_when_an_assertion_fails() {
    let keys = json!({
        "assertions": [that("status == 201")],
        "captures": [{"name": "id", "value": "body.id"}, {"name": "all", "value": "body"}],
        "hidden": ["body.id"],
    });
    let result = result_of(json!({"status": 500, "body": {"id": 7}}), keys).await;
    assert_eq!(result.outcome, Outcome::Failed);
    assert_eq!(result.captures["id"], Captured::Clear(json!(7)));
    assert_eq!(result.captures["all"], Captured::Clear(json!({"id": 7})));
    assert_eq!(result.hidden["body.id"], Captured::Clear(json!(7)));
}

#[tokio::test(start_paused = true)]
async fn a_capture_without_an_answer_fails_the_step_and_is_null() {
    let keys = json!({"captures": [{"name": "id", "value": "body.id"}, {"name": "status", "value": "status"}]});
    let result = result_of(json!({"status": 200, "body": {}}), keys).await;
    assert_eq!(result.outcome, Outcome::Failed);
    assert_eq!(result.captures["id"], Captured::NULL);
    assert_eq!(result.captures["status"], Captured::Clear(json!(200)));
    let failed = &result.failed_captures[0];
    assert_eq!((failed.name.as_str(), failed.value.as_str()), ("id", "body.id"));
    assert!(failed.reason.contains("id"), "{failed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hidden_capture_never_fails_its_step() {
    let keys = json!({"hidden": ["body.items[4].id", "nothing", "status"]});
    let result = result_of(json!({"status": 200, "body": null}), keys).await;
    assert_eq!(result.outcome, Outcome::Passed);
    assert_eq!(result.hidden["body.items[4].id"], Captured::NULL);
    assert_eq!(result.hidden["nothing"], Captured::NULL);
    assert_eq!(result.hidden["status"], Captured::Clear(json!(200)));
}

#[tokio::test(start_paused = true)]
async fn optional_selection_makes_a_missing_field_no_failure() {
    let keys = json!({"captures": [{"name": "id", "value": "body.?id.orValue(0)"}]});
    let result = result_of(json!({"body": {}}), keys).await;
    assert_eq!((result.outcome, &result.captures["id"]), (Outcome::Passed, &Captured::Clear(json!(0))));
}

#[tokio::test(start_paused = true)]
async fn expressions_of_retry_see_the_output_before_the_assertions() {
    let keys =
        json!({"retryOn": ["status >= 500", "body.code == 1", "status == 503"], "assertions": [that("status == 200")]});
    let result = result_of(json!({"status": 503, "body": {}}), keys).await;
    assert_eq!(result.retry_on, [0, 2]);
    let passed = result_of(json!({"status": 503}), json!({"retryOn": ["status >= 500"]})).await;
    assert_eq!((passed.outcome, passed.retry_on), (Outcome::Passed, vec![0]));
}

#[tokio::test(start_paused = true)]
async fn past_its_budget_an_expression_makes_the_step_errored() {
    let items: Vec<u32> = (0..2000).collect();
    let costly = "items.all(a, items.all(b, a + b >= 0))";
    let keys = json!({"assertions": [that(costly), that("items[0] == 0")], "captures": [{"name": "n", "value": "size(items)"}]});
    let result = result_of(json!({"items": items}), keys).await;
    assert_eq!(result.outcome, Outcome::Errored);
    let (code, message) = error_of(&result);
    assert_eq!(code, "expression.budget");
    assert!(message.contains(costly), "{message}");
    assert!(result.assertions[1].passed);
    assert_eq!(result.captures["n"], Captured::Clear(json!(2000)));
}

#[tokio::test(start_paused = true)]
async fn an_output_never_shadows_the_executions_values() {
    let keys = json!({
        "scope": {"inputs": {"x": 1}},
        "assertions": [that("inputs.x == 1")],
        "captures": [{"name": "index", "value": "index"}],
    });
    let result = result_of(json!({"inputs": {"x": 2}, "index": 9}), keys).await;
    assert!(result.assertions[0].passed);
    assert_eq!(result.failed_captures[0].name, "index");
}

#[tokio::test(start_paused = true)]
async fn schemas_beside_the_flow_are_read_for_the_assertions() {
    let outside = Outside {
        files: [("order.json".to_owned(), r#"{"type": "object", "required": ["id"]}"#)].into(),
        ..Outside::default()
    };
    let world = World::new(Script::output(json!({"body": {"id": 1}, "other": {}})), outside);
    let keys =
        json!({"assertions": [that("matchesSchema(body, 'order.json')"), that("matchesSchema(other, 'order.json')")]});
    let result = world.result(job(keys)).await;
    assert_eq!(result.assertions.iter().map(|a| a.passed).collect::<Vec<_>>(), [true, false], "{:?}", result.error);
    let missing = world.result(job(json!({"assertions": [that("matchesSchema(body, 'no.json')")]}))).await;
    assert_eq!(error_of(&missing).0, "file.missing");
}

#[tokio::test(start_paused = true)]
async fn time_in_assertions_is_the_looks() {
    let keys = json!({"assertions": [that("now() == timestamp('2026-01-01T00:00:00Z')")]});
    assert_eq!(result_of(json!({}), keys).await.outcome, Outcome::Passed);
}

#[tokio::test(start_paused = true)]
async fn captures_past_their_limit_make_the_step_errored_and_name_the_largest() {
    let keys = json!({"captures": [{"name": "id", "value": "id"}, {"name": "all", "value": "body"}]});
    let result = result_of(json!({"id": 7, "body": "x".repeat(70 * 1024)}), keys).await;
    assert_eq!(result.outcome, Outcome::Errored);
    let (code, message) = error_of(&result);
    assert_eq!(code, "step.captures");
    assert!(message.contains("`all`") && message.contains("64 KiB"), "{message}");
    assert_eq!(result.captures["all"], Captured::NULL);
    assert_eq!(result.captures["id"], Captured::Clear(json!(7)));
}

#[tokio::test(start_paused = true)]
async fn many_captures_share_one_limit() {
    let captures: Vec<_> = (0..5).map(|n| json!({"name": format!("c{n}"), "value": "body"})).collect();
    let result = result_of(json!({"body": "x".repeat(15 * 1024)}), json!({"captures": captures})).await;
    assert_eq!((result.outcome, error_of(&result).0), (Outcome::Errored, "step.captures"));
    let kept = result.captures.values().filter(|captured| **captured != Captured::NULL).count();
    assert_eq!(kept, 4);
    let hidden = result_of(json!({"body": "x".repeat(70 * 1024)}), json!({"hidden": ["body"]})).await;
    assert_eq!((hidden.outcome, error_of(&hidden).0), (Outcome::Errored, "step.captures"));
}

#[tokio::test(start_paused = true)]
async fn large_evidence_lies_whole_in_the_blob_store_with_a_preview() {
    let world = World::new(Script::output(json!({"body": "é".repeat(5000)})), Outside::default());
    let result = world.result(job(json!({}))).await;
    let evidence = result.evidence.unwrap();
    let stored = world.outside.stored.lock().unwrap();
    let (name, bytes) = &stored[0];
    assert_eq!(name, "pay.1.json");
    assert_eq!(evidence.blob.unwrap().size, bytes.len() as u64);
    let whole: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    assert_eq!(whole["body"].as_str().unwrap().chars().count(), 5000);
    let preview = evidence.preview.as_str().unwrap().to_owned();
    assert!(preview.len() <= 4096 && preview.len() > 4090);
    assert!(std::str::from_utf8(bytes).unwrap().starts_with(&preview));
}

#[tokio::test(start_paused = true)]
async fn small_evidence_is_kept_as_it_is() {
    let world = World::new(Script::output(json!({"status": 200, "body": {"a": [1, 2]}})), Outside::default());
    let evidence = world.result(job(json!({}))).await.evidence.unwrap();
    assert_eq!(evidence.preview, json!({"status": 200, "body": {"a": [1, 2]}}));
    assert_eq!(evidence.blob, None);
    assert!(world.outside.stored.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn evidence_that_cannot_be_stored_changes_no_verdict() {
    let outside = Outside { storage_is_down: true, ..Outside::default() };
    let world = World::new(Script::output(json!({"body": "x".repeat(5000)})), outside);
    let result = world.result(job(json!({}))).await;
    assert_eq!(result.outcome, Outcome::Passed);
    assert_eq!(result.evidence.unwrap().preview, json!({"notStored": "store the evidence: no answer"}));
}

#[tokio::test(start_paused = true)]
async fn the_values_of_all_parts_together_are_bounded() {
    let assertions: Vec<_> = (0..80).map(|n| that(&format!("text == '{n}'"))).collect();
    let result = result_of(json!({"text": "x".repeat(3000)}), json!({"assertions": assertions})).await;
    let size: usize = result.assertions.iter().map(|a| serde_json::to_string(&a.parts).unwrap().len()).sum();
    assert!(size < 64 * 1024, "{size}");
    assert!(result.assertions[79].parts[0].note.as_ref().unwrap().contains("not shown"));
}

#[tokio::test(start_paused = true)]
async fn what_the_steps_own_words_ask_for_is_judged_before_the_assertions() {
    let mut output = crate::script::output(json!({"count": 0}));
    output.expectations = vec![Expectation {
        that: "count >= 1 within 5s".into(),
        passed: false,
        reason: Some("none of 3 messages matches".into()),
    }];
    let script = Script::of(move |_| Act::Done(output.clone()));
    let result = World::new(script, Outside::default()).result(job(json!({"assertions": [that("count == 0")]}))).await;
    assert_eq!(result.outcome, Outcome::Failed);
    let said: Vec<_> = result.assertions.iter().map(|asked| (asked.that.as_str(), asked.passed)).collect();
    assert_eq!(said, [("count >= 1 within 5s", false), ("count == 0", true)]);
    assert_eq!(result.assertions[0].reason.as_deref(), Some("none of 3 messages matches"));
}
