//! Real flows on the store: the engine and the dispatcher, with workers that answer at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assay_adapters::aws::dynamodb::DynamoExecutionStore;
use assay_adapters::memory::{MemoryBlobStore, MemoryNotifier, MemoryWorkQueue};
use assay_app::delivery::{Dispatcher, DispatcherOptions, Worker, WorkerOptions};
use assay_app::plans::{Compiler, FlowFault, Plans};
use assay_app::platform::{Charge, Platform, Ports};
use assay_app::ports::{Carried, Clock, JobRunner, JobStop, QueueName, WorkQueue};
use assay_app::usecases::{Executions, StartExecution};
use assay_engine::admission::Quota;
use assay_engine::bundle::Bundle;
use assay_engine::compile::compile;
use assay_engine::expr::Programs;
use assay_engine::id::{ExecutionId, FlowVersionId};
use assay_engine::job::{AssertionResult, Captured, Job, JobResult, Outcome};
use assay_engine::plan::Plan;
use assay_steps::registry::Types;
use async_trait::async_trait;
use jiff::Timestamp;

/// The machine's clock.
pub(super) struct WallClock;

#[async_trait]
impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

struct BuiltIn;

impl Compiler for BuiltIn {
    fn compile(&self, _: &FlowVersionId, bundle: &Bundle, _: &str) -> Result<Arc<Plan>, FlowFault> {
        let compiled = compile(bundle, &Types, &Arc::new(Programs::default()));
        compiled.map(|compiled| compiled.plan).map_err(|problems| FlowFault { problems: vec![format!("{problems:?}")] })
    }
}

/// Passes every attempt with what its assertions and captures would be, and this capture.
struct Passing {
    capture: String,
}

#[async_trait]
impl JobRunner for Passing {
    async fn carry_out(&self, job: Arc<Job>, _: JobStop) -> Carried {
        let now = Timestamp::now();
        let mut result = JobResult::of(Outcome::Passed, now, now);
        let asserted = serde_json::json!({"that": "status == 200", "passed": true});
        let assertion: AssertionResult = serde_json::from_value(asserted).unwrap();
        result.assertions.push(assertion);
        if job.fence.instance.is_none() {
            result.captures.insert("token".into(), Captured::Clear(self.capture.clone().into()));
        }
        Carried::Finished(Box::new(result))
    }
}

/// A platform on the store, whose queue lies in memory.
pub(super) struct World {
    pub(super) store: Arc<DynamoExecutionStore>,
    queue: Arc<MemoryWorkQueue>,
    dispatcher: Arc<Dispatcher>,
    worker: Worker,
    executions: Executions,
}

impl World {
    pub(super) fn on(store: Arc<DynamoExecutionStore>, capture: String) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(WallClock);
        let queue = Arc::new(MemoryWorkQueue::plain());
        let ports = Ports {
            store: store.clone(),
            queue: queue.clone(),
            notifier: Arc::new(MemoryNotifier::default()),
            blobs: Arc::new(MemoryBlobStore::default()),
            clock: clock.clone(),
        };
        let quota = Quota { slots: 100, waiting: 100, width: 5_000 };
        let plans = Arc::new(Plans::new(Arc::new(BuiltIn)));
        let platform = Arc::new(Platform::new(ports, plans, Charge::everything(), quota));
        let options = DispatcherOptions { batch: 1_000, ..DispatcherOptions::default() };
        let dispatcher = Arc::new(Dispatcher::new(platform.clone(), options));
        let runner = Arc::new(Passing { capture });
        let worker = Worker::new(store.clone(), queue.clone(), runner, clock, "node-1", WorkerOptions::default());
        let executions = Executions::new(platform, dispatcher.clone());
        Self { store, queue, dispatcher, worker, executions }
    }

    pub(super) async fn start(&self, flow: &str) -> ExecutionId {
        let asked = StartExecution {
            organization: "org_test".parse().unwrap(),
            project: "prj_test".parse().unwrap(),
            key: "one".into(),
            bundle: Arc::new(Bundle::of_text("flow.yaml", flow)),
            inputs: BTreeMap::new(),
            labels: BTreeMap::new(),
            seed: 7,
            rerun: None,
            file: None,
            keep: None,
            only: None,
        };
        self.executions.start(asked).await.unwrap().id
    }

    /// Deals with messages until there is none. `claimed`: jobs are claimed as workers do; else they pass as they are.
    pub(super) async fn drain(&self, claimed: bool) {
        loop {
            let events = self.queue.receive(&QueueName::Dispatcher, 1_000, Duration::ZERO).await.unwrap();
            let jobs = self.queue.receive(&QueueName::AllSteps, 1_000, Duration::ZERO).await.unwrap();
            if events.is_empty() && jobs.is_empty() {
                return;
            }
            self.dispatcher.handle(events).await;
            for delivery in jobs {
                if claimed {
                    self.worker.deal_with_and_settle(delivery).await;
                } else {
                    self.pass(delivery).await;
                }
            }
        }
    }

    async fn pass(&self, delivery: assay_app::ports::Delivery) {
        let assay_app::ports::Message::Job(job) = delivery.message else { panic!("no job on a step queue") };
        let now = Timestamp::now();
        let result = Box::new(JobResult::of(Outcome::Passed, now, now));
        let event = assay_engine::execution::Event::StepFinished { fence: job.fence.clone(), result };
        let message = assay_app::ports::Message::Event { execution: job.execution.clone(), event: Box::new(event) };
        self.queue.send(&QueueName::Dispatcher, message, Duration::ZERO).await.unwrap();
        self.queue.acknowledge(&[delivery.receipt]).await.unwrap();
    }
}
