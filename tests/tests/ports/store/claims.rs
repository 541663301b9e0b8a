//! Claims: who may act, whose result counts, what a stop and a lost worker come to.

use std::time::Duration;

use assay_app::ports::{Claim, ClaimKey, Owner, Renewal};
use assay_engine::status::ExecutionStatus;

use super::Opened;
use crate::samples::{execution_id, fence, job, key, loaded, new_execution, owner, report, save_of, second};

const LEASE: Duration = Duration::from_secs(30);

impl Opened {
    /// With an unfinished execution of this name.
    async fn with(self, name: &str) -> Self {
        self.store.create(new_execution(name)).await.unwrap();
        self
    }

    fn owner(&self, delivery: &str) -> Owner {
        owner(&self.process, delivery)
    }

    async fn claim(&self, delivery: &str) -> Claim {
        self.store.claim(&key("a"), &self.owner(delivery), LEASE).await.unwrap()
    }

    async fn renew(&self, delivery: &str) -> Renewal {
        self.store.renew(&key("a"), &self.owner(delivery), LEASE).await.unwrap()
    }

    async fn complete(&self, delivery: &str, name: &str) -> bool {
        self.store.complete(&key("a"), &self.owner(delivery), &report(name)).await.unwrap()
    }

    async fn expired(&self, seconds: i64) -> Vec<(ClaimKey, Option<assay_engine::execution::Event>)> {
        self.store.expired_claims(second(seconds), None, 10).await.unwrap()
    }
}

pub(super) async fn a_claim_is_acquired_once(opened: Opened) {
    let opened = opened.with("a").await;
    assert_eq!(opened.claim("one").await, Claim::Acquired);
    assert_eq!(opened.claim("two").await, Claim::Held);
    opened.clock.set(second(29));
    assert_eq!(opened.claim("two").await, Claim::Held);
}

pub(super) async fn the_same_delivery_may_ask_again(opened: Opened) {
    let opened = opened.with("a").await;
    assert_eq!(opened.claim("one").await, Claim::Acquired);
    assert_eq!(opened.claim("one").await, Claim::Acquired);
    opened.clock.set(second(31));
    assert_eq!(opened.claim("one").await, Claim::Lost);
}

pub(super) async fn a_kept_result_is_answered_again(opened: Opened) {
    let opened = opened.with("a").await;
    opened.claim("one").await;
    assert!(opened.complete("one", "one").await);
    assert_eq!(opened.claim("two").await, Claim::Done(Some(Box::new(report("one")))));
    opened.clock.set(second(100));
    assert_eq!(opened.claim("three").await, Claim::Done(Some(Box::new(report("one")))));
}

pub(super) async fn a_lease_that_is_over_is_lost_and_stays_lost(opened: Opened) {
    let opened = opened.with("a").await;
    opened.claim("one").await;
    opened.clock.set(second(30));
    assert_eq!(opened.claim("two").await, Claim::Lost);
    assert_eq!(opened.claim("three").await, Claim::Lost);
    // whatever the clock says then
    opened.clock.set(second(1));
    assert_eq!(opened.claim("four").await, Claim::Lost);
    assert!(!opened.complete("one", "one").await);
}

pub(super) async fn a_renewed_lease_lives_on(opened: Opened) {
    let opened = opened.with("a").await;
    opened.claim("one").await;
    for seconds in [20, 40, 60] {
        opened.clock.set(second(seconds));
        assert_eq!(opened.renew("one").await, Renewal::Go);
    }
    opened.clock.set(second(89));
    assert_eq!(opened.claim("two").await, Claim::Held);
    assert!(opened.complete("one", "one").await);
}

pub(super) async fn an_owner_whose_lease_is_over_neither_renews_nor_completes(opened: Opened) {
    let opened = opened.with("a").await;
    opened.claim("one").await;
    opened.clock.set(second(30));
    assert_eq!(opened.renew("one").await, Renewal::NotYours);
    assert!(!opened.complete("one", "one").await);
    assert_eq!(opened.expired(30).await, [(key("a"), None)]);
}

pub(super) async fn only_the_owner_renews_and_completes(opened: Opened) {
    let opened = opened.with("a").await;
    assert_eq!(opened.renew("one").await, Renewal::NotYours);
    assert!(!opened.complete("one", "one").await);
    opened.claim("one").await;
    assert_eq!(opened.renew("two").await, Renewal::NotYours);
    assert!(!opened.complete("two", "two").await);
    let elsewhere = owner("another-process", "one");
    assert_eq!(opened.store.renew(&key("a"), &elsewhere, LEASE).await.unwrap(), Renewal::NotYours);
    assert!(opened.complete("one", "one").await);
}

pub(super) async fn completing_twice_keeps_the_first_result(opened: Opened) {
    let opened = opened.with("a").await;
    opened.claim("one").await;
    assert!(opened.complete("one", "one").await);
    // the first answer can have been lost
    assert!(opened.complete("one", "two").await);
    assert!(!opened.complete("two", "two").await);
    assert_eq!(opened.renew("one").await, Renewal::NotYours);
    assert_eq!(opened.claim("two").await, Claim::Done(Some(Box::new(report("one")))));
}

pub(super) async fn a_stop_reaches_who_holds_the_claim(opened: Opened) {
    let opened = opened.with("a").await;
    opened.claim("one").await;
    opened.store.stop_claim(&key("a")).await.unwrap();
    opened.store.stop_claim(&key("a")).await.unwrap();
    assert_eq!(opened.renew("one").await, Renewal::Stop);
    assert_eq!(opened.renew("one").await, Renewal::Stop);
    assert!(opened.complete("one", "one").await);
    opened.store.stop_claim(&key("a")).await.unwrap();
    assert_eq!(opened.claim("two").await, Claim::Done(Some(Box::new(report("one")))));
}

pub(super) async fn a_stop_reaches_who_claims_later(opened: Opened) {
    let opened = opened.with("a").await;
    opened.store.stop_claim(&key("a")).await.unwrap();
    // nobody has claimed it: nobody is lost
    assert_eq!(opened.expired(1000).await, []);
    assert_eq!(opened.claim("one").await, Claim::Stopped);
    assert_eq!(opened.claim("two").await, Claim::Held);
    assert!(opened.complete("one", "one").await);
}

pub(super) async fn a_run_job_reaches_the_collector_at_each_renewal(opened: Opened) {
    let opened = opened.with("a").await;
    opened.store.proceed_claim(&key("a"), &job("a")).await.unwrap();
    assert_eq!(opened.claim("one").await, Claim::Acquired);
    assert_eq!(opened.renew("one").await, Renewal::Go);
    opened.store.proceed_claim(&key("a"), &job("a")).await.unwrap();
    assert_eq!(opened.renew("one").await, Renewal::Proceed(Box::new(job("a"))));
    assert_eq!(opened.renew("one").await, Renewal::Proceed(Box::new(job("a"))));
    opened.store.stop_claim(&key("a")).await.unwrap();
    assert_eq!(opened.renew("one").await, Renewal::Stop);
}

pub(super) async fn nobody_acts_for_a_settled_claim(opened: Opened) {
    let opened = opened.with("a").await;
    opened.claim("one").await;
    opened.complete("one", "one").await;
    opened.store.settle_claims(&[key("a"), key("unknown")]).await.unwrap();
    assert_eq!(opened.claim("two").await, Claim::Done(None));
    assert_eq!(opened.claim("one").await, Claim::Done(None));
    assert_eq!(opened.renew("one").await, Renewal::NotYours);
    opened.store.stop_claim(&key("a")).await.unwrap();
    assert_eq!(opened.claim("two").await, Claim::Done(None));
    assert_eq!(opened.expired(1000).await, []);
}

pub(super) async fn a_save_settles_its_claims(opened: Opened) {
    let opened = opened.with("a").await;
    opened.claim("one").await;
    let seen = loaded(&*opened.store, "a").await;
    let mut refused = save_of(&seen, 0);
    refused.expected = 9;
    refused.settled = vec![key("a")];
    opened.store.save(refused).await.unwrap();
    assert_eq!(opened.renew("one").await, Renewal::Go);
    let mut save = save_of(&seen, 0);
    save.settled = vec![key("a")];
    opened.store.save(save).await.unwrap();
    assert_eq!(opened.renew("one").await, Renewal::NotYours);
    assert!(!opened.complete("one", "one").await);
    assert_eq!(opened.claim("two").await, Claim::Done(None));
}

pub(super) async fn a_settled_claim_that_nobody_made_is_never_acquired(opened: Opened) {
    let opened = opened.with("a").await;
    let mut save = save_of(&loaded(&*opened.store, "a").await, 0);
    save.settled = vec![key("a")];
    opened.store.save(save).await.unwrap();
    assert_eq!(opened.claim("one").await, Claim::Done(None));
}

pub(super) async fn nobody_acts_for_an_execution_that_has_ended_or_is_unknown(opened: Opened) {
    assert_eq!(opened.claim("one").await, Claim::Held);
    let opened = opened.with("a").await;
    let mut save = save_of(&loaded(&*opened.store, "a").await, 0);
    save.head.status = ExecutionStatus::Cancelled;
    save.head.ended_at = Some(second(1));
    opened.store.save(save).await.unwrap();
    assert_eq!(opened.claim("one").await, Claim::Held);
}

pub(super) async fn turns_and_attempts_are_claimed_apart(opened: Opened) {
    let opened = opened.with("a").await.with("b").await;
    assert_eq!(opened.claim("one").await, Claim::Acquired);
    let (mut turn, mut instance, mut attempt) = (key("a"), key("a"), key("a"));
    turn.fence.turn = 1;
    instance.fence.instance = Some(0);
    attempt.fence = fence("login", 2);
    for other in [turn, instance, attempt, key("b")] {
        assert_eq!(opened.store.claim(&other, &opened.owner("one"), LEASE).await.unwrap(), Claim::Acquired);
    }
}

pub(super) async fn lost_claims_are_listed_until_they_are_settled(opened: Opened) {
    let opened = opened.with("a").await;
    opened.claim("one").await;
    assert_eq!(opened.expired(29).await, []);
    assert_eq!(opened.expired(30).await, [(key("a"), None)]);
    assert_eq!(opened.expired(30).await, [(key("a"), None)]);
    opened.store.settle_claims(&[key("a")]).await.unwrap();
    assert_eq!(opened.expired(30).await, []);
}

pub(super) async fn kept_results_are_listed_when_nobody_reported_them(opened: Opened) {
    let opened = opened.with("a").await;
    opened.claim("one").await;
    opened.complete("one", "one").await;
    // its report is on the way
    assert_eq!(opened.expired(5).await, []);
    assert_eq!(opened.expired(60).await, [(key("a"), Some(report("one")))]);
    let mut save = save_of(&loaded(&*opened.store, "a").await, 0);
    save.settled = vec![key("a")];
    opened.store.save(save).await.unwrap();
    assert_eq!(opened.expired(60).await, []);
}

pub(super) async fn expired_claims_are_limited_and_of_the_named_executions(opened: Opened) {
    let opened = opened.with("a").await.with("b").await.with("c").await;
    for (seconds, name) in [(2, "a"), (0, "b"), (1, "c")] {
        opened.clock.set(second(seconds));
        opened.store.claim(&key(name), &opened.owner(name), LEASE).await.unwrap();
    }
    let names = async |of: Option<&[_]>, limit| -> Vec<_> {
        let found = opened.store.expired_claims(second(100), of, limit).await.unwrap();
        found.into_iter().map(|(key, _)| key.execution).collect()
    };
    // soonest over first
    assert_eq!(names(None, 10).await, [execution_id("b"), execution_id("c"), execution_id("a")]);
    assert_eq!(names(None, 2).await, [execution_id("b"), execution_id("c")]);
    let some = [execution_id("a"), execution_id("x"), execution_id("c")];
    assert_eq!(names(Some(&some), 10).await, [execution_id("c"), execution_id("a")]);
    assert_eq!(names(Some(&[]), 10).await, []);
}
