//! Where a function keeps state: clients built once, of what its environment says.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context as _;
use assay_adapters::aws::dynamodb::DynamoExecutionStore;
use assay_adapters::aws::s3::S3BlobStore;
use assay_adapters::aws::sqs::{SqsOptions, SqsWorkQueue};
use assay_adapters::aws::{Account, SdkConfig, StackNames, connect, executions};
use assay_adapters::memory::MemoryNotifier;
use assay_app::plans::Plans;
use assay_app::platform::{Charge, Platform, Ports};
use assay_app::ports::QueueName;
use assay_engine::expr::Programs;
use assay_engine::types::StepTypes as _;
use assay_steps::registry::Types;

use super::settings::Settings;
use crate::clock::SystemClock;
use crate::compiler::BuiltInCompiler;
use crate::remote::STACK_QUOTA;

/// The adapters of a function.
pub(super) struct Adapters {
    pub(super) config: SdkConfig,
    pub(super) store: Arc<DynamoExecutionStore>,
    pub(super) queue: Arc<SqsWorkQueue>,
    pub(super) blobs: Arc<S3BlobStore>,
    pub(super) clock: Arc<SystemClock>,
}

impl Adapters {
    /// Builds the clients; none of them asks anything before it is used.
    pub(super) async fn connect(settings: &Settings) -> anyhow::Result<Self> {
        let names = StackNames::new(&settings.stack);
        let names = names.with_context(|| format!("`{}` is no name of a stack", settings.stack))?;
        let config = connect(&Account::default()).await;
        let clock = Arc::new(SystemClock);
        let blobs = Arc::new(S3BlobStore::new(&config, &settings.bucket));
        let addresses = names.queue(&QueueName::Dispatcher).and_then(|name| settings.queue.strip_suffix(&name));
        let addresses = addresses.map(str::to_owned);
        let options = SqsOptions { steps: step_queues(), addresses };
        let queue = SqsWorkQueue::new(&config, names, options, blobs.clone(), clock.clone());
        let (table, claims) = (&settings.table, &settings.claims_table);
        let store = executions(&config, table, claims, clock.clone(), &settings.process);
        Ok(Self { config, store: Arc::new(store), queue: Arc::new(queue), blobs, clock })
    }

    /// What dispatcher and watchdog work on. Who watches reads the store: functions tell nobody.
    pub(super) fn platform(&self) -> Arc<Platform> {
        let ports = Ports {
            store: self.store.clone(),
            queue: self.queue.clone(),
            notifier: Arc::new(MemoryNotifier::default()),
            blobs: self.blobs.clone(),
            clock: self.clock.clone(),
        };
        let programs = Arc::new(Programs::default());
        let plans = Arc::new(Plans::new(Arc::new(BuiltInCompiler { programs })));
        Arc::new(Platform::new(ports, plans, Charge::everything(), STACK_QUOTA))
    }
}

/// One queue for each word of step types.
fn step_queues() -> Vec<QueueName> {
    let words: BTreeSet<&str> = Types.names().into_iter().filter_map(|name| name.split('.').next()).collect();
    words.into_iter().map(|word| QueueName::Steps { step_type: word.to_owned(), pool: None }).collect()
}
