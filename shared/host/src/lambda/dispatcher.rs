//! The dispatcher: called with what happened to executions, and with their timers.

use std::sync::Arc;

use assay_app::delivery::{Dispatcher, DispatcherOptions};
use assay_app::ports::{Clock as _, QueueName};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::LambdaEvent;

use super::batch::Batch;
use super::invocation::Invocation;
use super::metrics::Metrics;
use super::platform::Adapters;
use super::settings::Settings;
use super::source::StackQueue;
use super::start::{Start, run};

struct Function {
    settings: Settings,
    adapters: Adapters,
    dispatcher: Dispatcher,
}

/// Runs the dispatcher as a Lambda function.
///
/// # Errors
/// When its environment is not complete, or the runtime's interface is gone.
pub fn dispatcher() -> anyhow::Result<()> {
    run(build, async |function: Arc<Function>, event| function.call(event).await)
}

async fn build(start: Start) -> anyhow::Result<Function> {
    let adapters = Adapters::connect(&start.settings).await?;
    let dispatcher = Dispatcher::new(adapters.platform(), DispatcherOptions::default());
    Ok(Function { settings: start.settings, adapters, dispatcher })
}

impl Function {
    async fn call(&self, event: LambdaEvent<SqsEvent>) -> SqsBatchResponse {
        let invocation = Invocation::of(&event.context);
        let source = StackQueue { queue: &self.adapters.queue, name: &QueueName::Dispatcher };
        let (mut batch, deliveries) = Batch::read(event.payload, &source).await;
        let last = invocation.answers(self.adapters.clock.now());
        if let Ok(settled) = tokio::time::timeout_at(last, self.dispatcher.take(deliveries)).await {
            settled.iter().for_each(|settled| batch.settle(settled));
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
