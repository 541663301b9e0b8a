//! Secrets planted wherever a target or a flow can put them, searched for in everything that leaves.

use std::time::Duration;

use assay_engine::job::Outcome;
use assay_steps::carry::CarriedOut;
use assay_steps::contract::{Expectation, Output, StepError, StepErrorClass};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::Bytes;
use serde_json::{Value as Json, json};

use crate::script::{Act, Outside, Script, World, done, job, start};

const CANARY: &str = "c4n\"ary/v@lue\\é?";

/// The canary in every encoding.
fn disguises() -> Vec<String> {
    let quoted = Json::from(CANARY).to_string();
    let mut found = vec![
        CANARY.to_owned(),
        quoted.trim_matches('"').to_owned(),
        Json::from(quoted.as_str()).to_string(),
        percent_encoding::utf8_percent_encode(CANARY, percent_encoding::NON_ALPHANUMERIC).to_string(),
        hex::encode(CANARY),
        format!("log in with {CANARY}, please"),
    ];
    for before in ["", "u", "u:"] {
        found.push(STANDARD.encode(format!("{before}{CANARY}")));
        found.push(URL_SAFE.encode(format!("{before}{CANARY}!")));
    }
    found
}

/// Parts of the canary that betray it, in each encoding.
fn traces() -> Vec<String> {
    let mut traces = vec!["c4n\"ary".to_owned(), "c4n\\\"ary".into(), "c4n%22ary".into(), hex::encode("c4n\"ary")];
    for before in ["", "u", "u:"] {
        let text = STANDARD.encode(format!("{before}{CANARY}"));
        traces.push(text[4..16].to_owned());
    }
    traces
}

fn assert_clean(what: &str, text: &str) {
    for trace in traces() {
        assert!(!text.contains(&trace), "{what} betrays the canary as {trace}: {text}");
    }
}

/// Everything that left: the carried-out job, the notes, the stored bytes.
async fn assert_nothing_leaves(script: Script, mut keys: Json) -> CarriedOut {
    keys["secrets"] = json!(["CANARY"]);
    let world = World::new(script, Outside::with_secrets(&[("CANARY", CANARY)]));
    let carried = world.carry_out(job(keys)).await;
    match &carried {
        CarriedOut::Finished(result) => assert_clean("the result", &serde_json::to_string(result).unwrap()),
        other => assert_clean("the answer", &format!("{other:?}")),
    }
    for line in world.outside.notes() {
        assert_clean("a note", &line);
    }
    for (name, bytes) in world.outside.stored.lock().unwrap().iter() {
        assert_clean("the name of a file", name);
        assert_clean("a file", &String::from_utf8_lossy(bytes));
    }
    carried
}

fn finished(carried: CarriedOut) -> assay_engine::job::JobResult {
    match carried {
        CarriedOut::Finished(result) => *result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_traces_would_be_found() {
    for disguise in disguises() {
        assert!(
            traces().iter().any(|trace| disguise.contains(trace)) || disguise.contains("\\\\\\\"ary"),
            "{disguise}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn outputs_evidence_and_notes_of_a_step_betray_nothing() {
    for disguise in disguises() {
        let output = Output {
            fields: json!({"body": {"a": [&disguise], &*disguise: 1}, "text": format!("x{disguise}y")})
                .as_object()
                .unwrap()
                .clone(),
            sent: Some(json!({"headers": {"authorization": &disguise}})),
            note: Some(format!("nearest miss: {disguise}")),
            expectations: vec![Expectation {
                that: format!("count >= {disguise}"),
                passed: false,
                reason: Some(format!("saw {disguise}")),
            }],
        };
        let script = Script::of(move |_| Act::Done(output.clone()));
        let keys = json!({"assertions": [{"that": "body.a[0] == 'x'"}, {"that": "text.size() < 2"}]});
        let result = finished(assert_nothing_leaves(script, keys).await);
        assert_eq!(result.outcome, Outcome::Failed);
        assert!(serde_json::to_string(&result).unwrap().contains("***"));
    }
}

#[tokio::test(start_paused = true)]
async fn captures_betray_nothing() {
    for disguise in disguises() {
        let keys = json!({
            "captures": [{"name": "a", "value": "a"}, {"name": "deep", "value": "{'x': [a, 1]}"}, {"name": "made", "value": "secrets.CANARY + '!'"}],
            "hidden": ["a", "b.c"],
        });
        let script = Script::output(json!({"a": &disguise, "b": {"c": {"d": &disguise}}}));
        let result = finished(assert_nothing_leaves(script, keys).await);
        assert_eq!(result.outcome, Outcome::Passed, "{:?}", result.error);
    }
}

#[tokio::test(start_paused = true)]
async fn parts_reasons_and_errors_betray_nothing() {
    for disguise in disguises() {
        let that = [
            "a == secrets.CANARY + 'x'",
            "int(a) == 1",
            "a.nothing == 1",
            "secrets.CANARY.size() == 99",
            "timestamp(a) < now()",
            "{'k': a}[a] == 1",
            "[a, a].exists(x, x == '')",
            "secrets.CANARY.split('/')[0] == ''",
            "base64.encode(bytes(secrets.CANARY)) == ''",
        ];
        let that: Vec<_> = that.iter().map(|that| json!({"that": that})).collect();
        let keys =
            json!({"assertions": that, "captures": [{"name": "n", "value": "int(a)"}], "retryOn": ["int(a) == 1"]});
        finished(assert_nothing_leaves(Script::output(json!({"a": &disguise})), keys).await);

        let message = format!("answered: {disguise}");
        let error = move || StepError::new(StepErrorClass::Retry, "script.odd", message.clone());
        let refusing = error.clone();
        finished(assert_nothing_leaves(Script::of(move |_| Act::Error(refusing())), json!({})).await);
        let looks = json!({"looks": {"kind": "eventually", "timeoutMs": 3000, "intervalMs": 1000}});
        finished(assert_nothing_leaves(Script::of(move |_| Act::Error(error())), looks).await);
    }
}

#[tokio::test(start_paused = true)]
async fn looks_and_notes_betray_nothing() {
    for disguise in disguises() {
        let script = Script::output(json!({"a": &disguise}));
        let keys = json!({
            "looks": {"kind": "eventually", "timeoutMs": 3000, "intervalMs": 1000}, "assertions": [{"that": "a == ''"}],
        });
        let result = finished(assert_nothing_leaves(script, keys).await);
        assert!(result.looks.unwrap().kept[0].note.as_ref().unwrap().contains("***"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_a_preview_cuts_betrays_nothing() {
    for length in 1000..1030 {
        let text = format!("{}{CANARY} and more {}", "x".repeat(length), "y".repeat(200));
        let script = Script::output(json!({"a": &text, "list": [&text, &text], "map": {&*text: 1}}));
        let that = ["a == ''", "list == []", "map == {}", "bytes(a) == b''", "int(a) == 1"];
        let keys = json!({"assertions": that.iter().map(|that| json!({"that": that})).collect::<Vec<_>>()});
        finished(assert_nothing_leaves(script, keys).await);
    }
}

#[tokio::test(start_paused = true)]
async fn large_evidence_betrays_nothing() {
    let filler = "z".repeat(4090);
    let script = Script::output(json!({"text": format!("{filler}{CANARY}{filler}"), "body": [CANARY]}));
    let result = finished(assert_nothing_leaves(script, json!({})).await);
    assert!(result.evidence.unwrap().blob.is_some());
}

#[tokio::test(start_paused = true)]
async fn artifacts_betray_nothing() {
    let script = Script::of(|call| {
        let name = format!("{CANARY}.txt");
        let put = call.cx.artifacts.put(&name, "text/plain", Bytes::from(format!("a {CANARY} b")));
        let artifact = futures_util::FutureExt::now_or_never(put).unwrap().unwrap();
        assert_eq!(artifact.name, "***.txt");
        done(json!({}))
    });
    let result = finished(assert_nothing_leaves(script, json!({})).await);
    assert_eq!((result.artifacts.len(), result.artifacts[0].name.as_str()), (1, "***.txt"));
}

#[tokio::test(start_paused = true)]
async fn what_a_runner_notes_betrays_nothing() {
    for disguise in disguises() {
        let script = Script::of(move |call| {
            call.cx.progress.note(&format!("seen {disguise}"));
            done(json!({}))
        });
        finished(assert_nothing_leaves(script, json!({})).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_captured_as_a_secret_is_masked_from_then_on() {
    let script = Script::of(|call| {
        let mut cookies = call.cx.cookies.lock().unwrap();
        cookies.added.push(("sid=fresh-token-1".into(), "http://a/".into(), start()));
        done(json!({"body": {"token": "fresh-token-1", "id": 7}, "text": "{\"token\":\"fresh-token-1\"}"}))
    });
    let world = World::new(script, Outside::default());
    let keys = json!({
        "looks": {"kind": "eventually", "timeoutMs": 2000, "intervalMs": 1000},
        "captures": [{"name": "token", "value": "body.token", "secret": true}, {"name": "missing", "value": "int(body.token)"}],
        "assertions": [{"that": "body.token == 'other'"}, {"that": "timestamp(body.token) == now()"}], "hidden": ["body.token"],
    });
    let result = world.result(job(keys)).await;
    assert_eq!(result.evidence.as_ref().unwrap().preview["body"], json!({"token": "***", "id": 7}));
    let text = serde_json::to_string(&result).unwrap();
    assert!(!text.contains("fresh-token"), "{text}");
    let said = world.outside.notes().join(" ");
    assert!(!said.contains("fresh-token") && !said.is_empty(), "{said}");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_short_to_be_masked_is_refused_as_a_secret() {
    let world = World::new(Script::output(json!({"pin": "123"})), Outside::with_secrets(&[("SHORT", "abc")]));
    let result = world.result(job(json!({"captures": [{"name": "pin", "value": "pin", "secret": true}]}))).await;
    assert_eq!(result.outcome, Outcome::Failed);
    assert_eq!(result.failed_captures[0].reason, "a secret of fewer than 4 bytes could not be masked");
    let result = world.result(job(json!({"secrets": ["SHORT"]}))).await;
    assert_eq!((result.outcome, result.error.unwrap().code.as_str()), (Outcome::Errored, "secret.short"));
}

#[tokio::test(start_paused = true)]
async fn cookies_betray_nothing() {
    let script = Script::of(|call| {
        let mut cookies = call.cx.cookies.lock().unwrap();
        cookies.added.push((format!("sid={CANARY}"), format!("http://a/?k={CANARY}"), start()));
        done(json!({}))
    });
    let result = finished(assert_nothing_leaves(script, json!({})).await);
    assert!(result.cookies[0].set_cookie.clear().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_betrays_nothing_made_from_a_secret() {
    let script = Script::of(|call| {
        let sent = Some(call.config.say.clone());
        Act::Done(Output {
            fields: json!({"echo": call.config.say}).as_object().unwrap().clone(),
            sent,
            ..Output::default()
        })
    });
    let keys = json!({
        "with": {"say": {"raw": null, "basic": null, "made": null}},
        "late": [
            {"at": "/say/raw", "template": "${secrets.CANARY}"},
            {"at": "/say/basic", "template": "Basic ${base64.encode(bytes('user:' + secrets.CANARY))}"},
            {"at": "/say/made", "template": "sig=${sha256(secrets.CANARY)}"},
        ],
    });
    let result = finished(assert_nothing_leaves(script, keys).await);
    let masked = json!({"raw": "***", "basic": "Basic ***", "made": "sig=***"});
    assert_eq!(result.evidence.unwrap().preview, json!({"sent": masked, "echo": masked}));
}

#[tokio::test(start_paused = true)]
async fn panics_checkpoints_and_unreadable_configs_betray_nothing() {
    finished(assert_nothing_leaves(Script::of(|_| Act::Panic(CANARY)), json!({})).await);
    let goes_on = Script::of(|_| Act::Continue(json!({"cursor": CANARY}), Duration::from_secs(1)));
    assert!(matches!(assert_nothing_leaves(goes_on, json!({})).await, CarriedOut::Continue { .. }));
    let keys = json!({"with": {"times": null}, "late": [{"at": "/times", "template": "${secrets.CANARY}"}]});
    let result = finished(assert_nothing_leaves(Script::output(json!({})), keys).await);
    assert_eq!(result.error.unwrap().code, "step.config");
    let keys = json!({"with": {"say": null}, "late": [{"at": "/say", "template": "${int(secrets.CANARY)}"}]});
    let result = finished(assert_nothing_leaves(Script::output(json!({})), keys).await);
    assert_eq!(result.error.unwrap().code, "expression.value");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_another_step_sent_is_masked_where_it_comes_back() {
    for disguise in disguises() {
        let script = Script::output(json!({"heard": &disguise}));
        let world = World::new(script, Outside::with_secrets(&[("CANARY", CANARY)]));
        let keys = json!({
            "mask": {"secrets": ["CANARY", "NEVER_GIVEN"]},
            "assertions": [{"that": "heard == 'x'"}], "captures": [{"name": "got", "value": "heard"}],
        });
        let result = world.result(job(keys)).await;
        assert_clean("the result", &serde_json::to_string(&result).unwrap());
        assert_eq!(result.outcome, Outcome::Failed, "{:?}", result.error);
        assert!(result.captures["got"].clear().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_another_step_captured_is_masked_where_it_comes_back() {
    let first = World::new(Script::output(json!({"token": "fresh-token-1"})), Outside::default());
    let keys = json!({"captures": [{"name": "token", "value": "token", "secret": true}]});
    let captured = serde_json::to_value(&first.result(job(keys)).await.captures["token"]).unwrap();
    let second = World::new(Script::output(json!({"heard": "Bearer fresh-token-1"})), Outside::default());
    let keys = json!({"mask": {"sealed": [captured["$sealed"]]}, "assertions": [{"that": "heard == 'x'"}]});
    let result = second.result(job(keys)).await;
    let text = serde_json::to_string(&result).unwrap();
    assert!(text.contains("Bearer ***") && !text.contains("fresh-token"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_only_masked_is_not_in_scope() {
    let world = World::new(Script::output(json!({})), Outside::with_secrets(&[("CANARY", CANARY), ("PIN", "123")]));
    let masked = json!({"secrets": ["CANARY", "PIN"]});
    let keys = json!({"mask": masked, "assertions": [{"that": "has(secrets.CANARY)"}]});
    assert_eq!(world.result(job(keys)).await.outcome, Outcome::Failed);
    let missing = world.result(job(json!({"secrets": ["NEVER_GIVEN"], "mask": masked}))).await;
    assert_eq!((missing.outcome, missing.error.unwrap().code.as_str()), (Outcome::Errored, "secret.missing"));
}
