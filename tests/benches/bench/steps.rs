//! What a step costs beyond its own work: a runner that answers at once, the real loops, the real SQLite file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use assay_adapters::Durability;
use assay_adapters::memory::{MemoryBlobStore, MemoryNotifier, MemoryWorkQueue};
use assay_adapters::sqlite::{SqliteExecutionStore, StoreOptions};
use assay_app::delivery::{Dispatcher, DispatcherOptions, Worker, WorkerOptions};
use assay_app::plans::{Compiler, FlowFault, Plans};
use assay_app::platform::{Charge, Platform, Ports};
use assay_app::ports::{Carried, Clock, JobRunner, JobStop};
use assay_app::usecases::{Executions, StartExecution};
use assay_engine::admission::Quota;
use assay_engine::bundle::Bundle;
use assay_engine::id::{FlowVersionId, OrganizationId, ProjectId};
use assay_engine::job::{Job, JobResult, Outcome};
use assay_engine::plan::Plan;
use assay_engine::status::ExecutionStatus;
use async_trait::async_trait;
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Tools;
use crate::compile::plan;
use crate::figures::{begin, figure, median, now};

const SEQUENTIAL: usize = 40;
const PARALLEL: usize = 400;
const WORKERS: usize = 10;
const ROUNDS: usize = 21;

struct WallClock;

#[async_trait]
impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Answers at once.
struct LightRunner;

#[async_trait]
impl JobRunner for LightRunner {
    async fn carry_out(&self, _job: Arc<Job>, _stop: JobStop) -> Carried {
        let now = Timestamp::now();
        Carried::Finished(Box::new(JobResult::of(Outcome::Passed, now, now)))
    }
}

struct BenchCompiler;

impl Compiler for BenchCompiler {
    fn compile(&self, _: &FlowVersionId, bundle: &Bundle, _: &str) -> Result<Arc<Plan>, FlowFault> {
        Ok(plan(bundle))
    }
}

/// One process that runs everything, on a new store.
struct Process {
    executions: Executions,
    shutdown: CancellationToken,
    loops: JoinSet<()>,
    _folder: tempfile::TempDir,
}

fn open(durability: Durability, parallel: usize) -> Process {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(WallClock);
    let options = StoreOptions { durability, ..StoreOptions::default() };
    let store = Arc::new(SqliteExecutionStore::open(folder.path(), options, clock.clone()).unwrap());
    let queue = Arc::new(MemoryWorkQueue::plain());
    let process = store.process().to_owned();
    let ports = Ports {
        store: store.clone(),
        queue: queue.clone(),
        notifier: Arc::new(MemoryNotifier::default()),
        blobs: Arc::new(MemoryBlobStore::default()),
        clock: clock.clone(),
    };
    let quota = Quota { slots: 8, waiting: 100, width: 1_000 };
    let platform = Arc::new(Platform::new(ports, Arc::new(Plans::new(Arc::new(BenchCompiler))), Charge::own(), quota));
    let dispatcher = Arc::new(Dispatcher::new(platform.clone(), DispatcherOptions::default()));
    let options = WorkerOptions { parallel, ..WorkerOptions::default() };
    let worker = Worker::new(store, queue, Arc::new(LightRunner), clock, process, options);

    let (shutdown, mut loops) = (CancellationToken::new(), JoinSet::new());
    let executions = Executions::new(platform, dispatcher.clone());
    let [one, other] = std::array::from_fn(|_| shutdown.clone());
    loops.spawn(async move { dispatcher.run(one).await });
    loops.spawn(async move { worker.run(other).await });
    Process { executions, shutdown, loops, _folder: folder }
}

impl Process {
    /// Milliseconds from the start of an execution to its last record.
    async fn run(&self, bundle: &Arc<Bundle>, key: &str) -> f64 {
        let asked = StartExecution {
            organization: OrganizationId::derived(&["bench"]),
            project: ProjectId::derived(&["bench"]),
            key: key.to_owned(),
            bundle: bundle.clone(),
            inputs: BTreeMap::new(),
            labels: BTreeMap::new(),
            seed: 1,
            rerun: None,
            only: None,
            keep: None,
            file: None,
        };
        let begun = now();
        let id = self.executions.start(asked).await.unwrap().id;
        let mut follow = self.executions.follow(&id, 0).await.unwrap();
        while follow.next().await.unwrap().is_some() {}
        let milliseconds = begun.elapsed().as_secs_f64() * 1000.0;
        let status = self.executions.show(&id, false).await.unwrap().status;
        assert_eq!(status, ExecutionStatus::Passed);
        milliseconds
    }

    async fn close(mut self) {
        self.shutdown.cancel();
        while self.loops.join_next().await.is_some() {}
    }
}

/// Light steps, one after the other or all at once.
fn flow(steps: usize, at_once: bool) -> Arc<Bundle> {
    let mut text = String::from("steps:\n");
    for number in 0..steps {
        let needs = if at_once { "    needs: []\n" } else { "" };
        let _ = write!(text, "  - id: s{number}\n    type: http\n{needs}    with: {{url: \"http://127.0.0.1/\"}}\n");
    }
    Arc::new(Bundle::of_text("light.yaml", text))
}

async fn measure(durability: Durability, parallel: usize, bundle: &Arc<Bundle>) -> f64 {
    let process = open(durability, parallel);
    process.run(bundle, "warm").await;
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        times.push(process.run(bundle, &format!("round {round}")).await);
    }
    process.close().await;
    median(times)
}

/// Steps without work of their own, on a durable store.
pub(crate) fn light(_: &Tools) {
    begin("light steps with durable SQLite state (limits: 0.5 ms a step, aim 0.2; 200 ms for 400)");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let sequential = flow(SEQUENTIAL, false);
        for (name, durability) in [("normal", Durability::Normal), ("full", Durability::Full)] {
            let each = measure(durability, WORKERS, &sequential).await / SEQUENTIAL as f64;
            figure(&format!("{SEQUENTIAL} in a row, {name}, a step"), each, "ms", Some(("limit", 0.5)));
        }
        let parallel = measure(Durability::Normal, WORKERS, &flow(PARALLEL, true)).await;
        figure(&format!("{PARALLEL} over {WORKERS} workers, all"), parallel, "ms", Some(("limit", 200.0)));
    });
}
