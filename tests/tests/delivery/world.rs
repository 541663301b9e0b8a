//! A platform in memory on paused time, with a runner that does what the test says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_adapters::memory::{MemoryBlobStore, MemoryExecutionStore, MemoryNotifier, MemoryWorkQueue};
use assay_app::delivery::{Dispatcher, DispatcherOptions, Watchdog, Worker, WorkerOptions};
use assay_app::plans::{Compiler, Plans};
use assay_app::platform::{Charge, Platform, Ports};
use assay_app::ports::{Carried, Clock, Delivery, JobRunner, JobStop, QueueName, Receipt, WorkQueue};
use assay_app::usecases::{Executions, StartExecution};
use assay_app::view::ExecutionView;
use assay_engine::admission::Quota;
use assay_engine::bundle::Bundle;
use assay_engine::id::ExecutionId;
use assay_engine::job::{ErrorClass, Fence, Job, JobError, JobResult, Outcome};
use assay_engine::record::{Record, What};
use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::faults::{CountedStore, JudgedQueue};
use crate::flow::{Flow, OneFlow};

/// Time that tests pause and that moves on when everybody waits.
pub(crate) struct PausedClock(Instant);

#[async_trait]
impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let passed = jiff::SignedDuration::try_from(self.0.elapsed()).unwrap();
        Timestamp::from_second(1_700_000_000).unwrap() + passed
    }
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// What an attempt does.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Pass,
    Fail,
    Takes(Duration),
    UntilStopped,
    DeafFor(Duration),
    Panic,
    /// Another turn after this pause, as long as the turn is below.
    Turns(u32, Duration),
}

type Script = Box<dyn Fn(&Job) -> Act + Send + Sync>;

/// Carries jobs out as the script says, and remembers which.
pub(crate) struct ScriptedRunner {
    script: Script,
    clock: Arc<dyn Clock>,
    pub(crate) acts: Mutex<Vec<Fence>>,
    pub(crate) stopped_at: Mutex<Option<Timestamp>>,
}

#[async_trait]
impl JobRunner for ScriptedRunner {
    async fn carry_out(&self, job: Arc<Job>, stop: JobStop) -> Carried {
        self.acts.lock().unwrap().push(job.fence.clone());
        let began = self.clock.now();
        let outcome = match (self.script)(&job) {
            Act::Pass => Outcome::Passed,
            Act::Fail => Outcome::Failed,
            Act::Takes(time) => {
                self.clock.sleep(time).await;
                Outcome::Passed
            }
            Act::DeafFor(time) => {
                self.clock.sleep(time).await;
                Outcome::Cancelled
            }
            Act::UntilStopped => {
                stop.token.cancelled().await;
                *self.stopped_at.lock().unwrap() = Some(self.clock.now());
                Outcome::Cancelled
            }
            Act::Panic => panic!("the script says so"),
            Act::Turns(turns, pause) if job.fence.turn < turns => {
                let deadline = began + jiff::SignedDuration::from_secs(600);
                let after_ms = pause.as_millis() as u64;
                return Carried::Continued { checkpoint: serde_json::json!(job.fence.turn), after_ms, deadline };
            }
            Act::Turns(..) => Outcome::Passed,
        };
        Carried::Finished(Box::new(result(outcome, began, self.clock.now())))
    }
}

pub(crate) fn result(outcome: Outcome, started_at: Timestamp, ended_at: Timestamp) -> JobResult {
    let error = (outcome == Outcome::Errored).then(|| JobError {
        class: ErrorClass::Error,
        code: "scripted".to_owned(),
        message: "as the script says".to_owned(),
    });
    JobResult { error, ..JobResult::of(outcome, started_at, ended_at) }
}

/// One process on a store and a queue that others may share.
pub(crate) struct World {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Arc<CountedStore>,
    pub(crate) queue: Arc<JudgedQueue>,
    pub(crate) platform: Arc<Platform>,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) executions: Arc<Executions>,
    pub(crate) runner: Arc<ScriptedRunner>,
    pub(crate) worker: Worker,
    pub(crate) watchdog: Watchdog,
    flow: Flow,
}

/// What a world is made of.
pub(crate) struct Setup {
    pub(crate) inner_queue: Arc<dyn WorkQueue>,
    pub(crate) outlives: bool,
    pub(crate) charge: Charge,
    pub(crate) quota: Quota,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            inner_queue: Arc::new(MemoryWorkQueue::plain()),
            outlives: false,
            charge: Charge::everything(),
            quota: Quota { slots: 100, waiting: 100, width: 8 },
        }
    }
}

impl World {
    pub(crate) fn new(flow: Flow, script: impl Fn(&Job) -> Act + Send + Sync + 'static) -> Self {
        Self::with(Setup::default(), flow, script)
    }

    pub(crate) fn with(setup: Setup, flow: Flow, script: impl Fn(&Job) -> Act + Send + Sync + 'static) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(PausedClock(Instant::now()));
        let store = CountedStore::new(Arc::new(MemoryExecutionStore::new(clock.clone())));
        Self::on(clock, store, setup, flow, Box::new(script))
    }

    fn on(clock: Arc<dyn Clock>, store: Arc<CountedStore>, setup: Setup, flow: Flow, script: Script) -> Self {
        let compiler = Arc::new(OneFlow(flow.clone()));
        let queue = JudgedQueue::new(setup.inner_queue, setup.outlives);
        Self::of(clock, store, queue, (setup.charge, setup.quota), compiler, flow, script)
    }

    fn of(
        clock: Arc<dyn Clock>,
        store: Arc<CountedStore>,
        queue: Arc<JudgedQueue>,
        (charge, quota): (Charge, Quota),
        compiler: Arc<dyn Compiler>,
        flow: Flow,
        script: Script,
    ) -> Self {
        let ports = Ports {
            store: store.clone(),
            queue: queue.clone(),
            notifier: Arc::new(MemoryNotifier::default()),
            blobs: Arc::new(MemoryBlobStore::default()),
            clock: clock.clone(),
        };
        let platform = Arc::new(Platform::new(ports, Arc::new(Plans::new(compiler)), charge, quota));
        let dispatcher = Arc::new(Dispatcher::new(platform.clone(), DispatcherOptions::default()));
        let runner = Arc::new(ScriptedRunner {
            script,
            clock: clock.clone(),
            acts: Mutex::default(),
            stopped_at: Mutex::default(),
        });
        let options = WorkerOptions { announce_after: Duration::from_millis(10), ..WorkerOptions::default() };
        let worker = Worker::new(store.clone(), queue.clone(), runner.clone(), clock.clone(), "here", options);
        let watchdog = Watchdog::new(platform.clone(), Duration::from_secs(5));
        let executions = Arc::new(Executions::new(platform.clone(), dispatcher.clone()));
        Self { clock, store, queue, platform, dispatcher, executions, runner, worker, watchdog, flow }
    }

    /// Another process on the same store, with a queue of its own.
    pub(crate) fn restarted(&self, script: impl Fn(&Job) -> Act + Send + Sync + 'static) -> Self {
        Self::on(self.clock.clone(), self.store.clone(), Setup::default(), self.flow.clone(), Box::new(script))
    }

    /// A command on the same store, with a queue of its own: it moves only what it starts or resumes.
    pub(crate) fn command(&self, script: impl Fn(&Job) -> Act + Send + Sync + 'static) -> Self {
        let setup = Setup { charge: Charge::own(), ..Setup::default() };
        Self::on(self.clock.clone(), self.store.clone(), setup, self.flow.clone(), Box::new(script))
    }

    /// Another process on the same store and the same queue, with another compiler.
    pub(crate) fn beside_with(
        &self,
        compiler: Arc<dyn Compiler>,
        script: impl Fn(&Job) -> Act + Send + Sync + 'static,
    ) -> Self {
        let limits = (Charge::everything(), Setup::default().quota);
        let (clock, store, queue) = (self.clock.clone(), self.store.clone(), self.queue.clone());
        Self::of(clock, store, queue, limits, compiler, self.flow.clone(), Box::new(script))
    }

    pub(crate) async fn start(&self, key: &str) -> ExecutionId {
        self.executions.start(asked(key)).await.unwrap().id
    }

    /// Everything runs until the execution has ended and all is told; panics after this much paused time.
    pub(crate) async fn ends_within(&self, id: &ExecutionId, limit: Duration) -> ExecutionView {
        let shutdown = CancellationToken::new();
        let running = async {
            tokio::join!(
                self.dispatcher.run(shutdown.clone()),
                self.worker.run(shutdown.clone()),
                self.watchdog.run(shutdown.clone())
            );
        };
        let ended = async {
            let mut follow = self.executions.follow(id, 0).await.unwrap();
            while follow.next().await.unwrap().is_some() {}
        };
        tokio::select! {
            () = running => panic!("the loops ended by themselves"),
            outcome = tokio::time::timeout(limit, ended) => {
                if outcome.is_err() {
                    let view = self.executions.show(id, true).await.unwrap();
                    panic!("{id} has not ended within {limit:?}: {view:#?}");
                }
            }
        }
        self.executions.show(id, true).await.unwrap()
    }

    pub(crate) async fn runs_for(&self, time: Duration) {
        let shutdown = CancellationToken::new();
        tokio::select! {
            _ = async {
                tokio::join!(
                    self.dispatcher.run(shutdown.clone()),
                    self.worker.run(shutdown.clone()),
                    self.watchdog.run(shutdown.clone())
                )
            } => {}
            () = tokio::time::sleep(time) => {}
        }
    }

    /// Deals with the messages of the dispatcher's queue until there is none that is due.
    pub(crate) async fn dispatch(&self) {
        loop {
            let deliveries = self.queue.receive(&QueueName::Dispatcher, 100, Duration::ZERO).await.unwrap();
            if deliveries.is_empty() {
                return;
            }
            self.dispatcher.handle(deliveries).await;
        }
    }

    /// The jobs that are on the queue now.
    pub(crate) async fn jobs(&self) -> Vec<Delivery> {
        self.queue.receive(&QueueName::AllSteps, 100, Duration::ZERO).await.unwrap()
    }

    pub(crate) async fn records(&self, id: &ExecutionId) -> Vec<Record> {
        self.executions.events(id, 0, 10_000).await.unwrap()
    }

    pub(crate) fn acts(&self) -> Vec<String> {
        self.runner.acts.lock().unwrap().iter().map(|fence| format!("{}#{}", fence.place(), fence.attempt)).collect()
    }
}

pub(crate) fn asked(key: &str) -> StartExecution {
    StartExecution {
        organization: "org_test".parse().unwrap(),
        project: "prj_test".parse().unwrap(),
        key: key.to_owned(),
        bundle: Arc::new(Bundle::of_text("main.yaml", "a flow that the test builds")),
        inputs: BTreeMap::new(),
        labels: BTreeMap::new(),
        seed: 7,
        rerun: None,
        only: None,
        keep: None,
        file: None,
    }
}

/// The job again, as a delivery of its own.
pub(crate) fn again(delivery: &Delivery, id: &str) -> Delivery {
    let handle = format!("again {id}");
    Delivery { id: id.to_owned(), receipt: Receipt { handle, ..delivery.receipt.clone() }, ..delivery.clone() }
}

/// Every step's finishing records, and that records have no gaps.
pub(crate) fn verdicts(records: &[Record]) -> BTreeMap<String, usize> {
    let mut verdicts = BTreeMap::new();
    for (record, expected) in records.iter().zip(1..) {
        assert_eq!(record.seq, expected, "records have no gaps");
        if let What::StepFinished { place, .. } = &record.what {
            *verdicts.entry(place.to_string()).or_default() += 1;
        }
    }
    verdicts
}
