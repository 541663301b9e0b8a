//! Creating, loading, saving, history, flow versions, admission.

use std::collections::{BTreeMap, BTreeSet};

use assay_app::ports::{ExecutionFilter, PortErrorClass, Save, Saved};
use assay_engine::bundle::Bundle;
use assay_engine::execution::PartId;
use assay_engine::record::What;
use assay_engine::status::ExecutionStatus;
use serde_json::json;

use super::Opened;
use crate::samples::{execution_id, head, loaded, new_execution, organization, record, save_of, second, step};

pub(super) async fn an_execution_is_created_once(opened: Opened) {
    let store = opened.store;
    assert!(store.create(new_execution("a")).await.unwrap());
    let mut again = new_execution("a");
    again.head.flow = "another".into();
    assert!(!store.create(again).await.unwrap());
    let kept = loaded(&*store, "a").await;
    assert_eq!(kept.head.flow, "checkout");
    assert_eq!(kept.version, 1);
    assert_eq!(store.records(&execution_id("a"), 0, 10).await.unwrap().len(), 1);
}

pub(super) async fn what_was_created_is_loaded(opened: Opened) {
    let new = new_execution("a");
    opened.store.create(new.clone()).await.unwrap();
    let kept = loaded(&*opened.store, "a").await;
    assert_eq!((kept.head, kept.parts, kept.absent), (new.head, new.parts, BTreeSet::new()));
}

pub(super) async fn only_what_was_asked_for_is_loaded_and_the_rest_is_absent(opened: Opened) {
    let mut new = new_execution("a");
    new.parts.insert(PartId::Step(1), step(1));
    new.parts.insert(PartId::Block(1, 2), step(2));
    opened.store.create(new).await.unwrap();
    let wanted = [PartId::Block(1, 2), PartId::Step(0), PartId::Signals];
    let kept = opened.store.load(&execution_id("a"), &wanted).await.unwrap().unwrap();
    assert_eq!(kept.parts, BTreeMap::from([(PartId::Block(1, 2), step(2))]));
    assert_eq!(kept.absent, BTreeSet::from([PartId::Step(0), PartId::Signals]));
}

pub(super) async fn an_unknown_execution_is_none(opened: Opened) {
    assert!(opened.store.load(&execution_id("x"), &[]).await.unwrap().is_none());
    assert!(opened.store.load_whole(&execution_id("x")).await.unwrap().is_none());
    assert!(opened.store.records(&execution_id("x"), 0, 10).await.unwrap().is_empty());
}

pub(super) async fn a_save_replaces_head_and_parts(opened: Opened) {
    let store = opened.store;
    store.create(new_execution("a")).await.unwrap();
    let mut save = save_of(&loaded(&*store, "a").await, 1);
    save.parts = BTreeMap::from([(PartId::Step(0), step(1)), (PartId::Step(1), step(1))]);
    save.head.in_flight = 2;
    assert_eq!(store.save(save).await.unwrap(), Saved::Version(2));
    let mut save = save_of(&loaded(&*store, "a").await, 0);
    save.parts = BTreeMap::from([(PartId::Step(0), step(2))]);
    assert_eq!(store.save(save).await.unwrap(), Saved::Version(3));
    let kept = loaded(&*store, "a").await;
    assert_eq!((kept.version, kept.head.in_flight, kept.head.transitions), (3, 2, 2));
    assert_eq!((&kept.parts[&PartId::Step(0)], &kept.parts[&PartId::Step(1)]), (&step(2), &step(1)));
    assert!(kept.parts.contains_key(&PartId::Start));
}

pub(super) async fn of_two_savers_one_has_a_conflict(opened: Opened) {
    let store = opened.store;
    store.create(new_execution("a")).await.unwrap();
    let seen = loaded(&*store, "a").await;
    assert_eq!(store.save(save_of(&seen, 1)).await.unwrap(), Saved::Version(2));
    assert_eq!(store.save(save_of(&seen, 1)).await.unwrap(), Saved::Conflict);
    assert_eq!(loaded(&*store, "a").await.head.transitions, 1);
}

pub(super) async fn of_many_savers_at_once_one_wins(opened: Opened) {
    let store = opened.store;
    store.create(new_execution("a")).await.unwrap();
    let seen = loaded(&*store, "a").await;
    let mut savers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, save) = (store.clone(), save_of(&seen, 1));
        savers.spawn(async move { store.save(save).await.unwrap() });
    }
    let saved = savers.join_all().await;
    assert_eq!(saved.iter().filter(|saved| **saved == Saved::Version(2)).count(), 1);
    assert_eq!(saved.iter().filter(|saved| **saved == Saved::Conflict).count(), 7);
    assert_eq!(store.records(&execution_id("a"), 0, 10).await.unwrap().len(), 2);
}

pub(super) async fn a_save_that_is_refused_changes_nothing(opened: Opened) {
    let store = opened.store;
    store.create(new_execution("a")).await.unwrap();
    let before = loaded(&*store, "a").await;
    let mut save = Save { expected: 7, ..save_of(&before, 2) };
    save.parts.insert(PartId::Step(0), step(1));
    assert_eq!(store.save(save).await.unwrap(), Saved::Conflict);
    let after = loaded(&*store, "a").await;
    assert_eq!((after.head, after.version, after.parts), (before.head, before.version, before.parts));
    assert_eq!(store.records(&execution_id("a"), 0, 10).await.unwrap().len(), 1);
}

pub(super) async fn records_that_leave_a_gap_are_refused_whole(opened: Opened) {
    let store = opened.store;
    let mut gap = new_execution("b");
    gap.records = vec![record("b", 2)];
    assert_eq!(store.create(gap).await.unwrap_err().class, PortErrorClass::Bug);
    assert!(store.load(&execution_id("b"), &[]).await.unwrap().is_none());
    store.create(new_execution("a")).await.unwrap();
    let before = loaded(&*store, "a").await;
    for wrong in
        [vec![record("a", 3)], vec![record("a", 1)], vec![record("a", 2), record("a", 4)], vec![record("b", 2)]]
    {
        let mut save = Save { records: wrong, ..save_of(&before, 0) };
        save.parts.insert(PartId::Step(0), step(1));
        assert_eq!(store.save(save).await.unwrap_err().class, PortErrorClass::Bug);
    }
    let after = loaded(&*store, "a").await;
    assert_eq!((after.head, after.version, after.parts), (before.head, before.version, before.parts));
}

pub(super) async fn records_come_in_order_and_in_pages(opened: Opened) {
    let store = opened.store;
    store.create(new_execution("a")).await.unwrap();
    store.create(new_execution("b")).await.unwrap();
    for _ in 0..3 {
        for name in ["a", "b"] {
            let save = save_of(&loaded(&*store, name).await, 2);
            store.save(save).await.unwrap();
        }
    }
    let numbers = async |after, limit| -> Vec<u64> {
        let records = store.records(&execution_id("a"), after, limit).await.unwrap();
        assert!(records.iter().all(|record| record.execution == execution_id("a")));
        records.iter().map(|record| record.seq).collect()
    };
    assert_eq!(numbers(0, 100).await, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(numbers(0, 3).await, [1, 2, 3]);
    assert_eq!(numbers(3, 3).await, [4, 5, 6]);
    assert_eq!(numbers(7, 3).await, [0_u64; 0]);
    assert_eq!(numbers(u64::MAX, usize::MAX).await, [0_u64; 0]);
    assert_eq!(store.records(&execution_id("a"), 1, 1).await.unwrap()[0], *record("a", 2));
}

pub(super) async fn saving_an_unknown_execution_is_a_conflict(opened: Opened) {
    opened.store.create(new_execution("a")).await.unwrap();
    let mut save = save_of(&loaded(&*opened.store, "a").await, 0);
    save.head = head("x");
    assert_eq!(opened.store.save(save).await.unwrap(), Saved::Conflict);
    assert!(opened.store.load(&execution_id("x"), &[]).await.unwrap().is_none());
}

fn closing() -> What {
    What::Warned { step: None, message: "its state cannot be read".into() }
}

pub(super) async fn an_execution_that_is_set_aside_has_ended(opened: Opened) {
    let store = opened.store;
    store.create(new_execution("a")).await.unwrap();
    let seen = loaded(&*store, "a").await;
    let whose = store.set_aside(&execution_id("a"), closing(), second(-5)).await.unwrap();
    assert_eq!(whose, Some(organization()));
    let records = store.records(&execution_id("a"), 0, 10).await.unwrap();
    assert_eq!((records[1].seq, &records[1].what), (2, &closing()));
    // time does not go back within a history
    assert_eq!(records[1].at, second(0));
    let page = store.list(&ExecutionFilter::default()).await.unwrap();
    assert_eq!((page.executions[0].status, page.executions[0].ended_at), (ExecutionStatus::Errored, Some(second(0))));
    assert!(store.due(second(1_000_000), None, 10).await.unwrap().is_empty());
    assert_eq!(store.save(save_of(&seen, 1)).await.unwrap(), Saved::Conflict);
    let after = loaded(&*store, "a").await;
    assert_eq!((after.head.status, after.head.last_seq), (ExecutionStatus::Errored, 2));
}

pub(super) async fn setting_aside_ends_an_execution_once(opened: Opened) {
    let store = opened.store;
    assert_eq!(store.set_aside(&execution_id("a"), closing(), second(1)).await.unwrap(), None);
    store.create(new_execution("a")).await.unwrap();
    assert!(store.set_aside(&execution_id("a"), closing(), second(1)).await.unwrap().is_some());
    assert_eq!(store.set_aside(&execution_id("a"), closing(), second(2)).await.unwrap(), None);
    assert_eq!(store.records(&execution_id("a"), 0, 10).await.unwrap().len(), 2);
}

pub(super) async fn flow_versions_are_kept_once(opened: Opened) {
    let store = opened.store;
    let mut bundle = Bundle::of_text("flow.yaml", "steps: []");
    bundle.files.insert("body.bin".into(), [0_u8, 255, 10].as_slice().into());
    let id = bundle.id();
    assert!(store.flow_version(&id).await.unwrap().is_none());
    store.put_flow_version(&id, &bundle).await.unwrap();
    opened.clock.set(second(100_000));
    store.put_flow_version(&id, &Bundle::of_text("flow.yaml", "another")).await.unwrap();
    assert_eq!(*store.flow_version(&id).await.unwrap().unwrap(), bundle);
    assert_eq!(*store.flow_version(&id).await.unwrap().unwrap(), bundle);
}

pub(super) async fn admission_is_saved_by_compare_and_set(opened: Opened) {
    let store = opened.store;
    let organization = organization();
    let other = "org_two".parse().unwrap();
    assert_eq!(store.admission(&organization).await.unwrap().1, 0);
    assert!(!store.save_admission(&organization, &json!({"n": 0}), 3).await.unwrap());
    assert!(store.save_admission(&organization, &json!({"n": 1}), 0).await.unwrap());
    assert!(!store.save_admission(&organization, &json!({"n": 2}), 0).await.unwrap());
    assert_eq!(store.admission(&organization).await.unwrap(), (json!({"n": 1}), 1));
    assert!(store.save_admission(&organization, &json!({"n": 3}), 1).await.unwrap());
    assert_eq!(store.admission(&organization).await.unwrap(), (json!({"n": 3}), 2));
    assert_eq!(store.admission(&other).await.unwrap().1, 0);
}
