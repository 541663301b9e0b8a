//! Answers that get lost, a service that is throttled, several processes at once.

use std::sync::Arc;
use std::time::Duration;

use assay_app::ports::{Claim, ExecutionStore as _, PortErrorClass, Renewal, Saved};
use assay_services::Services;
use serde_json::json;
use tokio::task::JoinSet;

use super::wire::{Fault, Wire};
use super::{Tables, reached};
use crate::samples::{
    TestClock, execution_id, key, loaded, new_execution, organization, owner, record, report, save_of,
};

const LEASE: Duration = Duration::from_secs(30);

/// A rule that loses the first answer to an item put into a partition.
fn lose_one(partition: &'static str) -> impl FnMut(&str, &serde_json::Value) -> Fault + Send + 'static {
    let mut lost = false;
    move |action, body| {
        let hit = action == "PutItem" && body["Item"]["pk"]["S"] == partition && !lost;
        lost |= hit;
        if hit { Fault::LoseAnswer } else { Fault::None }
    }
}

#[tokio::test]
async fn what_was_done_is_known_when_its_answer_was_lost() {
    let wire = Wire::to(Services::shared().dynamodb_url()).await;
    let (config, clock) = (reached(&wire.url), TestClock::new());
    let tables = Tables::made(&config).await;
    let store = tables.store(&config, clock, "node-1");
    wire.rule(lose_one("exe_a"));
    assert!(store.create(new_execution("a")).await.unwrap(), "it is created, and by this call");
    let seen = loaded(&*store, "a").await;
    wire.rule(lose_one("exe_a"));
    assert_eq!(store.save(save_of(&seen, 2)).await.unwrap(), Saved::Version(2), "it is saved, and by this call");
    assert_eq!(store.records(&execution_id("a"), 0, 10).await.unwrap().len(), 3);
    wire.rule(lose_one("exe_a"));
    let owner = owner("node-1", "one");
    assert_eq!(store.claim(&key("a"), &owner, LEASE).await.unwrap(), Claim::Acquired);
    wire.rule(lose_one("exe_a"));
    assert_eq!(store.renew(&key("a"), &owner, LEASE).await.unwrap(), Renewal::Go);
    wire.rule(lose_one("exe_a"));
    assert!(store.complete(&key("a"), &owner, &report("one")).await.unwrap());
    wire.rule(lose_one("org_one"));
    assert!(store.save_admission(&organization(), &json!({"n": 1}), 0).await.unwrap());
    wire.rule(lose_one("exe_a"));
    let closing = assay_engine::record::What::Warned { step: None, message: "unreadable".into() };
    let whose = store.set_aside(&execution_id("a"), closing, crate::samples::second(1)).await.unwrap();
    assert_eq!(whose, Some(organization()));
    assert_eq!(store.records(&execution_id("a"), 0, 10).await.unwrap().len(), 4, "it is set aside once");
}

#[tokio::test]
async fn a_save_whose_answers_are_all_lost_is_open_and_then_loaded() {
    let wire = Wire::to(Services::shared().dynamodb_url()).await;
    let (config, clock) = (reached(&wire.url), TestClock::new());
    let tables = Tables::made(&config).await;
    let store = tables.store(&config, clock, "node-1");
    store.create(new_execution("a")).await.unwrap();
    let seen = loaded(&*store, "a").await;
    wire.rule(|action, _| if action == "PutItem" { Fault::LoseAnswer } else { Fault::None });
    let error = store.save(save_of(&seen, 1)).await.unwrap_err();
    assert!(matches!(error.class, PortErrorClass::Retry { .. }), "{error:?}");
    wire.rule(|_, _| Fault::None);
    assert_eq!(loaded(&*store, "a").await.version, 2);
    assert_eq!(store.save(save_of(&seen, 1)).await.unwrap(), Saved::Conflict);
}

#[tokio::test]
async fn a_throttled_table_is_tried_again_later() {
    let wire = Wire::to(Services::shared().dynamodb_url()).await;
    let (config, clock) = (reached(&wire.url), TestClock::new());
    let tables = Tables::made(&config).await;
    let store = tables.store(&config, clock, "node-1");
    wire.rule(|_, _| Fault::Throttle);
    let error = store.create(new_execution("a")).await.unwrap_err();
    assert!(matches!(error.class, PortErrorClass::Retry { after: Some(_) }), "{error:?}");
    wire.rule(|_, _| Fault::None);
    assert!(store.create(new_execution("a")).await.unwrap());
}

/// Three processes save as fast as they can; every save that was answered counts, and no record is lost or doubled.
#[tokio::test]
async fn of_racing_processes_each_save_counts_once() {
    let config = reached(Services::shared().dynamodb_url());
    let tables = Arc::new(Tables::made(&config).await);
    tables.store(&config, TestClock::new(), "node-0").create(new_execution("a")).await.unwrap();
    let mut savers = JoinSet::new();
    for number in 1..=3 {
        let store = tables.store(&config, TestClock::new(), &format!("node-{number}"));
        savers.spawn(async move {
            let mut saved = 0;
            while saved < 20 {
                let mut save = save_of(&loaded(&*store, "a").await, 1);
                let number = save.head.last_seq as u32;
                save.parts.insert(assay_engine::execution::PartId::Step(number % 40), crate::samples::step(number));
                if let Saved::Version(_) = store.save(save).await.unwrap() {
                    saved += 1;
                }
            }
        });
    }
    savers.join_all().await;
    let store = tables.store(&config, TestClock::new(), "node-9");
    let all = loaded(&*store, "a").await;
    assert_eq!((all.version, all.head.transitions, all.head.last_seq), (61, 60, 61));
    let records = store.records(&execution_id("a"), 0, 1000).await.unwrap();
    let expected: Vec<_> = (1..=61).map(|seq| (*record("a", seq)).clone()).collect();
    assert_eq!(records, expected);
    for (number, part) in (2..=61_u32).rev().take(40).map(|number| (number, number % 40)) {
        assert_eq!(all.parts[&assay_engine::execution::PartId::Step(part)], crate::samples::step(number));
    }
}
