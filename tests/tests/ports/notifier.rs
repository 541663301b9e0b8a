//! The rules of `Notifier`.

use std::sync::Arc;
use std::time::Duration;

use assay_adapters::memory::MemoryNotifier;
use assay_app::ports::{Notifier, Subscription};
use assay_engine::record::Record;
use tokio::time::timeout;

use crate::samples::{execution_id, record};

/// What is told next, if anything is.
async fn next(watcher: &mut dyn Subscription) -> Option<Vec<u64>> {
    let told = timeout(Duration::from_secs(1), watcher.next()).await.ok()?;
    told.map(|records| records.iter().map(|record| record.seq).collect())
}

fn records(name: &str, numbers: std::ops::RangeInclusive<u64>) -> Vec<Arc<Record>> {
    numbers.map(|number| record(name, number)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_watcher_is_told_of_its_execution_in_order() {
    let notifier = MemoryNotifier::default();
    notifier.publish(&records("a", 1..=1)).await.unwrap();
    let mut watcher = notifier.subscribe(Some(&execution_id("a"))).await.unwrap();
    notifier.publish(&records("a", 2..=3)).await.unwrap();
    notifier.publish(&records("b", 1..=9)).await.unwrap();
    notifier.publish(&[]).await.unwrap();
    let both = [records("b", 10..=10), records("a", 4..=5)].concat();
    notifier.publish(&both).await.unwrap();
    assert_eq!(next(&mut *watcher).await, Some(vec![2, 3]));
    assert_eq!(next(&mut *watcher).await, Some(vec![4, 5]));
    assert_eq!(next(&mut *watcher).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_of_everything_is_told_of_every_execution() {
    let notifier = MemoryNotifier::default();
    let mut watcher = notifier.subscribe(None).await.unwrap();
    notifier.publish(&records("a", 1..=2)).await.unwrap();
    notifier.publish(&records("b", 1..=1)).await.unwrap();
    assert_eq!(next(&mut *watcher).await, Some(vec![1, 2]));
    assert_eq!(next(&mut *watcher).await, Some(vec![1]));
}

#[tokio::test(start_paused = true)]
async fn two_watchers_are_told_the_same() {
    let notifier = MemoryNotifier::default();
    let mut one = notifier.subscribe(Some(&execution_id("a"))).await.unwrap();
    let mut other = notifier.subscribe(Some(&execution_id("a"))).await.unwrap();
    notifier.publish(&records("a", 1..=1)).await.unwrap();
    assert_eq!(next(&mut *one).await, Some(vec![1]));
    assert_eq!(next(&mut *other).await, Some(vec![1]));
    drop(one);
    notifier.publish(&records("a", 2..=2)).await.unwrap();
    assert_eq!(next(&mut *other).await, Some(vec![2]));
}

#[tokio::test(start_paused = true)]
async fn a_slow_watcher_sees_a_gap_and_holds_nobody_up() {
    let notifier = MemoryNotifier::default();
    let mut watcher = notifier.subscribe(Some(&execution_id("a"))).await.unwrap();
    for number in 1..=10_000 {
        notifier.publish(&records("a", number..=number)).await.unwrap();
    }
    let first = next(&mut *watcher).await.unwrap();
    assert!(first[0] > 1, "something was missed");
    let mut last = first[0];
    while let Some(told) = next(&mut *watcher).await {
        assert_eq!(told, [last + 1], "after the gap nothing is missing");
        last = told[0];
    }
    assert_eq!(last, 10_000);
}

#[tokio::test(start_paused = true)]
async fn nothing_more_comes_when_the_notifier_is_gone() {
    let notifier = MemoryNotifier::default();
    let mut watcher = notifier.subscribe(Some(&execution_id("a"))).await.unwrap();
    notifier.publish(&records("a", 1..=1)).await.unwrap();
    drop(notifier);
    assert!(watcher.next().await.is_some());
    assert!(watcher.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_comes_after_another_left_is_told() {
    let notifier = MemoryNotifier::default();
    drop(notifier.subscribe(Some(&execution_id("a"))).await.unwrap());
    notifier.publish(&records("a", 1..=1)).await.unwrap();
    let mut watcher = notifier.subscribe(Some(&execution_id("a"))).await.unwrap();
    notifier.publish(&records("a", 2..=2)).await.unwrap();
    assert_eq!(next(&mut *watcher).await, Some(vec![2]));
}
