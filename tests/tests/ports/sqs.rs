//! `WorkQueue` on SQS, beside its rules.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use assay_adapters::aws::sqs::{SqsOptions, SqsWorkQueue, Unreadable};
use assay_adapters::aws::{AwsError, StackNames};
use assay_adapters::memory::MemoryBlobStore;
use assay_app::ports::{Clock, Delivery, Message, PortErrorClass, QueueName, WorkQueue};
use assay_engine::execution::Event;
use assay_engine::job::Job;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;

use crate::aws::{config, config_at, names, new_account};
use crate::queue::Bench;
use crate::samples::{TestClock, execution_id, job, second};

const WAIT: Duration = Duration::from_secs(15);

fn steps(step_type: &str, pool: Option<&str>) -> QueueName {
    QueueName::Steps { step_type: step_type.into(), pool: pool.map(Into::into) }
}

fn every_step() -> Vec<QueueName> {
    vec![steps("http", None), steps("sql", None), steps("redis", None), steps("http", Some("lab"))]
}

/// The clock of the machine.
pub(crate) struct Now;

#[async_trait::async_trait]
impl Clock for Now {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The queues of a stack in an account of its own.
pub(crate) struct Stack {
    pub(crate) account: String,
    client: aws_sdk_sqs::Client,
}

impl Stack {
    /// `silence`: how long who received a message may keep silent; `tries`: how often it is received before it is dead.
    pub(crate) async fn new(silence: u32, tries: u32) -> Self {
        let account = new_account();
        let stack = Self { client: aws_sdk_sqs::Client::new(&config(&account).await), account };
        let live = every_step().into_iter().chain([QueueName::Dispatcher]);
        let queues: Vec<String> = live.filter_map(|queue| names().queue(&queue)).chain([names().timers()]).collect();
        for queue in queues {
            stack.create(&queue, silence, tries).await;
        }
        stack
    }

    async fn create(&self, queue: &str, silence: u32, tries: u32) {
        let dead = StackNames::dead(queue);
        for name in [&dead, queue] {
            let mut request = self.client.create_queue().queue_name(name);
            if queue.ends_with(".fifo") {
                request = request.attributes(QueueAttributeName::FifoQueue, "true");
                request = request.attributes(QueueAttributeName::FifoThroughputLimit, "perMessageGroupId");
                request = request.attributes(QueueAttributeName::DeduplicationScope, "messageGroup");
            }
            if name == queue {
                let target = format!("arn:aws:sqs:us-east-1:{}:{dead}", self.account);
                let redrive = json!({ "deadLetterTargetArn": target, "maxReceiveCount": tries }).to_string();
                request = request.attributes(QueueAttributeName::RedrivePolicy, redrive);
                request = request.attributes(QueueAttributeName::VisibilityTimeout, silence.to_string());
            }
            request.send().await.unwrap();
        }
    }

    pub(crate) async fn queue(&self, clock: Arc<dyn Clock>) -> SqsWorkQueue {
        let options = SqsOptions { steps: every_step(), addresses: None };
        let blobs = Arc::new(MemoryBlobStore::default());
        SqsWorkQueue::new(&config(&self.account).await, names(), options, blobs, clock)
    }

    async fn url(&self, name: &str) -> String {
        self.client.get_queue_url().queue_name(name).send().await.unwrap().queue_url.unwrap()
    }

    /// Sends what is no message of ours.
    async fn send_raw(&self, name: &str, body: &str) {
        let mut request = self.client.send_message().queue_url(self.url(name).await).message_body(body);
        if name.ends_with(".fifo") {
            request = request.message_group_id("g").message_deduplication_id(body.len().to_string());
        }
        request.send().await.unwrap();
    }

    /// One message, as a function gets it: its id, receipt and body.
    async fn take_raw(&self, name: &str) -> aws_sdk_sqs::types::Message {
        let request = self.client.receive_message().queue_url(self.url(name).await).message_attribute_names("All");
        let answer = request.wait_time_seconds(15).max_number_of_messages(1).send().await.unwrap();
        answer.messages.unwrap().remove(0)
    }
}

/// What the rules of the port run on.
pub(crate) async fn bench() -> Bench {
    bench_of(Stack::new(120, 100).await).await
}

/// One that gives a message to somebody else after a second.
pub(crate) async fn forgetful_bench() -> Bench {
    bench_of(Stack::new(1, 100).await).await
}

async fn bench_of(stack: Stack) -> Bench {
    let queue = Arc::new(stack.queue(Arc::new(Now)).await);
    Bench { queue, second: Duration::from_millis(200), slack: Duration::from_secs(10) }
}

fn look(name: &str) -> Message {
    Message::Look { execution: execution_id(name) }
}

async fn take(queue: &SqsWorkQueue, name: &QueueName) -> Vec<Delivery> {
    queue.receive(name, 10, WAIT).await.unwrap()
}

async fn acknowledge(queue: &SqsWorkQueue, deliveries: &[Delivery]) {
    let receipts: Vec<_> = deliveries.iter().map(|delivery| delivery.receipt.clone()).collect();
    queue.acknowledge(&receipts).await.unwrap();
}

/// Reads dead letters until there are some.
async fn undelivered(queue: &SqsWorkQueue) -> Vec<Delivery> {
    let begin = tokio::time::Instant::now();
    loop {
        // who nobody asks moves nothing
        for name in [QueueName::Dispatcher, QueueName::AllSteps] {
            assert!(queue.receive(&name, 10, Duration::ZERO).await.unwrap().is_empty());
        }
        let found = queue.undelivered(20).await.unwrap();
        if !found.is_empty() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "there are none");
    }
}

#[tokio::test]
async fn two_thousand_messages_arrive() {
    let queue = Stack::new(120, 100).await.queue(Arc::new(Now)).await;
    let messages: Vec<Message> = (0..2000).map(|number| look(&format!("n{number}"))).collect();
    for messages in messages.chunks(100) {
        queue.send_all(&QueueName::Dispatcher, messages.to_vec()).await.unwrap();
    }
    let mut seen = BTreeSet::new();
    while seen.len() < 2000 {
        let deliveries = queue.receive(&QueueName::Dispatcher, 256, WAIT).await.unwrap();
        assert!(!deliveries.is_empty(), "{} are missing", 2000 - seen.len());
        for delivery in &deliveries {
            let Message::Look { execution } = &delivery.message else { panic!("nobody sent {delivery:?}") };
            assert!(seen.insert(execution.clone()), "{execution} came twice");
        }
        acknowledge(&queue, &deliveries).await;
    }
    assert_eq!(queue.oldest(&QueueName::Dispatcher).await.unwrap(), Duration::ZERO);
}

#[tokio::test]
async fn a_message_that_was_delivered_too_often_is_a_dead_letter_until_it_is_settled() {
    let queue = Stack::new(0, 2).await.queue(Arc::new(Now)).await;
    let event = Message::Event { execution: execution_id("a"), event: Box::new(Event::Admitted { width: 3 }) };
    let sent = [(QueueName::Dispatcher, event), (steps("http", None), Message::Job(Box::new(job("b"))))];
    for (name, message) in &sent {
        queue.send(name, message.clone(), Duration::ZERO).await.unwrap();
        for attempt in 1..=2 {
            assert_eq!(take(&queue, name).await[0].attempt, attempt);
        }
    }
    let mut found = undelivered(&queue).await;
    while found.len() < 2 {
        found.extend(undelivered(&queue).await);
    }
    for (name, message) in &sent {
        let dead = found.iter().find(|delivery| delivery.message == *message).unwrap();
        assert_eq!(dead.receipt.queue, *name);
    }
    acknowledge(&queue, &found).await;
    assert!(queue.undelivered(20).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_is_set_aside_with_its_reason_and_harms_nothing() {
    let stack = Stack::new(120, 100).await;
    let queue = stack.queue(Arc::new(Now)).await;
    let dispatcher = names().queue(&QueueName::Dispatcher).unwrap();
    let newer = r#"{"assay": 99, "message": {}}"#;
    for name in [dispatcher.clone(), names().queue(&steps("http", None)).unwrap(), names().timers()] {
        stack.send_raw(&name, newer).await;
    }
    queue.send(&QueueName::Dispatcher, look("a"), Duration::ZERO).await.unwrap();
    let deliveries = take(&queue, &QueueName::Dispatcher).await;
    assert_eq!(deliveries[0].message, look("a"));
    // also what waits at the queue of timers, which only has its turn now
    assert!(queue.receive(&QueueName::Dispatcher, 10, Duration::from_secs(1)).await.unwrap().is_empty());
    assert!(queue.receive(&steps("http", None), 10, Duration::ZERO).await.unwrap().is_empty());
    for name in [dispatcher, names().queue(&steps("http", None)).unwrap(), names().timers()] {
        let dead = stack.take_raw(&StackNames::dead(&name)).await;
        assert_eq!(dead.body.as_deref(), Some(newer), "{name}");
        let reason = dead.message_attributes.unwrap()["assay-reason"].string_value.clone().unwrap();
        assert!(reason.contains("its form is 99"), "{reason}");
    }
    // who reads the dead letters is not stopped by it either
    stack.send_raw(&StackNames::dead(&names().timers()), newer).await;
    assert!(queue.undelivered(20).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_message_of_a_megabyte_arrives() {
    let queue = Stack::new(120, 100).await.queue(Arc::new(Now)).await;
    let mut long = job("a");
    long.with = json!({ "body": "ä\u{ffff}\0".repeat(400_000) });
    let long = Message::Job(Box::new(long));
    let name = steps("http", None);
    queue.send(&name, long.clone(), Duration::ZERO).await.unwrap();
    queue.send_all(&name, vec![long.clone(), long.clone()]).await.unwrap();
    let mut count = 0;
    while count < 3 {
        for delivery in take(&queue, &name).await {
            assert!(delivery.message == long);
            count += 1;
        }
    }
}

#[tokio::test]
async fn a_long_delay_goes_in_hops_by_way_of_the_timers() {
    let stack = Stack::new(120, 100).await;
    let clock = TestClock::new();
    let queue = stack.queue(clock.clone()).await;
    for name in [QueueName::Dispatcher, steps("http", Some("lab"))] {
        let in_the_lab = Job { runs_on: Some("lab".into()), ..job("a") };
        let message = if name == QueueName::Dispatcher { look("a") } else { Message::Job(Box::new(in_the_lab)) };
        clock.set(second(0));
        queue.send(&name, message.clone(), Duration::from_secs(1200)).await.unwrap();
        let timers = stack.url(&names().timers()).await;
        let delayed = stack.client.get_queue_attributes().queue_url(&timers).attribute_names(QueueAttributeName::All);
        let counts = delayed.send().await.unwrap().attributes.unwrap();
        assert_eq!(counts[&QueueAttributeName::ApproximateNumberOfMessagesDelayed], "1", "{name:?}");
        stack.client.purge_queue().queue_url(&timers).send().await.unwrap();

        // what comes out after the last hop but one, a second too early, and then in time
        let body = json!({
            "assay": 1, "message": message,
            "timer": match &name {
                QueueName::Dispatcher => json!({ "due": second(1200), "group": "exe_a" }),
                _ => json!({ "due": second(1200), "stepType": "http", "pool": "lab", "group": "org_one" }),
            },
        })
        .to_string();
        clock.set(second(1199));
        queue.forward(&body).await.unwrap();
        let again = stack.take_raw(&names().timers()).await;
        stack.client.purge_queue().queue_url(&timers).send().await.unwrap();
        clock.set(second(1200));
        queue.forward(again.body.as_deref().unwrap()).await.unwrap();
        let delivered = take(&queue, &name).await;
        assert_eq!(delivered.len(), 1);
        assert_eq!((&delivered[0].message, &delivered[0].receipt.queue), (&message, &name));
        acknowledge(&queue, &delivered).await;
    }
}

#[tokio::test]
async fn what_is_pushed_to_a_function_is_the_same_delivery() {
    let stack = Stack::new(120, 100).await;
    let queue = stack.queue(Arc::new(Now)).await;
    let name = steps("kafka.expect", None);
    stack.create(&names().queue(&name).unwrap(), 120, 100).await;
    let mut sent = job("a");
    sent.step_type = "kafka.expect".into();
    let sent = Message::Job(Box::new(sent));
    queue.send(&name, sent.clone(), Duration::ZERO).await.unwrap();
    let raw = stack.take_raw(&names().queue(&name).unwrap()).await;
    let (id, receipt) = (raw.message_id.unwrap(), raw.receipt_handle.unwrap());
    // a function of a word knows its queue by any of the word's types
    let pushed = queue.delivery_of(&steps("kafka", None), &id, &receipt, &raw.body.unwrap(), 4).await.unwrap();
    assert_eq!((&pushed.message, pushed.attempt, &pushed.receipt.queue), (&sent, 4, &name));
    assert!(pushed.id.contains(&id));
    queue.give_back(std::slice::from_ref(&pushed.receipt), Duration::ZERO).await.unwrap();
    let again = take(&queue, &name).await.remove(0);
    assert_ne!(again.id, pushed.id);
    queue.hold(std::slice::from_ref(&again.receipt), Duration::from_secs(600)).await.unwrap();
    assert!(queue.receive(&name, 1, Duration::from_secs(1)).await.unwrap().is_empty());
    queue.acknowledge(&[again.receipt]).await.unwrap();

    for body in ["", "{}", "null", r#"{"assay":1,"message":{"job":{}}}"#] {
        let error = queue.delivery_of(&name, "m", "r", body, 1).await.unwrap_err();
        assert!(matches!(error, Unreadable::Malformed(_)), "{body}");
    }
    let gone = queue.delivery_of(&name, "m", "r", r#"{"assay":1,"stored":"messages/exe_a/1"}"#, 1).await.unwrap_err();
    assert!(matches!(gone, Unreadable::Malformed(_)));
}

#[tokio::test]
async fn what_waits_at_another_queue_is_not_lost_when_one_answers_first() {
    let queue = Stack::new(120, 100).await.queue(Arc::new(Now)).await;
    // the polls of the other queues stay out, and the next calls take them up
    for number in 0..6 {
        let (name, step_type) = [(steps("http", None), "http"), (steps("sql", None), "sql")][number % 2].clone();
        let mut sent = job(&format!("n{number}"));
        sent.step_type = step_type.into();
        let (received, sent) = tokio::join!(queue.receive(&QueueName::AllSteps, 10, WAIT), async {
            queue.send(&name, Message::Job(Box::new(sent.clone())), Duration::ZERO).await.unwrap();
            sent
        });
        let received = received.unwrap();
        assert_eq!(received.len(), 1, "{number}");
        assert_eq!(received[0].message, Message::Job(Box::new(sent)));
        acknowledge(&queue, &received).await;
    }
}

#[tokio::test]
async fn a_stack_that_is_not_there_and_an_endpoint_that_does_not_answer_are_told_apart() {
    let queue = |config| async move {
        let blobs = Arc::new(MemoryBlobStore::default());
        SqsWorkQueue::new(&config, names(), SqsOptions::default(), blobs, Arc::new(Now))
    };
    let absent = queue(config(&new_account()).await).await;
    let error = absent.address(&QueueName::Dispatcher).await.unwrap_err();
    assert!(matches!(AwsError::of(&error), Some(AwsError::Absent { .. })), "{error:?}");
    assert_eq!(error.class, PortErrorClass::Permanent);

    let credentials = aws_credential_types::Credentials::new("000000000001", "test", None, None, "test");
    let silent = queue(config_at("http://127.0.0.1:1", credentials).await).await;
    let error = silent.send(&QueueName::Dispatcher, look("a"), Duration::ZERO).await.unwrap_err();
    assert!(matches!(AwsError::of(&error), Some(AwsError::Unreachable(_))), "{error:?}");
    assert_eq!(error.class, PortErrorClass::Retry { after: None });
}
