//! The rules of `WorkQueue`, on the plain queue and on the nasty one; time is paused, so waiting costs nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use assay_adapters::memory::MemoryWorkQueue;
use assay_app::ports::{Delivery, Message, PortErrorClass, QueueName, WorkQueue};
use assay_engine::execution::Event;
use tokio::time::Instant;

use crate::samples::{execution_id, job};

pub(crate) const LONG: Duration = Duration::from_secs(3600);

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A message for an execution that a test can tell from others.
pub(crate) fn event(execution: &str, number: u32) -> Message {
    Message::Event { execution: execution_id(execution), event: Box::new(Event::Admitted { width: number }) }
}

/// The execution and the number.
pub(crate) fn told(message: &Message) -> (String, u32) {
    match message {
        Message::Event { execution, event } => match **event {
            Event::Admitted { width } => (execution.as_str().trim_start_matches("exe_").to_owned(), width),
            ref other => panic!("nobody sent {other:?}"),
        },
        other => panic!("nobody sent {other:?}"),
    }
}

pub(crate) fn steps(step_type: &str, pool: Option<&str>) -> QueueName {
    QueueName::Steps { step_type: step_type.into(), pool: pool.map(Into::into) }
}

pub(crate) async fn take(queue: &dyn WorkQueue, limit: usize) -> Vec<Delivery> {
    queue.receive(&QueueName::Dispatcher, limit, seconds(10)).await.unwrap()
}

pub(crate) async fn settle(queue: &dyn WorkQueue, deliveries: &[Delivery]) {
    let receipts: Vec<_> = deliveries.iter().map(|delivery| delivery.receipt.clone()).collect();
    queue.acknowledge(&receipts).await.unwrap();
}

/// A queue, and how long a second of the rules takes on it: where time is paused a second, else less.
pub(crate) struct Bench {
    pub(crate) queue: Arc<dyn WorkQueue>,
    pub(crate) second: Duration,
    /// What may come on top: where time is not paused, the machine may be busy.
    pub(crate) slack: Duration,
}

impl Bench {
    fn paused(queue: MemoryWorkQueue) -> Self {
        Self { queue: Arc::new(queue), second: seconds(1), slack: Duration::ZERO }
    }

    fn seconds(&self, seconds: u32) -> Duration {
        self.second * seconds
    }
}

/// Each rule on every queue.
macro_rules! on_every_queue {
    ($($rule:ident)*) => {
        mod plain {
            $(#[tokio::test(start_paused = true)]
            async fn $rule() {
                super::$rule(super::Bench::paused(super::MemoryWorkQueue::plain())).await;
            })*
        }
        mod nasty {
            $(#[tokio::test(start_paused = true)]
            async fn $rule() {
                for seed in 0..20 {
                    super::$rule(super::Bench::paused(super::MemoryWorkQueue::nasty(seed))).await;
                }
            })*
        }
        mod sqs {
            $(#[tokio::test]
            async fn $rule() {
                super::$rule(crate::sqs::bench().await).await;
            })*
        }
    };
}

on_every_queue! {
    everything_that_is_sent_is_received
    what_is_sent_at_once_is_received
    nothing_is_received_before_its_delay
    a_receiver_waits_no_longer_than_it_wants
    a_receiver_is_woken_by_what_is_sent
    no_two_receivers_work_on_one_execution
    what_is_given_back_comes_again
    every_delivery_has_an_id_of_its_own
    jobs_reach_their_own_queue
    a_settled_delivery_is_settled_once
}

async fn everything_that_is_sent_is_received(bench: Bench) {
    let queue = &*bench.queue;
    let mut missing = BTreeSet::new();
    for number in 0..40 {
        let execution = ["a", "b", "c"][number as usize % 3];
        queue.send(&QueueName::Dispatcher, event(execution, number), Duration::ZERO).await.unwrap();
        missing.insert((execution.to_owned(), number));
    }
    loop {
        let deliveries = queue.receive(&QueueName::Dispatcher, 7, bench.seconds(10)).await.unwrap();
        if deliveries.is_empty() {
            break;
        }
        assert!(deliveries.len() <= 7);
        for delivery in &deliveries {
            missing.remove(&told(&delivery.message));
        }
        settle(queue, &deliveries).await;
    }
    assert!(missing.is_empty(), "{missing:?}");
}

async fn what_is_sent_at_once_is_received(bench: Bench) {
    let queue = &*bench.queue;
    for name in [QueueName::Dispatcher, steps("http", None)] {
        let message = |number| match &name {
            QueueName::Dispatcher => event(["a", "b", "c"][number as usize % 3], number),
            _ => Message::Job(Box::new(job(&format!("n{number}")))),
        };
        let messages: Vec<Message> = (0..25).map(message).collect();
        queue.send_all(&name, messages.clone()).await.unwrap();
        let mut missing = messages;
        while !missing.is_empty() {
            let deliveries = queue.receive(&name, 12, LONG).await.unwrap();
            missing.retain(|message| deliveries.iter().all(|delivery| delivery.message != *message));
            settle(queue, &deliveries).await;
        }
    }
}

async fn nothing_is_received_before_its_delay(bench: Bench) {
    let queue = &*bench.queue;
    let begin = Instant::now();
    for number in [30, 5, 10] {
        let delay = bench.seconds(number);
        queue.send(&QueueName::Dispatcher, event(&format!("n{number}"), number), delay).await.unwrap();
        let job_delay = (steps("http", None), Message::Job(Box::new(job("a"))));
        queue.send(&job_delay.0, job_delay.1, delay).await.unwrap();
    }
    assert!(queue.receive(&QueueName::AllSteps, 10, bench.seconds(4)).await.unwrap().is_empty());
    let mut seen = BTreeSet::new();
    while seen.len() < 3 {
        for delivery in queue.receive(&QueueName::Dispatcher, 10, LONG).await.unwrap() {
            let (_, number) = told(&delivery.message);
            assert!(begin.elapsed() >= bench.seconds(number));
            seen.insert(number);
            settle(queue, &[delivery]).await;
        }
    }
    assert!(begin.elapsed() < bench.seconds(32) + bench.slack);
}

async fn a_receiver_waits_no_longer_than_it_wants(bench: Bench) {
    let queue = &*bench.queue;
    let begin = Instant::now();
    queue.send(&QueueName::Dispatcher, event("a", 1), bench.seconds(60)).await.unwrap();
    assert!(queue.receive(&QueueName::Dispatcher, 1, bench.seconds(3)).await.unwrap().is_empty());
    assert!((bench.seconds(3)..bench.seconds(4) + bench.slack).contains(&begin.elapsed()));
    assert!(queue.receive(&QueueName::Dispatcher, 1, Duration::ZERO).await.unwrap().is_empty());
}

async fn a_receiver_is_woken_by_what_is_sent(bench: Bench) {
    let queue = &*bench.queue;
    let begin = Instant::now();
    // the receiver waits first, then somebody sends
    let (received, ()) = tokio::join!(biased; queue.receive(&QueueName::Dispatcher, 1, LONG), async {
        queue.send(&QueueName::Dispatcher, event("a", 1), Duration::ZERO).await.unwrap();
    });
    assert_eq!(told(&received.unwrap()[0].message), ("a".into(), 1));
    assert!(begin.elapsed() < bench.seconds(2) + bench.slack);
}

async fn no_two_receivers_work_on_one_execution(bench: Bench) {
    let queue = &*bench.queue;
    for number in 0..30 {
        queue
            .send(&QueueName::Dispatcher, event(["a", "b"][number as usize % 2], number), Duration::ZERO)
            .await
            .unwrap();
    }
    let mut open: Vec<Vec<Delivery>> = Vec::new();
    let mut received = BTreeSet::new();
    loop {
        let deliveries = queue.receive(&QueueName::Dispatcher, 4, bench.seconds(2)).await.unwrap();
        let new: BTreeSet<_> = deliveries.iter().map(|delivery| told(&delivery.message).0).collect();
        for other in open.iter().flatten() {
            assert!(!new.contains(&told(&other.message).0), "it is being worked on");
        }
        received.extend(deliveries.iter().map(|delivery| told(&delivery.message)));
        if !deliveries.is_empty() {
            open.push(deliveries);
        }
        // both are being worked on, or nothing is left
        if open.len() == 2 || new.is_empty() {
            match open.pop() {
                // in halves: the second settles the execution
                Some(done) => {
                    let (first, second) = done.split_at(done.len() / 2);
                    settle(queue, first).await;
                    settle(queue, second).await;
                }
                None => break,
            }
        }
    }
    assert_eq!(received.len(), 30);
}

async fn what_is_given_back_comes_again(bench: Bench) {
    let queue = &*bench.queue;
    queue.send(&QueueName::Dispatcher, event("a", 1), Duration::ZERO).await.unwrap();
    let first = take(queue, 1).await;
    let begin = Instant::now();
    queue.give_back(&[first[0].receipt.clone()], bench.seconds(5)).await.unwrap();
    loop {
        let again = queue.receive(&QueueName::Dispatcher, 1, LONG).await.unwrap();
        assert_eq!(told(&again[0].message), ("a".into(), 1));
        settle(queue, &again).await;
        if again[0].attempt == 2 {
            break;
        }
    }
    assert!(begin.elapsed() >= bench.seconds(5));
}

async fn what_nobody_settles_comes_again(bench: Bench) {
    let queue = &*bench.queue;
    queue.send(&QueueName::Dispatcher, event("a", 1), Duration::ZERO).await.unwrap();
    let first = take(queue, 1).await;
    let again = queue.receive(&QueueName::Dispatcher, 1, LONG).await.unwrap();
    assert_eq!(told(&again[0].message), ("a".into(), 1));
    assert!(again[0].attempt >= 2 || again[0].id != first[0].id);
    // whoever comes late settles nothing
    settle(queue, &first).await;
    let third = queue.receive(&QueueName::Dispatcher, 1, LONG).await.unwrap();
    assert_eq!(told(&third[0].message), ("a".into(), 1));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_settles_comes_again_in_memory() {
    what_nobody_settles_comes_again(Bench::paused(MemoryWorkQueue::plain())).await;
    for seed in 0..20 {
        what_nobody_settles_comes_again(Bench::paused(MemoryWorkQueue::nasty(seed))).await;
    }
}

#[tokio::test]
async fn what_nobody_settles_comes_again_on_sqs() {
    what_nobody_settles_comes_again(crate::sqs::forgetful_bench().await).await;
}

async fn every_delivery_has_an_id_of_its_own(bench: Bench) {
    let queue = &*bench.queue;
    let mut ids = BTreeSet::new();
    queue.send(&QueueName::Dispatcher, event("a", 1), Duration::ZERO).await.unwrap();
    for _ in 0..4 {
        let delivery = take(queue, 1).await.remove(0);
        queue.give_back(&[delivery.receipt], Duration::ZERO).await.unwrap();
        assert!(ids.insert(delivery.id));
    }
}

async fn jobs_reach_their_own_queue(bench: Bench) {
    let queue = &*bench.queue;
    for (step_type, pool) in [("http", None), ("sql", None), ("http", Some("lab"))] {
        let mut job = job("a");
        job.step_type = step_type.into();
        job.runs_on = pool.map(Into::into);
        queue.send(&steps(step_type, pool), Message::Job(Box::new(job)), Duration::ZERO).await.unwrap();
    }
    let all = async |name: &QueueName| -> BTreeSet<(String, Option<String>)> {
        let mut seen = BTreeSet::new();
        loop {
            let deliveries = queue.receive(name, 10, bench.seconds(5)).await.unwrap();
            if deliveries.is_empty() {
                return seen;
            }
            for delivery in &deliveries {
                let Message::Job(job) = &delivery.message else { panic!("nobody sent {:?}", delivery.message) };
                assert_eq!(delivery.receipt.queue, steps(&job.step_type, job.runs_on.as_deref()));
                seen.insert((job.step_type.clone(), job.runs_on.clone()));
            }
            settle(queue, &deliveries).await;
        }
    };
    let [http, sql, lab] = [("http", None), ("sql", None), ("http", Some("lab"))]
        .map(|(step_type, pool)| (step_type.to_owned(), pool.map(str::to_owned)));
    assert_eq!(all(&steps("redis", None)).await, BTreeSet::new());
    assert_eq!(all(&steps("http", Some("lab"))).await, BTreeSet::from([lab]));
    assert_eq!(all(&QueueName::AllSteps).await, BTreeSet::from([http, sql]));
    assert_eq!(all(&steps("http", None)).await, BTreeSet::new());
    assert!(queue.receive(&QueueName::Dispatcher, 1, bench.seconds(1)).await.unwrap().is_empty());
    let nowhere = queue.send(&QueueName::AllSteps, Message::Job(Box::new(job("a"))), Duration::ZERO).await;
    assert_eq!(nowhere.unwrap_err().class, PortErrorClass::Bug);
}

async fn a_settled_delivery_is_settled_once(bench: Bench) {
    let queue = &*bench.queue;
    queue.send(&QueueName::Dispatcher, event("a", 1), Duration::ZERO).await.unwrap();
    queue.send(&QueueName::Dispatcher, event("a", 2), Duration::ZERO).await.unwrap();
    let first = take(queue, 1).await;
    settle(queue, &first).await;
    let second = take(queue, 1).await;
    settle(queue, &first).await;
    // the second settling of the first has not freed the execution
    assert!(queue.receive(&QueueName::Dispatcher, 10, bench.seconds(2)).await.unwrap().is_empty());
    settle(queue, &second).await;
    queue.give_back(&[first[0].receipt.clone()], Duration::ZERO).await.unwrap();
}
