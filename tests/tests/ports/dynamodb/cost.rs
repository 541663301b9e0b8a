//! What executions cost, counted by the service itself.

use assay_app::ports::ExecutionStore as _;
use assay_engine::status::ExecutionStatus;
use assay_services::Services;

use std::sync::Arc;

use super::runs::{WallClock, World};
use super::wire::{Wire, by_action, size};
use super::{Tables, reached};

const STEPS: &str = "name: checkout
inputs:
  baseUrl: {type: string, default: \"http://127.0.0.1:8080\"}
steps:
";

/// Five steps that follow each other, each with a capture and an assertion.
fn five_steps() -> String {
    let step = |name: &str| {
        format!(
            "  - id: {name}\n    type: http\n    with: {{url: \"${{inputs.baseUrl}}/{name}\"}}\n    assert: [status == 200]\n    \
             capture: {{token: body.token}}\n"
        )
    };
    let steps: String = ["login", "order", "pay", "ship", "check"].into_iter().map(step).collect();
    format!("{STEPS}{steps}")
}

/// Units written and read by a five-step execution whose captures have this many bytes.
#[expect(clippy::print_stdout, reason = "`--nocapture` shows the figures that the docs tell")]
async fn counted(capture: usize) -> (f64, f64) {
    let wire = Wire::to(Services::shared().dynamodb_url()).await;
    let config = reached(&wire.url);
    let tables = Tables::made(&config).await;
    let world = World::on(tables.store(&config, Arc::new(WallClock), "node-1"), "t".repeat(capture));
    // the flow version and the organization are written once for many executions
    let first = world.start(&five_steps()).await;
    world.drain(true).await;
    world.store.remove(&[first]).await.unwrap();
    wire.calls();
    let id = world.start(&five_steps()).await;
    world.drain(true).await;
    let calls = wire.calls();
    let ended = world.store.load(&id, &[]).await.unwrap().unwrap();
    assert_eq!(ended.head.status, ExecutionStatus::Passed);
    let (writes, reads) = calls.iter().fold((0.0, 0.0), |sum, call| (sum.0 + call.writes, sum.1 + call.reads));
    let roots: Vec<_> = calls
        .iter()
        .filter(|call| call.body["Item"]["sk"]["S"] == "root")
        .map(|call| size(&call.body["Item"]))
        .collect();
    println!(
        "captures of {capture} bytes: {writes} written, {reads} read; roots of {roots:?} bytes; {:?}",
        by_action(&calls)
    );
    (writes, reads)
}

/// At $0.625 a million units written and $0.125 a million read.
fn dollars_for_a_thousand((writes, reads): (f64, f64)) -> f64 {
    (writes * 0.625 + reads * 0.125) / 1_000.0
}

#[tokio::test]
async fn a_small_execution_costs_little_to_keep() {
    let dollars = dollars_for_a_thousand(counted(32).await);
    assert!(dollars < 0.02, "{dollars}");
}
