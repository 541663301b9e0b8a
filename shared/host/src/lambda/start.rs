//! From the start of the process to its first invocation, and on.

use std::sync::Arc;

use anyhow::Context as _;
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::settings::Settings;
use crate::environment::Environment;

/// One thread works while another waits; a function has less than one processor.
const THREADS: usize = 2;

/// What a function is started with.
pub(super) struct Start {
    pub(super) settings: Settings,
    /// Where the runtime's interface listens.
    pub(super) runtime: Option<String>,
}

/// Builds a function and calls it until the process ends. `build` runs once, before the first invocation: what it makes
/// is used by all of them.
pub(super) fn run<F, E, A>(
    build: impl AsyncFnOnce(Start) -> anyhow::Result<F>,
    call: impl AsyncFn(Arc<F>, LambdaEvent<E>) -> A + Copy,
) -> anyhow::Result<()>
where
    E: DeserializeOwned,
    A: Serialize,
{
    let environment = Environment::read();
    let settings = Settings::read(&environment)?;
    crate::log::start_json_log(&settings.log)?;
    let start = Start { settings, runtime: environment.variable("AWS_LAMBDA_RUNTIME_API").map(str::to_owned) };
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    threads.context("start the threads")?.block_on(async move {
        let function = Arc::new(build(start).await.context("build the function")?);
        let service = service_fn(|event: LambdaEvent<E>| {
            let function = function.clone();
            // Never an error: each message is answered for by itself.
            async move { Ok::<_, std::convert::Infallible>(call(function, event).await) }
        });
        let ended: Result<(), lambda_runtime::Error> = Runtime::new(service).run().await;
        ended.map_err(|error| anyhow::anyhow!("call the function: {error}"))
    })
}
