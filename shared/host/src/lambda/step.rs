//! A step function: called with the jobs of one family of step types.

use std::sync::Arc;
use std::time::Duration;

use assay_adapters::aws::kms::KmsSecretBox;
use assay_adapters::secret_box::StoredSecrets;
use assay_app::delivery::{Worker, WorkerOptions};
use assay_app::ports::{Clock as _, QueueName};
use assay_engine::expr::Programs;
use assay_steps::registry::Runners;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures_util::StreamExt as _;
use lambda_runtime::LambdaEvent;

use super::batch::Batch;
use super::guard::guard;
use super::invocation::Invocation;
use super::metrics::Metrics;
use super::platform::Adapters;
use super::settings::Settings;
use super::source::StackQueue;
use super::start::{Start, run};
use crate::notes::Notes;
use crate::runner::StepJobRunner;

/// How often a lease is renewed while a job runs.
const RENEW_EVERY: Duration = Duration::from_secs(3);
/// A step that is over sooner is not announced as started: two messages less, and its result says when it began.
const ANNOUNCE_AFTER: Duration = Duration::from_secs(1);
/// Jobs of one invocation carried out at once: as many as a batch holds.
const PARALLEL: usize = 10;

struct Function {
    settings: Settings,
    adapters: Adapters,
    queue: QueueName,
    worker: Worker,
}

/// Runs the step types of one family, the word before the dot, as a Lambda function.
///
/// # Errors
/// When its environment is not complete, or the runtime's interface is gone.
pub fn step(family: &str) -> anyhow::Result<()> {
    run(async |start| build(start, family).await, async |function: Arc<Function>, event| function.call(event).await)
}

async fn build(start: Start, family: &str) -> anyhow::Result<Function> {
    let Start { settings, runtime } = start;
    let adapters = Adapters::connect(&settings).await?;
    let secret_box = Arc::new(KmsSecretBox::new(&adapters.config, &settings.key));
    let runner = StepJobRunner {
        runners: Runners::built_in().of(family),
        egress: guard(&settings, runtime.as_deref()),
        store: adapters.store.clone(),
        blobs: adapters.blobs.clone(),
        secret_source: Arc::new(StoredSecrets::new(adapters.blobs.clone(), secret_box.clone())),
        secret_box,
        programs: Arc::new(Programs::default()),
        notes: Arc::new(Notes::default()),
    };
    let queue = QueueName::Steps { step_type: family.to_owned(), pool: None };
    let options = WorkerOptions {
        queue: queue.clone(),
        parallel: PARALLEL,
        renew_every: RENEW_EVERY,
        announce_after: ANNOUNCE_AFTER,
        ..WorkerOptions::default()
    };
    let worker = Worker::new(
        adapters.store.clone(),
        adapters.queue.clone(),
        Arc::new(runner),
        adapters.clock.clone(),
        settings.process.clone(),
        options,
    );
    Ok(Function { settings, adapters, queue, worker })
}

impl Function {
    async fn call(&self, event: LambdaEvent<SqsEvent>) -> SqsBatchResponse {
        let invocation = Invocation::of(&event.context);
        let source = StackQueue { queue: &self.adapters.queue, name: &self.queue };
        let (mut batch, deliveries) = Batch::read(event.payload, &source).await;
        let last = invocation.answers(self.adapters.clock.now());
        let mut dealing = std::pin::pin!(self.worker.take(deliveries, invocation.turn_ends()));
        // What is not done by then is given up here: its lease runs out, and it is told as lost.
        while let Ok(Some(settled)) = tokio::time::timeout_at(last, dealing.next()).await {
            batch.settle(&settled);
        }
        batch.close(&*self.adapters.queue).await;
        Metrics::of(&self.settings.stack, &self.settings.function)
            .count("Messages", batch.len())
            .count("Failures", batch.failures())
            .time("Duration", invocation.took())
            .print(self.adapters.clock.now());
        batch.answer()
    }
}
