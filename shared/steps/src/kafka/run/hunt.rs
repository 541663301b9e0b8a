//! One turn of a wait, on a thread of its own: reads what comes, and proves what has not come.
//!
//! To say that something did *not* come needs proof that everything was read. librdkafka says once that the end of a
//! partition is reached, so a proof is a *round*: all partitions are assigned anew where reading stands, and when each has
//! reported its end, everything that was in the log when the round began has been looked at. No broker, no proof, no verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use assay_egress::Egress;
use jiff::Timestamp;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value as Json;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::cluster::Asking;
use super::ear::Ear;
use super::expect::{Checkpoint, Position};
use super::fault;
use super::record::Record;
use super::reins::Reins;
use super::target::Target;
use crate::contract::{Clock, Output, StepError};
use crate::expect::{Ask, ExpectError, Picks, Rules, Watch};
use crate::kafka::Decode;

/// How often it is looked whether partitions were added.
const REFRESH: Duration = Duration::from_secs(2);
/// How long a broker may be silent past the end of the window before it is given up.
const GRACE: Duration = Duration::from_secs(10);
/// So long before the attempt's deadline it says why it does not know.
const LAST_WORDS: Duration = Duration::from_millis(700);
/// The longest wait for one message: how soon a stop is noticed.
const POLL: Duration = Duration::from_millis(50);
/// Messages between two looks at the clock.
const BATCH: usize = 512;

/// What a turn is given.
pub(super) struct Hunt {
    pub(super) rules: Rules,
    pub(super) position: Position,
    pub(super) decode: Decode,
    /// When the window started, if something else says so.
    pub(super) from: Option<Timestamp>,
    /// How long the turn lasts before the wait goes on in another.
    pub(super) look: Duration,
    /// What the turn before knows, and whether offsets were missing.
    pub(super) checkpoint: Option<(Json, bool)>,
    pub(super) egress: Arc<Egress>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) runtime: Handle,
    pub(super) reins: Reins,
}

/// What a turn comes to.
pub(super) enum Hunted {
    /// Decided; and whether offsets were missing in what was read.
    Done(Box<Output>, bool),
    /// In another turn, within this time.
    Continue(Checkpoint, Duration),
}

/// A turn under way.
struct Turn<'a> {
    watch: Watch<'a>,
    look: Duration,
    consumer: &'a BaseConsumer<Ear>,
    asking: Asking<'a>,
    picks: Option<&'a Picks>,
    decode: Decode,
    clock: &'a dyn Clock,
    /// The next offset of each partition.
    next: BTreeMap<i32, i64>,
    /// Partitions that have not reported their end in this round, and when it began.
    open: BTreeSet<i32>,
    round: Option<Timestamp>,
    gaps: bool,
    refreshed: Instant,
    /// When something was last heard of the topic; not before proof was first asked for.
    moved: Instant,
    proving: bool,
}

impl Hunt {
    /// Takes a turn and tells what it comes to; the client, which takes its time to close, ends afterwards.
    pub(super) fn go(self, target: &Target, bootstrap: &[String], tell: oneshot::Sender<Result<Hunted, StepError>>) {
        let ear = Ear::default();
        let consumer = consumer(target, bootstrap, &ear);
        // Whoever has stopped listening needs no answer.
        let _ = match &consumer {
            Ok(consumer) => tell.send(self.turn(consumer, &ear)),
            Err(error) => tell.send(Err(error.clone())),
        };
    }

    fn turn(self, consumer: &BaseConsumer<Ear>, ear: &Ear) -> Result<Hunted, StepError> {
        let now = self.clock.now();
        let watch = match &self.checkpoint {
            Some((state, _)) => Watch::resume(&self.rules, state, now).map_err(failed)?,
            None => Watch::new(&self.rules, self.from.unwrap_or(now), now),
        };
        let picks = self.rules.picks("value");
        let turn = Turn {
            watch,
            look: self.look,
            consumer,
            asking: Asking {
                topic: &self.position.topic,
                egress: &self.egress,
                runtime: &self.runtime,
                reins: &self.reins,
                ear,
                looker: None,
            },
            picks: picks.as_ref(),
            decode: self.decode,
            clock: self.clock.as_ref(),
            next: self.position.offsets.clone(),
            open: BTreeSet::new(),
            round: None,
            gaps: self.checkpoint.as_ref().is_some_and(|(_, gaps)| *gaps),
            refreshed: Instant::now(),
            moved: Instant::now(),
            proving: false,
        };
        turn.go()
    }
}

fn failed(error: ExpectError) -> StepError {
    error.into_step_error("kafka.tooLarge")
}

fn consumer(target: &Target, bootstrap: &[String], ear: &Ear) -> Result<BaseConsumer<Ear>, StepError> {
    let mut config = target.config(bootstrap);
    config
        // A name is asked for by `assign`; nothing ever joins or commits under it.
        .set("group.id", "assay")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "100")
        .set("fetch.error.backoff.ms", "50")
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.max.bytes", "8388608")
        .set("fetch.message.max.bytes", "2097152")
        .set("receive.message.max.bytes", "104857600")
        .set("queued.min.messages", "50000")
        .set("queued.max.messages.kbytes", "16384");
    config.create_with_context(ear.clone()).map_err(|error| fault::client(&error))
}

impl Turn<'_> {
    fn go(mut self) -> Result<Hunted, StepError> {
        let started = Instant::now();
        loop {
            self.asking.reins.check()?;
            let now = self.clock.now();
            let ask = self.watch.ask(now);
            match ask {
                Ask::Decided => return Ok(Hunted::Done(Box::new(self.watch.into_output()), self.gaps)),
                Ask::Wait(due) => {
                    if started.elapsed() >= self.look
                        && let Some(checkpoint) = self.checkpoint()
                    {
                        let left = Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO);
                        return Ok(Hunted::Continue(checkpoint, left));
                    }
                    if self.round.is_none() || self.refreshed.elapsed() >= REFRESH {
                        self.refresh(now)?;
                    }
                    let left = Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO);
                    self.read(POLL.min(left))?;
                }
                Ask::Prove(due) => {
                    // A quiet topic is no silent broker: patience begins with the question.
                    if !self.proving {
                        self.proving = true;
                        self.moved = Instant::now();
                    }
                    if self.round.is_none_or(|round| round < due) {
                        self.start_round(now)?;
                    }
                    self.read(POLL)?;
                    self.give_up()?;
                }
            }
            if let Some(error) = fault::hopeless(self.asking.ear) {
                return Err(error);
            }
        }
    }

    /// Reads what is there, and waits for the first message if nothing is.
    fn read(&mut self, wait: Duration) -> Result<(), StepError> {
        let consumer = self.consumer;
        let mut wait = wait;
        let now = self.clock.now();
        for _ in 0..BATCH {
            match consumer.poll(wait) {
                None => return Ok(()),
                Some(Ok(message)) => {
                    self.moved = Instant::now();
                    let at = if wait.is_zero() { now } else { self.clock.now() };
                    self.take(&message, at)?;
                    if self.watch.ask(at) == Ask::Decided {
                        return Ok(());
                    }
                }
                Some(Err(error)) => self.trouble(&error)?,
            }
            wait = Duration::ZERO;
        }
        Ok(())
    }

    fn take(&mut self, message: &BorrowedMessage<'_>, now: Timestamp) -> Result<(), StepError> {
        let Some(next) = self.next.get_mut(&message.partition()) else { return Ok(()) };
        // What was fetched before the partition was assigned anew.
        if message.offset() < *next {
            return Ok(());
        }
        self.gaps |= message.offset() > *next;
        *next = message.offset() + 1;
        let record = Record::new(message, self.decode, self.picks);
        self.watch.look_at(&record, now).map_err(failed)
    }

    /// What the consumer says besides messages.
    fn trouble(&mut self, error: &KafkaError) -> Result<(), StepError> {
        let topic = self.asking.topic;
        let code = match error {
            KafkaError::PartitionEOF(partition) => {
                self.moved = Instant::now();
                self.open.remove(partition);
                if let Some(round) = self.round.filter(|_| self.open.is_empty()) {
                    self.watch.seen_until(round);
                }
                return Ok(());
            }
            KafkaError::MessageConsumption(code) => *code,
            other => match other.rdkafka_error_code() {
                Some(code) => return Err(fault::answered(code, topic, &format!("reading `{topic}`"))),
                None => return Err(StepError::bug(format!("reading `{topic}`: {other}"))),
            },
        };
        match code {
            Code::AutoOffsetReset | Code::OffsetOutOfRange => Err(fault::truncated(format!(
                "records of `{topic}` that had not been read are gone: it was truncated, deleted and made again, or its \
                 retention is too short"
            ))),
            Code::TopicAuthorizationFailed => Err(fault::answered(code, topic, &format!("reading `{topic}`"))),
            Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => {
                // A broker that has just started may not know its topics yet; the cluster knows.
                self.asking.ask(self.consumer.client(), Duration::from_secs(1)).map(|_| ())
            }
            // Everything else is about connections and coordinators: librdkafka tries again by itself.
            _ => Ok(()),
        }
    }

    /// Looks whether partitions were added, and begins to read them from their start; begins the first round.
    fn refresh(&mut self, now: Timestamp) -> Result<(), StepError> {
        if self.round.is_none() {
            return self.start_round(now);
        }
        self.refreshed = Instant::now();
        let Some(added) = self.added()? else { return Ok(()) };
        if !added.is_empty() {
            let list = self.list(&added)?;
            self.consumer.incremental_assign(&list).map_err(|error| assigning(&error))?;
            self.open.extend(added);
        }
        Ok(())
    }

    /// Assigns every partition anew, where reading stands.
    fn start_round(&mut self, now: Timestamp) -> Result<(), StepError> {
        self.refreshed = Instant::now();
        if self.added()?.is_none() {
            return Ok(());
        }
        let partitions: Vec<i32> = self.next.keys().copied().collect();
        let list = self.list(&partitions)?;
        self.consumer.assign(&list).map_err(|error| assigning(&error))?;
        self.open = partitions.into_iter().collect();
        self.round = Some(now);
        Ok(())
    }

    /// The partitions that were not known, from now on read from their start; none when nobody could be asked.
    fn added(&mut self) -> Result<Option<Vec<i32>>, StepError> {
        let Some(partitions) = self.asking.ask(self.consumer.client(), Duration::from_millis(500))? else {
            return Ok(None);
        };
        if let Some(gone) = self.next.keys().find(|known| !partitions.contains(known)) {
            let topic = self.asking.topic;
            return Err(fault::truncated(format!(
                "partition {gone} of `{topic}` is gone: it was deleted and made again"
            )));
        }
        let added: Vec<i32> = partitions.into_iter().filter(|found| !self.next.contains_key(found)).collect();
        self.next.extend(added.iter().map(|partition| (*partition, 0)));
        Ok(Some(added))
    }

    fn list(&self, partitions: &[i32]) -> Result<TopicPartitionList, StepError> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            let next = self.next.get(partition).copied().unwrap_or_default();
            let added = list.add_partition_offset(self.asking.topic, *partition, Offset::Offset(next));
            added.map_err(|error| assigning(&error))?;
        }
        Ok(list)
    }

    /// The window is over, and nobody proves what was in it.
    fn give_up(&self) -> Result<(), StepError> {
        let late = Instant::now() + LAST_WORDS >= self.asking.reins.deadline;
        if !late && self.moved.elapsed() < GRACE {
            return Ok(());
        }
        let (seen, count) = self.watch.counts();
        let topic = self.asking.topic;
        let what = format!(
            "whether the rest came could not be found out: `{topic}` could not be read to the end of the window \
             ({count} of {seen} records matched so far)"
        );
        Err(fault::unreachable(self.asking.ear, &what))
    }

    fn checkpoint(&self) -> Option<Checkpoint> {
        let watch = self.watch.checkpoint()?;
        let position = Position { topic: self.asking.topic.to_owned(), offsets: self.next.clone() };
        Some(Checkpoint { position, watch, gaps: self.gaps })
    }
}

fn assigning(error: &KafkaError) -> StepError {
    StepError::bug(format!("assign partitions: {error}"))
}
