//! The stack, as somebody sees it who starts flows in it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assay_adapters::aws::s3::S3BlobStore;
use assay_adapters::aws::sqs::{SqsOptions, SqsWorkQueue};
use assay_adapters::aws::{Account, StackNames, connect, executions};
use assay_adapters::memory::MemoryNotifier;
use assay_app::delivery::{Dispatcher, DispatcherOptions};
use assay_app::plans::Plans;
use assay_app::platform::{Charge, Platform, Ports};
use assay_app::ports::QueueName;
use assay_app::usecases::{Executions, StartExecution};
use assay_app::view::ExecutionView;
use assay_engine::admission::Quota;
use assay_engine::bundle::Bundle;
use assay_engine::expr::Programs;
use assay_engine::id::ExecutionId;
use assay_host::{BuiltInCompiler, SystemClock};
use tokio::time::Instant;

/// A flow of a few steps takes seconds on a busy machine; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(crate) struct Stack {
    pub(crate) executions: Executions,
}

impl Stack {
    /// The stack `dev` of the account that the environment names.
    pub(crate) async fn dev() -> Self {
        let names = StackNames::new("dev").unwrap();
        let config = connect(&Account::default()).await;
        let clock = Arc::new(SystemClock);
        let process = format!("test-{}-{:?}", std::process::id(), std::thread::current().id());
        let process = process.replace(['(', ')'], "-");
        let store = Arc::new(executions(&config, &names.table(), &names.claims_table(), clock.clone(), &process));
        let region = config.region().map(ToString::to_string).unwrap();
        // The account of the emulator.
        let blobs = Arc::new(S3BlobStore::new(&config, names.bucket("000000000000", &region)));
        let queue = SqsWorkQueue::new(&config, names, SqsOptions::default(), blobs.clone(), clock.clone());
        queue.address(&QueueName::Dispatcher).await.expect("the stack is deployed: scripts/test-stack");
        let ports =
            Ports { store, queue: Arc::new(queue), notifier: Arc::new(MemoryNotifier::default()), blobs, clock };
        let compiler = BuiltInCompiler { programs: Arc::new(Programs::default()) };
        let quota = Quota { slots: 1_000, waiting: 100_000, width: 64 };
        let platform =
            Arc::new(Platform::new(ports, Arc::new(Plans::new(Arc::new(compiler))), Charge::everything(), quota));
        let dispatcher = Arc::new(Dispatcher::new(platform.clone(), DispatcherOptions::default()));
        Self { executions: Executions::new(platform, dispatcher) }
    }

    /// Starts a flow; `key` is the test's own.
    pub(crate) async fn start(&self, key: &str, files: &[(&str, &str)]) -> ExecutionId {
        let mut bundle = Bundle::of_text(files[0].0, files[0].1);
        for (name, text) in &files[1..] {
            bundle.files.insert((*name).to_owned(), Arc::from(text.as_bytes()));
        }
        let started = self.executions.start(StartExecution {
            organization: "org_local".parse().unwrap(),
            project: "prj_local".parse().unwrap(),
            key: format!("{key}-{}", jiff::Timestamp::now()),
            bundle: Arc::new(bundle),
            inputs: BTreeMap::new(),
            labels: BTreeMap::new(),
            seed: 7,
            rerun: None,
            file: None,
            keep: None,
            only: None,
        });
        started.await.unwrap_or_else(|error| panic!("{error}: {:?}", error.problems())).id
    }

    /// Waits until something is true of it.
    pub(crate) async fn until(
        &self,
        id: &ExecutionId,
        what: &str,
        is: impl Fn(&ExecutionView) -> bool,
    ) -> ExecutionView {
        let end = Instant::now() + PATIENCE;
        loop {
            let view = self.executions.show(id, false).await.unwrap();
            if is(&view) {
                return view;
            }
            assert!(Instant::now() < end, "{id} is not {what}: {view:#?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Runs a flow to its end.
    pub(crate) async fn run(&self, key: &str, files: &[(&str, &str)]) -> ExecutionView {
        let id = self.start(key, files).await;
        self.until(&id, "over", |view| view.status.ended()).await
    }
}
