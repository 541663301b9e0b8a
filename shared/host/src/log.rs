//! Log lines, for whoever runs the process; never what a flow reports.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Sends log lines to standard error, as far as the filter lets them: `info`, or `assay_app=debug,warn`.
///
/// # Errors
/// When the filter cannot be read.
pub fn start_log(filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).map_err(|error| anyhow::anyhow!("ASSAY_LOG is no filter: {error}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).finish();
    lines.try_init().map_err(|error| anyhow::anyhow!("start the log: {error}"))
}
