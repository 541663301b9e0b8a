//! The feed of records.

use std::collections::BTreeMap;

use assay_app::ports::{FeedCursor, PortErrorClass};
use assay_engine::id::ExecutionId;

use super::Opened;
use crate::samples::{execution_id, loaded, new_execution, save_of};

/// Reads to the end in small batches: the numbers of each execution.
async fn read_all(opened: &Opened, mut after: FeedCursor) -> (BTreeMap<ExecutionId, Vec<u64>>, FeedCursor) {
    let mut seen: BTreeMap<ExecutionId, Vec<u64>> = BTreeMap::new();
    loop {
        let batch = opened.feed.read(&after, 3).await.unwrap();
        if batch.next == after {
            return (seen, after);
        }
        assert!(batch.records.len() <= 3);
        for record in batch.records {
            seen.entry(record.execution).or_default().push(record.seq);
        }
        after = batch.next;
    }
}

async fn write_some(opened: &Opened) {
    for name in ["a", "b"] {
        opened.store.create(new_execution(name)).await.unwrap();
    }
    for name in ["b", "a", "a", "b"] {
        opened.store.save(save_of(&loaded(&*opened.store, name).await, 2)).await.unwrap();
    }
}

pub(super) async fn every_record_comes_in_order_per_execution(opened: Opened) {
    write_some(&opened).await;
    let (seen, _) = read_all(&opened, FeedCursor::default()).await;
    assert_eq!(seen[&execution_id("a")], [1, 2, 3, 4, 5]);
    assert_eq!(seen[&execution_id("b")], [1, 2, 3, 4, 5]);
}

pub(super) async fn a_reader_goes_on_where_it_was(opened: Opened) {
    write_some(&opened).await;
    assert_eq!(opened.feed.position("push").await.unwrap(), FeedCursor::default());
    let first = opened.feed.read(&FeedCursor::default(), 4).await.unwrap();
    opened.feed.advance("push", &first.next).await.unwrap();
    let position = opened.feed.position("push").await.unwrap();
    let (rest, _) = read_all(&opened, position).await;
    assert_eq!(first.records.len() + rest.values().map(Vec::len).sum::<usize>(), 10);
    assert_eq!(opened.feed.position("another").await.unwrap(), FeedCursor::default());
}

pub(super) async fn a_reader_at_the_end_gets_what_comes_next(opened: Opened) {
    write_some(&opened).await;
    let (_, end) = read_all(&opened, FeedCursor::default()).await;
    assert!(opened.feed.read(&end, 10).await.unwrap().records.is_empty());
    opened.store.save(save_of(&loaded(&*opened.store, "a").await, 1)).await.unwrap();
    let next = opened.feed.read(&end, 10).await.unwrap();
    assert_eq!(next.records.iter().map(|record| record.seq).collect::<Vec<_>>(), [6]);
}

pub(super) async fn no_record_is_missed_after_a_removal(opened: Opened) {
    write_some(&opened).await;
    let (_, end) = read_all(&opened, FeedCursor::default()).await;
    // the last records of all go: their places must not come again
    opened.store.remove(&[execution_id("a"), execution_id("b")]).await.unwrap();
    opened.store.create(new_execution("c")).await.unwrap();
    let (seen, end) = read_all(&opened, end).await;
    assert_eq!(seen[&execution_id("c")], [1]);
    opened.store.remove(&[execution_id("c")]).await.unwrap();
    opened.store.remove(&[]).await.unwrap();
    opened.store.create(new_execution("d")).await.unwrap();
    assert_eq!(read_all(&opened, end).await.0[&execution_id("d")], [1]);
}

pub(super) async fn a_foreign_place_is_refused(opened: Opened) {
    for foreign in ["x", "-1", "99999999999999999999"] {
        let foreign = FeedCursor(foreign.into());
        assert_eq!(opened.feed.read(&foreign, 1).await.unwrap_err().class, PortErrorClass::Permanent);
        assert_eq!(opened.feed.advance("push", &foreign).await.unwrap_err().class, PortErrorClass::Permanent);
    }
}
