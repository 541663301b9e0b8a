//! Messages that come twice, late and out of order change nothing; a batch is one save.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use assay_adapters::memory::MemoryWorkQueue;
use assay_engine::status::ExecutionStatus;

use crate::flow::{child, delay, flow, step};
use crate::world::{Act, Setup, World, verdicts};

#[tokio::test(start_paused = true)]
async fn on_a_nasty_queue_every_step_has_one_verdict_and_acts_once_per_attempt() {
    for seed in 0..40 {
        let inner = flow(vec![step("x"), step("y").needs(&["x"])]);
        let main = vec![
            step("a"),
            step("b").needs(&["a"]).retried(3, Duration::from_millis(300)),
            child("c", "child.yaml", inner).needs(&["a"]),
            delay("d", "2s").needs(&["a"]),
            step("e").needs(&["b", "c", "d"]),
        ];
        let setup = Setup { inner_queue: Arc::new(MemoryWorkQueue::nasty(seed)), ..Setup::default() };
        let world = World::with(setup, flow(main).finally(vec![step("z")]), |job| {
            if job.fence.step == "b" && job.fence.attempt < 3 { Act::Fail } else { Act::Pass }
        });
        let id = world.start("one").await;
        let view = world.ends_within(&id, Duration::from_secs(90)).await;
        assert_eq!(view.status, ExecutionStatus::Passed, "seed {seed}");
        assert!(verdicts(&world.records(&id).await).values().all(|count| *count == 1), "seed {seed}");
        let acts = world.acts();
        let distinct: BTreeSet<&String> = acts.iter().collect();
        assert_eq!((acts.len(), distinct.len()), (8, 8), "seed {seed}: {acts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_one_execution_is_one_save_and_no_load() {
    let world = World::new(flow(vec![step("a"), step("b"), step("c"), step("d")]), |_| Act::Pass);
    let id = world.start("one").await;
    world.dispatch().await;
    for job in world.jobs().await {
        world.worker.deal_with(job).await;
    }
    let (saves, loads) = (&world.store.saves, &world.store.loads);
    let before = (saves.load(Ordering::SeqCst), loads.load(Ordering::SeqCst));
    world.dispatch().await;
    let view = world.executions.show(&id, false).await.unwrap();
    assert_eq!(view.status, ExecutionStatus::Passed);
    // One for the four results, one because the end was told.
    assert_eq!(saves.load(Ordering::SeqCst) - before.0, 2);
    assert_eq!(loads.load(Ordering::SeqCst) - before.1, 0);
}
