//! The watchdog: called once a minute.

use std::sync::Arc;

use assay_app::delivery::{Round, Watchdog};
use assay_app::ports::Clock as _;
use lambda_runtime::LambdaEvent;
use serde_json::Value as Json;

use super::invocation::Invocation;
use super::metrics::Metrics;
use super::platform::Adapters;
use super::settings::Settings;
use super::start::{Start, run};

/// How often the schedule calls it; the function itself makes one round each time.
const EVERY: std::time::Duration = std::time::Duration::from_secs(60);

struct Function {
    settings: Settings,
    adapters: Adapters,
    watchdog: Watchdog,
}

/// Runs the watchdog as a Lambda function.
///
/// # Errors
/// When its environment is not complete, or the runtime's interface is gone.
pub fn watchdog() -> anyhow::Result<()> {
    run(build, async |function: Arc<Function>, event| function.call(event).await)
}

async fn build(start: Start) -> anyhow::Result<Function> {
    let adapters = Adapters::connect(&start.settings).await?;
    let watchdog = Watchdog::new(adapters.platform(), EVERY);
    Ok(Function { settings: start.settings, adapters, watchdog })
}

impl Function {
    /// Makes a round. What it did not get to is found by the next.
    async fn call(&self, event: LambdaEvent<Json>) -> Json {
        let invocation = Invocation::of(&event.context);
        let last = invocation.answers(self.adapters.clock.now());
        let round = match tokio::time::timeout_at(last, self.watchdog.round()).await {
            Ok(Ok(round)) => Some(round),
            Ok(Err(error)) => {
                tracing::error!(%error, source = ?error.source, "failed to make a round");
                None
            }
            Err(_) => {
                tracing::error!("a round was not done in time");
                None
            }
        };
        let Round { due, lost, reported, undelivered } = round.unwrap_or_default();
        Metrics::of(&self.settings.stack, &self.settings.function)
            .count("Rounds", usize::from(round.is_some()))
            .count("FailedRounds", usize::from(round.is_none()))
            .count("Due", due)
            .count("Lost", lost)
            .count("Reported", reported)
            .count("Undelivered", undelivered)
            .time("Duration", invocation.took())
            .print(self.adapters.clock.now());
        serde_json::json!({"due": due, "lost": lost, "reported": reported, "undelivered": undelivered})
    }
}
