//! Watching: each record once, in order, whatever the notifier loses.

use std::sync::Arc;
use std::time::Duration;

use assay_engine::record::Record;
use assay_engine::status::ExecutionStatus;

use crate::flow::{flow, step};
use crate::world::{Act, World};

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_each_record_once_also_those_that_another_process_saved() {
    let world = World::new(flow(vec![step("a"), step("b").needs(&["a"])]), |_| Act::Takes(Duration::from_secs(2)));
    let id = world.start("one").await;
    // Its notifier is another one: all that reaches this watcher comes from the store.
    let elsewhere = world.restarted(|_| Act::Pass);
    let watch = async {
        let mut seen: Vec<Arc<Record>> = Vec::new();
        let mut follow = elsewhere.executions.follow(&id, 0).await.unwrap();
        while let Some(records) = follow.next().await.unwrap() {
            seen.extend(records);
        }
        seen
    };
    let watch_here = async {
        let mut seen: Vec<Arc<Record>> = Vec::new();
        let mut follow = world.executions.follow(&id, 2).await.unwrap();
        while let Some(records) = follow.next().await.unwrap() {
            seen.extend(records);
        }
        seen
    };
    // The follower within `ends_within` is a third one.
    let run = async {
        let view = world.ends_within(&id, Duration::from_secs(10)).await;
        assert_eq!(view.status, ExecutionStatus::Passed);
    };
    let (there, here, ()) = tokio::join!(watch, watch_here, run);
    let stored = world.records(&id).await;
    assert!(there.iter().map(|record| &**record).eq(stored.iter()));
    assert!(here.iter().map(|record| &**record).eq(stored[2..].iter()));
}
