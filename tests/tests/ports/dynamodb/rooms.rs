//! What has no room in a root: large values, many parts, long histories.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assay_app::ports::{Claim, ClaimKey, ExecutionStore, Saved};
use assay_engine::bundle::Bundle;
use assay_engine::execution::{Event, Part, PartId, Start};
use assay_engine::job::Captured;
use assay_engine::record::{Record, What};
use assay_services::Services;

use super::wire::{Wire, size};
use super::{Tables, reached};
use crate::samples::{TestClock, execution_id, fence, key, loaded, new_execution, owner, record, save_of};

/// No item is larger.
const LARGEST: usize = 300_000;

/// A text that nothing makes smaller.
fn noise(bytes: usize, seed: u64) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let letter = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        LETTERS[(state >> 32) as usize % LETTERS.len()] as char
    };
    (0..bytes).map(letter).collect()
}

fn start_of(text: String) -> Part {
    let mut start = Start::default();
    start.inputs.insert("text".into(), Captured::Clear(text.into()));
    Part::Start(start)
}

async fn opened() -> (Wire, Arc<dyn ExecutionStore>, Arc<dyn ExecutionStore>) {
    let wire = Wire::to(Services::shared().dynamodb_url()).await;
    let config = reached(&wire.url);
    let tables = Tables::made(&config).await;
    let (one, other) =
        (tables.store(&config, TestClock::new(), "one"), tables.store(&config, TestClock::new(), "other"));
    (wire, one, other)
}

fn largest(wire: &Wire) -> usize {
    wire.calls().iter().map(|call| size(&call.body["Item"])).max().unwrap()
}

#[tokio::test]
async fn large_values_lie_apart_and_come_back() {
    let (wire, store, other) = opened().await;
    let mut new = new_execution("a");
    new.parts.insert(PartId::Start, start_of(noise(700_000, 1)));
    store.create(new.clone()).await.unwrap();
    let mut save = save_of(&loaded(&*store, "a").await, 0);
    let long = noise(400_000, 2);
    save.records =
        vec![Arc::new(Record { what: What::Warned { step: None, message: long }, ..(*record("a", 2)).clone() })];
    save.parts = (0..8).map(|number| (PartId::StepValues(number), start_of(noise(64_000, number.into())))).collect();
    assert_eq!(store.save(save.clone()).await.unwrap(), Saved::Version(2));
    assert!(largest(&wire) <= LARGEST);
    let all = loaded(&*other, "a").await;
    assert_eq!(all.parts[&PartId::Start], new.parts[&PartId::Start]);
    for (id, part) in &save.parts {
        assert_eq!(all.parts[id], *part);
    }
    assert_eq!(other.records(&execution_id("a"), 1, 10).await.unwrap(), [(*save.records[0]).clone()]);
}

#[tokio::test]
async fn a_save_of_very_many_parts_goes_through_at_once() {
    let (wire, store, other) = opened().await;
    store.create(new_execution("a")).await.unwrap();
    let mut save = save_of(&loaded(&*store, "a").await, 0);
    // none of them is large, all together are
    save.parts = (0..400).map(|number| (PartId::StepValues(number), start_of(noise(1_900, number.into())))).collect();
    assert_eq!(store.save(save.clone()).await.unwrap(), Saved::Version(2));
    assert_eq!(store.save(save_of(&loaded(&*store, "a").await, 1)).await.unwrap(), Saved::Version(3));
    assert!(largest(&wire) <= LARGEST);
    let all = loaded(&*other, "a").await;
    assert_eq!(all.parts.len(), 401);
    for (id, part) in &save.parts {
        assert_eq!(all.parts[id], *part);
    }
}

/// A long history of small parts: what leaves the root is found again, by whoever asks, in every way of asking.
#[tokio::test]
async fn what_left_the_root_is_found() {
    let (_wire, store, other) = opened().await;
    store.create(new_execution("a")).await.unwrap();
    let mut kept = BTreeMap::new();
    let mut seen = loaded(&*store, "a").await;
    for number in 0..120_u32 {
        let mut save = save_of(&seen, 3);
        save.head.steps = vec![assay_engine::execution::Standing::Running; 300];
        let id = PartId::StepValues(number % 90);
        let part = start_of(noise(300, number.into()));
        save.parts.insert(id, part.clone());
        kept.insert(id, part);
        let head = save.head.clone();
        let Saved::Version(version) = store.save(save).await.unwrap() else { panic!("nobody else saves") };
        (seen.head, seen.version) = (head, version);
    }
    let all = loaded(&*other, "a").await;
    assert_eq!(all.parts.len(), 91);
    let ids: Vec<_> = kept.keys().copied().chain([PartId::Signals]).collect();
    let some = other.load(&execution_id("a"), &ids).await.unwrap().unwrap();
    assert_eq!(some.absent, [PartId::Signals].into());
    assert_eq!(some.parts, kept);
    let expected: Vec<_> = (1..=361).map(|seq| (*record("a", seq)).clone()).collect();
    assert_eq!(other.records(&execution_id("a"), 0, 1000).await.unwrap(), expected);
    for after in [0, 1, 50, 200, 355, 360] {
        let some = other.records(&execution_id("a"), after, 7).await.unwrap();
        assert_eq!(some, expected.iter().skip(after as usize).take(7).cloned().collect::<Vec<_>>());
    }
    other.remove(&[execution_id("a")]).await.unwrap();
    assert!(other.load_whole(&execution_id("a")).await.unwrap().is_none());
    store.create(new_execution("a")).await.unwrap();
    assert_eq!(loaded(&*other, "a").await.parts.len(), 1, "nothing of the one before is left");
}

#[tokio::test]
async fn settled_claims_stay_settled_however_many_they_are() {
    let (_wire, store, other) = opened().await;
    store.create(new_execution("a")).await.unwrap();
    let of = |attempt| ClaimKey { fence: fence("login", attempt), ..key("a") };
    for attempt in 0..12_u32 {
        let mut save = save_of(&loaded(&*store, "a").await, 0);
        save.settled = (0..20).map(|number| of(attempt * 20 + number)).collect();
        store.save(save).await.unwrap();
    }
    for attempt in (0..240).step_by(17) {
        let claim = other.claim(&of(attempt), &owner("other", "one"), Duration::from_secs(30)).await.unwrap();
        assert_eq!(claim, Claim::Done(None), "{attempt}");
    }
    let claim = other.claim(&of(1000), &owner("other", "one"), Duration::from_secs(30)).await.unwrap();
    assert_eq!(claim, Claim::Acquired);
}

#[tokio::test]
async fn a_large_result_and_a_large_flow_are_kept_whole() {
    let (wire, store, other) = opened().await;
    store.create(new_execution("a")).await.unwrap();
    let owner = owner("one", "one");
    store.claim(&key("a"), &owner, Duration::from_secs(30)).await.unwrap();
    let report = Event::WorkerLost { fence: fence("login", 1), reason: noise(600_000, 3) };
    assert!(store.complete(&key("a"), &owner, &report).await.unwrap());
    let again = other.claim(&key("a"), &crate::samples::owner("other", "two"), Duration::from_secs(30)).await.unwrap();
    assert_eq!(again, Claim::Done(Some(Box::new(report))));
    let bundle = Bundle::of_text("flow.yaml", noise(2_000_000, 4));
    store.put_flow_version(&bundle.id(), &bundle).await.unwrap();
    assert_eq!(*other.flow_version(&bundle.id()).await.unwrap().unwrap(), bundle);
    assert!(largest(&wire) <= LARGEST);
}
