//! What passes on one machine passes in a stack.

use assay_app::view::ExecutionView;
use assay_engine::status::ExecutionStatus::{Cancelled, Failed, Passed};
use assay_engine::status::StepStatus;
use assay_services::Services;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use crate::stack::Stack;
use crate::target::Target;

fn flow(name: &str, target: &Target, steps: &str) -> String {
    format!("name: {name}\ndefaults: {{http: {{baseUrl: \"{}\"}}}}\n{steps}", target.url)
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_follow_each_other_and_hand_on_what_they_captured() {
    let (stack, target) = (Stack::dev().await, Target::start().await);
    let text = flow(
        "captures",
        &target,
        "steps:
  - {id: first, type: http, with: {url: /first}, assert: [status == 200], capture: {n: body.times}}
  - {id: second, type: http, with: {url: \"/second/${steps.first.n}\"}, assert: [body.path == '/second/1']}
finally:
  - {id: last, type: http, with: {url: /last}, assert: [status == 200]}
",
    );
    let view = stack.run("captures", &[("flow.yaml", &text)]).await;
    assert_eq!(view.status, Passed, "{view:#?}");
    assert_eq!((target.times("/first"), target.times("/second/1"), target.times("/last")), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn delays_short_and_long_come_from_timers() {
    let (stack, target) = (Stack::dev().await, Target::start().await);
    let text = flow(
        "delays",
        &target,
        "steps:
  - {id: short, type: delay, with: {for: 300ms}}
  - {id: longer, type: delay, with: {for: 2s}}
  - {id: after, type: http, with: {url: /after}, assert: [status == 200]}
",
    );
    let view = stack.run("delays", &[("flow.yaml", &text)]).await;
    assert_eq!(view.status, Passed, "{view:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_instance_of_a_foreach_acts_once() {
    let (stack, target) = (Stack::dev().await, Target::start().await);
    let text = flow(
        "foreach",
        &target,
        "inputs: {all: {type: array, default: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]}}
steps:
  - {id: each, type: http, foreach: \"${inputs.all}\", maxParallel: 4, with: {url: \"/each/${item}\"}, assert: [status == 200]}
",
    );
    let view = stack.run("foreach", &[("flow.yaml", &text)]).await;
    assert_eq!(view.status, Passed, "{view:#?}");
    assert!((0..12).all(|index| target.times(&format!("/each/{index}")) == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_is_retried_and_one_looks_again_until_its_assertions_hold() {
    let (stack, target) = (Stack::dev().await, Target::start().await);
    let text = flow(
        "again",
        &target,
        "steps:
  - {id: flaky, type: http, with: {url: /flaky/1}, retry: {maxAttempts: 3, interval: 200ms, on: [\"status >= 500\"]}, assert: [status == 200]}
  - {id: later, type: http, with: {url: /later/1}, eventually: {timeout: 30s, interval: 300ms}, assert: [body.ready]}
",
    );
    let view = stack.run("again", &[("flow.yaml", &text)]).await;
    assert_eq!(view.status, Passed, "{view:#?}");
    assert_eq!((target.times("/flaky/1"), target.times("/later/1")), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_assertion_fails_the_flow_and_finally_runs_all_the_same() {
    let (stack, target) = (Stack::dev().await, Target::start().await);
    let text = flow(
        "fails",
        &target,
        "steps:
  - {id: wrong, type: http, with: {url: /wrong}, assert: [status == 418]}
  - {id: never, type: http, with: {url: /never}, assert: [status == 200]}
finally:
  - {id: clean, type: http, with: {url: /clean}, assert: [status == 200]}
",
    );
    let view = stack.run("fails", &[("flow.yaml", &text)]).await;
    assert_eq!(view.status, Failed, "{view:#?}");
    assert_eq!((target.times("/never"), target.times("/clean")), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_ends_a_wait_and_finally_runs() {
    let (stack, target) = (Stack::dev().await, Target::start().await);
    let text = flow(
        "cancelled",
        &target,
        "steps:
  - {id: begin, type: http, with: {url: /begin}, assert: [status == 200]}
  - {id: hold, type: wait, with: {signal: go, within: 20m}}
finally:
  - {id: clean, type: http, with: {url: /tidy}, assert: [status == 200]}
",
    );
    let id = stack.start("cancelled", &[("flow.yaml", &text)]).await;
    let waits = |view: &ExecutionView| view.step("hold").is_some_and(|step| step.place.status == StepStatus::Running);
    stack.until(&id, "waiting", waits).await;
    stack.executions.cancel(&id, "a test", false).await.unwrap();
    let view = stack.until(&id, "over", |view| view.status.ended()).await;
    assert_eq!(view.status, Cancelled, "{view:#?}");
    assert_eq!(target.times("/tidy"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_flow_gives_its_captures_to_its_parent() {
    let (stack, target) = (Stack::dev().await, Target::start().await);
    let child = flow(
        "child",
        &target,
        "steps:
  - {id: ask, type: http, with: {url: /child}, assert: [status == 200], capture: {seen: body.path}}
",
    );
    let parent = flow(
        "parent",
        &target,
        "steps:
  - {id: sub, type: flow, with: {flow: child.yaml}, capture: {seen: seen}}
  - {id: tell, type: http, with: {url: \"/told${steps.sub.seen}\"}, assert: [status == 200]}
",
    );
    let view = stack.run("parent", &[("parent.yaml", &parent), ("child.yaml", &child)]).await;
    assert_eq!(view.status, Passed, "{view:#?}");
    assert_eq!(target.times("/told/child"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_type_acts_in_a_function_of_its_own() {
    let (stack, services) = (Stack::dev().await, Services::shared());
    let topic = format!("stack-{}", jiff::Timestamp::now().as_millisecond());
    let brokers: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", services.kafka_plain()).create().unwrap();
    let new = NewTopic::new(&topic, 1, TopicReplication::Fixed(1));
    brokers.create_topics([&new], &AdminOptions::new()).await.unwrap();
    let text = format!(
        "name: everywhere
steps:
  - {{id: row, type: sql, with: {{url: \"{sql}\", query: select 41 + 1 as n}}, assert: ['rows[0].n == 42']}}
  - {{id: told, type: kafka.publish, with: {{brokers: \"{kafka}\", topic: {topic}, json: {{n: 42}}}}}}
  - id: heard
    type: kafka.expect
    armBefore: told
    needs: [told]
    with: {{brokers: \"{kafka}\", topic: {topic}, match: value.n == 42, within: 60s}}
  - {{id: cached, type: redis, needs: [heard], with: {{url: \"{redis}\", command: [SET, 'app:{topic}', '42']}}, assert: [reply == 'OK']}}
  - {{id: lines, type: loki, with: {{url: \"{loki}\", tenant: stack, query: '{{app=\"nobody\"}}'}}, assert: [count == 0]}}
  - {{id: number, type: prometheus, with: {{url: \"{prometheus}\", query: 'vector(42)'}}, assert: [value == 42.0]}}
",
        sql = services.postgres_url(),
        kafka = services.kafka_plain(),
        redis = services.redis_url(),
        loki = services.loki_url(),
        prometheus = services.prometheus_url(),
    );
    let view = stack.run("everywhere", &[("flow.yaml", &text)]).await;
    assert_eq!(view.status, Passed, "{view:#?}");
}
