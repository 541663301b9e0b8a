//! What holds only for the memory queue: the plain one, and the nasty one with its mischief.

use std::collections::BTreeMap;
use std::time::Duration;

use assay_adapters::memory::MemoryWorkQueue;
use assay_app::ports::{Message, QueueName, WorkQueue as _};
use tokio::time::Instant;

use crate::queue::{LONG, event, seconds, settle, steps, take, told};
use crate::samples::{execution_id, organization};

#[tokio::test(start_paused = true)]
async fn the_plain_queue_keeps_the_order_and_gives_everything_once() {
    let queue = MemoryWorkQueue::plain();
    assert!(!queue.outlives_process());
    for number in 0..20 {
        queue.send(&QueueName::Dispatcher, event("a", number), Duration::ZERO).await.unwrap();
        queue.send(&steps("http", None), event("a", number), Duration::ZERO).await.unwrap();
    }
    for name in [QueueName::Dispatcher, QueueName::AllSteps] {
        let mut seen = Vec::new();
        while seen.len() < 20 {
            let deliveries = queue.receive(&name, 6, Duration::ZERO).await.unwrap();
            seen.extend(deliveries.iter().map(|delivery| told(&delivery.message).1));
            settle(&queue, &deliveries).await;
        }
        assert!(seen.is_sorted(), "{seen:?}");
        assert!(queue.receive(&name, 6, LONG).await.unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_holds_what_waits_for_the_execution() {
    let queue = MemoryWorkQueue::plain();
    for number in 0..5 {
        queue.send(&QueueName::Dispatcher, event("a", number), Duration::ZERO).await.unwrap();
    }
    let batch = take(&queue, 10).await;
    assert_eq!(batch.iter().map(|delivery| told(&delivery.message).1).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    // what failed and what came behind it come again in their order
    settle(&queue, &batch[..2]).await;
    let failed: Vec<_> = batch[2..].iter().map(|delivery| delivery.receipt.clone()).collect();
    queue.send(&QueueName::Dispatcher, event("a", 5), Duration::ZERO).await.unwrap();
    queue.give_back(&failed, Duration::ZERO).await.unwrap();
    let again = take(&queue, 10).await;
    assert_eq!(again.iter().map(|delivery| told(&delivery.message).1).collect::<Vec<_>>(), [2, 3, 4, 5]);
    assert_eq!(again.iter().map(|delivery| delivery.attempt).collect::<Vec<_>>(), [2, 2, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn admissions_and_looks_go_through_the_dispatcher() {
    let queue = MemoryWorkQueue::plain();
    let messages = [Message::Admit { organization: organization() }, Message::Look { execution: execution_id("a") }];
    for message in &messages {
        queue.send(&QueueName::Dispatcher, message.clone(), Duration::ZERO).await.unwrap();
    }
    let received = take(&queue, 10).await;
    assert_eq!(received.into_iter().map(|delivery| delivery.message).collect::<Vec<_>>(), messages);
}

#[tokio::test(start_paused = true)]
async fn the_age_of_the_oldest_message_is_known() {
    let queue = MemoryWorkQueue::plain();
    for name in [QueueName::Dispatcher, steps("http", None)] {
        assert_eq!(queue.oldest(&name).await.unwrap(), Duration::ZERO);
        queue.send(&name, event("a", 1), Duration::ZERO).await.unwrap();
        tokio::time::advance(seconds(7)).await;
        queue.send(&name, event("a", 2), Duration::ZERO).await.unwrap();
        tokio::time::advance(seconds(5)).await;
        assert_eq!(queue.oldest(&name).await.unwrap(), seconds(12));
        let first = queue.receive(&name, 1, Duration::ZERO).await.unwrap();
        assert_eq!(queue.oldest(&name).await.unwrap(), seconds(5));
        settle(&queue, &first).await;
        let second = queue.receive(&name, 1, Duration::ZERO).await.unwrap();
        settle(&queue, &second).await;
        assert_eq!(queue.oldest(&name).await.unwrap(), Duration::ZERO);
    }
}

/// What a seed does to forty messages.
async fn mischief(seed: u64) -> (Vec<u32>, usize, Duration) {
    let begin = Instant::now();
    let queue = MemoryWorkQueue::nasty(seed);
    let mut order = Vec::new();
    for number in 0..40 {
        queue
            .send(&QueueName::Dispatcher, event(["a", "b"][number as usize % 2], number), Duration::ZERO)
            .await
            .unwrap();
    }
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    loop {
        let deliveries = take(&queue, 5).await;
        if deliveries.is_empty() {
            break;
        }
        for delivery in &deliveries {
            let number = told(&delivery.message).1;
            order.push(number);
            *counts.entry(number).or_default() += 1;
        }
        settle(&queue, &deliveries).await;
    }
    (order, counts.values().filter(|count| **count > 1).count(), begin.elapsed())
}

#[tokio::test(start_paused = true)]
async fn the_nasty_queue_doubles_and_reorders_and_does_so_again_for_the_same_seed() {
    for seed in 0..5 {
        let (order, doubled, _) = mischief(seed).await;
        assert!(!order.is_sorted(), "seed {seed}");
        assert!(doubled > 0, "seed {seed}");
        assert_eq!(mischief(seed).await.0, order, "seed {seed}");
    }
    assert_ne!(mischief(1).await.0, mischief(2).await.0);
}
