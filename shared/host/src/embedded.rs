//! Every function in one process: the same dispatcher, worker and watchdog that run apart elsewhere, as three tasks.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use assay_adapters::folder::FolderBlobStore;
use assay_adapters::memory::{MemoryBlobStore, MemoryExecutionStore, MemoryNotifier, MemoryWorkQueue};
use assay_adapters::secret_box::{GivenSecrets, KeyFileSecretBox, MemorySecretBox};
use assay_adapters::sqlite::{SqliteExecutionStore, StoreOptions};
use assay_app::delivery::{Dispatcher, DispatcherOptions, Watchdog, Worker, WorkerOptions};
use assay_app::plans::Plans;
use assay_app::platform::{Charge, Platform, Ports};
use assay_app::ports::{BlobStore, ExecutionStore, SecretBox};
use assay_app::usecases::Executions;
use assay_egress::Egress;
use assay_engine::admission::Quota;
use assay_engine::expr::Programs;
use assay_steps::registry::Runners;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::SystemClock;
use crate::compiler::BuiltInCompiler;
use crate::notes::Notes;
use crate::options::{EmbeddedOptions, State};
use crate::runner::StepJobRunner;

/// How often the watchdog looks: also how soon another process's cancel or signal arrives.
const WATCH_EVERY: Duration = Duration::from_millis(500);
/// How soon a running step learns that it must stop.
const RENEW_EVERY: Duration = Duration::from_millis(500);

/// One user on one machine: what starts executions says how many run at once.
const QUOTA: Quota = Quota { slots: 100_000, waiting: 100_000, width: 64 };

/// Everything in one process.
pub struct Embedded {
    platform: Arc<Platform>,
    executions: Arc<Executions>,
    dispatcher: Arc<Dispatcher>,
    worker: Arc<Worker>,
    notes: Arc<Notes>,
    shutdown: CancellationToken,
    loops: JoinSet<()>,
}

/// What depends on where state is kept.
struct Kept {
    store: Arc<dyn ExecutionStore>,
    /// Under which name the store knows this process.
    process: String,
    blobs: Arc<dyn BlobStore>,
    secret_box: Arc<dyn SecretBox>,
}

impl Embedded {
    /// Opens the state. Nothing moves before [`Embedded::work`].
    ///
    /// # Errors
    /// When the state cannot be opened.
    pub fn open(options: EmbeddedOptions, programs: Arc<Programs>) -> anyhow::Result<Self> {
        let kept = open(&options.state)?;
        let clock = Arc::new(SystemClock);
        let queue = Arc::new(MemoryWorkQueue::plain());
        let plans = Arc::new(Plans::new(Arc::new(BuiltInCompiler { programs: programs.clone() })));
        let ports = Ports {
            store: kept.store.clone(),
            queue: queue.clone(),
            notifier: Arc::new(MemoryNotifier::default()),
            blobs: kept.blobs.clone(),
            clock: clock.clone(),
        };
        let platform = Arc::new(Platform::new(ports, plans, Charge::own(), QUOTA));
        let dispatcher = Arc::new(Dispatcher::new(platform.clone(), DispatcherOptions::default()));
        let notes = Arc::new(Notes::default());
        let runner = StepJobRunner {
            runners: Runners::built_in(),
            egress: Egress::open(),
            store: kept.store.clone(),
            blobs: kept.blobs,
            secret_box: kept.secret_box,
            secret_source: Arc::new(GivenSecrets::new(options.secrets)),
            programs,
            notes: notes.clone(),
        };
        let working =
            WorkerOptions { parallel: options.parallel, renew_every: RENEW_EVERY, ..WorkerOptions::default() };
        let worker = Worker::new(kept.store, queue, Arc::new(runner), clock, kept.process, working);
        let executions = Arc::new(Executions::new(platform.clone(), dispatcher.clone()));
        let (shutdown, loops) = (CancellationToken::new(), JoinSet::new());
        Ok(Self { platform, executions, dispatcher, worker: Arc::new(worker), notes, shutdown, loops })
    }

    /// Starts the loops. Call it within a tokio runtime.
    pub fn work(&mut self) {
        let (dispatcher, worker) = (self.dispatcher.clone(), self.worker.clone());
        let watchdog = Watchdog::new(self.platform.clone(), WATCH_EVERY);
        let [a, b, c] = std::array::from_fn(|_| self.shutdown.clone());
        self.loops.spawn(async move { dispatcher.run(a).await });
        self.loops.spawn(async move { worker.run(b).await });
        self.loops.spawn(async move { watchdog.run(c).await });
    }

    /// What can be done with executions.
    #[must_use]
    pub fn executions(&self) -> &Arc<Executions> {
        &self.executions
    }

    /// The ports.
    #[must_use]
    pub fn platform(&self) -> &Arc<Platform> {
        &self.platform
    }

    /// How the attempts under way go.
    #[must_use]
    pub fn notes(&self) -> &Arc<Notes> {
        &self.notes
    }

    /// Lets the loops finish what they have begun, for a moment; what is left is in the store.
    pub async fn close(mut self, moment: Duration) {
        self.shutdown.cancel();
        let finish = async { while self.loops.join_next().await.is_some() {} };
        if tokio::time::timeout(moment, finish).await.is_err() {
            tracing::info!("closed before everything had answered");
        }
    }
}

fn open(state: &State) -> anyhow::Result<Kept> {
    match state {
        State::Memory => {
            let store = Arc::new(MemoryExecutionStore::new(Arc::new(SystemClock)));
            Ok(Kept {
                process: store.process().to_owned(),
                store,
                blobs: Arc::new(MemoryBlobStore::default()),
                secret_box: Arc::new(MemorySecretBox::random().context("make a key")?),
            })
        }
        State::Folder { path, durability, access } => {
            let options = StoreOptions { durability: *durability, access: *access, ..StoreOptions::default() };
            let store = SqliteExecutionStore::open(path, options, Arc::new(SystemClock));
            let store = Arc::new(store.with_context(|| format!("open the state in {}", path.display()))?);
            let blobs = FolderBlobStore::open(&path.join("blobs"), *durability).context("open the folder of blobs")?;
            let secret_box = KeyFileSecretBox::open(&path.join("key")).context("open the key file")?;
            Ok(Kept {
                process: store.process().to_owned(),
                store,
                blobs: Arc::new(blobs),
                secret_box: Arc::new(secret_box),
            })
        }
    }
}
