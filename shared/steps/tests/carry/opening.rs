//! Secrets, sealed and deferred values, templates that are finished late.

use std::sync::{Arc, Mutex};

use assay_engine::job::{Captured, Outcome};
use assay_steps::contract::Secrets as _;
use serde_json::{Value as Json, json};

use crate::script::{Outside, Script, World, done, error_of, job, start};

/// A script that keeps what it was told to say.
fn listening() -> (Script, Arc<Mutex<Vec<Json>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = heard.clone();
    let script = Script::of(move |call| {
        hears.lock().unwrap().push(call.config.say);
        done(json!({"ok": true}))
    });
    (script, heard)
}

async fn said(keys: Json) -> Json {
    let (script, heard) = listening();
    let world = World::new(script, Outside::with_secrets(&[("KEY", "hunter2222"), ("PIN", "123456")]));
    let result = world.result(job(keys)).await;
    assert_eq!(result.outcome, Outcome::Passed, "{:?}", result.error);
    heard.lock().unwrap()[0].clone()
}

#[tokio::test(start_paused = true)]
async fn late_templates_are_finished_with_the_secrets() {
    let keys = json!({
        "with": {"say": {"auth": null, "list": [1, null], "kept": true}},
        "late": [{"at": "/say/auth", "template": "Bearer ${secrets.KEY}"}, {"at": "/say/list/1", "template": "${inputs.n + int(secrets.PIN)}"}],
        "scope": {"inputs": {"n": 1}}, "secrets": ["KEY", "PIN"],
    });
    assert_eq!(said(keys).await, json!({"auth": "Bearer hunter2222", "list": [1, 123_457], "kept": true}));
}

#[tokio::test(start_paused = true)]
async fn drawn_values_in_late_templates_are_the_same_in_every_attempt() {
    let keys = |attempt: u32, seed: u64| {
        json!({
            "with": {"say": null}, "late": [{"at": "/say", "template": "${secrets.KEY}-${uuid()}-${string(now())}"}],
            "secrets": ["KEY"], "seed": seed, "renderedAt": "2025-05-05T05:05:05Z",
            "fence": {"step": "pay", "phase": "run", "attempt": attempt, "turn": 0},
        })
    };
    let first = said(keys(1, 7)).await;
    assert_eq!(first, said(keys(2, 7)).await);
    assert_ne!(first, said(keys(1, 8)).await);
    assert!(first.as_str().unwrap().ends_with("2025-05-05T05:05:05Z"), "{first}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_without_a_value_errors_the_step_and_is_named() {
    let world = World::new(listening().0, Outside::default());
    let result = world.result(job(json!({"secrets": ["KEY"]}))).await;
    assert_eq!(
        (result.outcome, error_of(&result)),
        (Outcome::Errored, ("secret.missing", "the secret `KEY` has no value"))
    );
}

#[tokio::test(start_paused = true)]
async fn null_inside_a_longer_text_names_the_culprit() {
    let world = World::new(listening().0, Outside::with_secrets(&[("KEY", "hunter2222")]));
    let keys = json!({
        "with": {"say": null}, "late": [{"at": "/say", "template": "${secrets.KEY} ${steps.order.id}"}],
        "scope": {"steps": {"order": {"id": null}}}, "secrets": ["KEY"],
    });
    let result = world.result(job(keys)).await;
    let (code, message) = error_of(&result);
    assert_eq!((result.outcome, code), (Outcome::Errored, "expression.null"));
    assert!(message.contains("steps.order.id") && message.contains("/say"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_value_sealed_by_one_step_is_opened_in_the_next() {
    let first = World::new(
        Script::output(json!({"token": "Bearer hunter2222", "pin": "987654", "id": 7})),
        Outside::with_secrets(&[("KEY", "hunter2222")]),
    );
    let captures = json!([
        {"name": "auth", "value": "token"}, {"name": "pin", "value": "pin", "secret": true}, {"name": "id", "value": "id"},
        {"name": "made", "value": "secrets.KEY.upperAscii()"},
    ]);
    let mut result = first.result(job(json!({"secrets": ["KEY"], "captures": captures}))).await;
    assert_eq!(result.captures["id"], Captured::Clear(json!(7)));
    for name in ["auth", "pin", "made"] {
        assert!(matches!(result.captures[name], Captured::Sealed(_)), "{name}");
    }
    let mut sealed = |name: &str| json!({"at": format!("/steps/login/{name}"), "value": result.captures.remove(name)});
    // The next step does not name the secret, and knows its value from what was sealed.
    let keys = json!({
        "with": {"say": null}, "late": [{"at": "/say", "template": "${steps.login.auth}"}],
        "scope": {"steps": {"login": {"auth": null, "pin": null, "made": null}}},
        "deferred": [sealed("auth"), sealed("pin"), sealed("made")],
        "assertions": [{"that": "steps.login.pin == '987654' && steps.login.made == 'HUNTER2222'"}],
    });
    let echo = Script::of(|call| done(json!({"heard": call.config.say, "bare": "hunter2222", "pin": "pin 987654"})));
    let result = World::new(echo, Outside::default()).result(job(keys)).await;
    assert_eq!(result.outcome, Outcome::Passed, "{result:?}");
    assert_eq!(result.evidence.unwrap().preview, json!({"heard": "Bearer ***", "bare": "***", "pin": "pin ***"}));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_opened_errors_the_step() {
    let world = World::new(listening().0, Outside::default());
    let deferred = |sealed: &str| json!({"scope": {"vars": {"x": null}}, "deferred": [{"at": "/vars/x", "value": {"$sealed": sealed}}]});
    let result = world.result(job(deferred("zz"))).await;
    assert_eq!(error_of(&result).0, "secret.broken");
    let foreign = world.outside.seal("{}").await.unwrap();
    assert_eq!(error_of(&world.result(job(deferred(&foreign))).await).0, "step.sealed");
}

#[tokio::test(start_paused = true)]
async fn deferred_values_are_made_with_their_own_scope_salt_and_time() {
    let inner = json!({
        "$value": null, "$late": [{"at": "", "template": "${secrets.KEY}/${uuid()}"}], "$salt": "vars/ref", "$now": start(),
    });
    let outer = json!({
        "$value": {"auth": null, "fixed": 1}, "$late": [{"at": "/auth", "template": "${vars.ref}@${inputs.host}"}],
        "$scope": {"vars": {"ref": null}, "inputs": {"host": "h"}}, "$deferred": [{"at": "/vars/ref", "value": inner}],
        "$salt": "vars/auth", "$now": start(),
    });
    let keys = |step: &str| {
        json!({
            "with": {"say": null}, "late": [{"at": "/say", "template": "${vars.auth}"}],
            "scope": {"vars": {"auth": null}}, "deferred": [{"at": "/vars/auth", "value": outer}], "secrets": ["KEY"],
            "fence": {"step": step, "phase": "run", "attempt": 1, "turn": 0},
        })
    };
    let said_by_one = said(keys("one")).await;
    let auth = said_by_one["auth"].as_str().unwrap();
    assert!(auth.starts_with("hunter2222/") && auth.ends_with("@h"), "{auth}");
    assert_eq!(said_by_one, said(keys("two")).await, "every step sees the same value of a var");
}

#[tokio::test(start_paused = true)]
async fn the_scope_of_bare_expressions_is_opened() {
    let script =
        Script::of(|call| done(json!({"key": call.cx.scope["secrets"]["KEY"], "n": call.cx.scope["inputs"]["n"]})));
    let world = World::new(script, Outside::with_secrets(&[("KEY", "hunter2222")]));
    let keys = json!({"scope": {"inputs": {"n": 3}}, "secrets": ["KEY"], "assertions": [{"that": "key == 'hunter2222' && n == 3"}]});
    assert_eq!(world.result(job(keys)).await.outcome, Outcome::Passed);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_what_is_made_from_a_secret_shows_no_value() {
    let late = [
        "${int(secrets.KEY.upperAscii())}",
        "${duration(secrets.KEY.substring(1))}",
        "${timestamp(secrets.KEY.reverse())}",
        "${{\"a\": 1}[secrets.KEY.reverse()]}",
        "${{secrets.KEY.reverse(): 1}.nothing}",
        "${secrets.KEY.reverse().format([])}",
        "${b\"\\377\" == base64.decode(secrets.KEY.reverse() + \"!\") ? 1 : 2}",
    ];
    for template in late {
        let world = World::new(listening().0, Outside::with_secrets(&[("KEY", "Hunter-2222-x")]));
        let keys = json!({
            "with": {"say": null}, "late": [{"at": "/say", "template": template}], "scope": {}, "secrets": ["KEY"],
        });
        let result = world.result(job(keys)).await;
        if result.outcome == Outcome::Passed {
            continue;
        }
        let (_, message) = error_of(&result);
        assert!(message.contains("`with/say`"), "{message}");
        let message = message.replace(template, "").to_lowercase();
        for trace in ["unter", "2222", "retnu"] {
            assert!(!message.contains(trace), "{template}: {message}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn neither_do_assertions_and_captures_that_name_a_secret() {
    let world =
        World::new(Script::of(|_| done(json!({"ok": true}))), Outside::with_secrets(&[("KEY", "Hunter-2222-x")]));
    let expressions = [
        "int(secrets.KEY.reverse()) == 1",
        "cel.bind(x, secrets[\"KEY\"].reverse(), x.upperAscii() == \"A\")",
        "{secrets.KEY.reverse(): 1}.nothing == 1",
        "{\"a\": 1}[secrets.KEY.reverse()] == 1",
    ];
    let assertions: Vec<Json> = expressions.iter().map(|that| json!({"that": that})).collect();
    let captures: Vec<Json> = expressions
        .iter()
        .enumerate()
        .map(|(index, value)| json!({"name": format!("c{index}"), "value": value}))
        .collect();
    let keys =
        json!({"with": {"say": 1}, "scope": {}, "secrets": ["KEY"], "assertions": assertions, "captures": captures});
    let result = world.result(job(keys)).await;
    assert_eq!((result.outcome, result.assertions.len()), (Outcome::Failed, 4), "{:?}", result.error);
    let text = serde_json::to_string(&result).unwrap().to_lowercase();
    for trace in ["unter", "2222", "retnu"] {
        assert!(!text.contains(trace), "{text}");
    }
}
