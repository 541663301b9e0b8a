//! Log lines, for whoever runs the process; never what a flow reports.

use std::io::{self, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Sends log lines to standard error, as far as the filter lets them: `info`, or `assay_app=debug,warn`. Each line goes
/// through `mask` first.
///
/// What libraries say below `info` is left out whatever the filter says: it repeats what is on the wire, where values
/// are that became secret within an execution and that this process cannot mask.
///
/// # Errors
/// When the filter cannot be read.
pub fn start_log(filter: &str, mask: fn(&str) -> String) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).map_err(|error| anyhow::anyhow!("ASSAY_LOG is no filter: {error}"))?;
    let writer = move || MaskedLine { mask, line: Vec::new() };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    let lines = lines.with_filter(filter.and(filter_fn(may_be_told)));
    let log = tracing_subscriber::registry().with(lines);
    log.try_init().map_err(|error| anyhow::anyhow!("start the log: {error}"))
}

/// Sends log lines to standard output, one JSON object each: what a log service reads. A process that calls this runs no
/// flow of its own and names no value of one.
///
/// # Errors
/// When the filter cannot be read.
#[cfg(feature = "lambda")]
pub(crate) fn start_json_log(filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).map_err(|error| anyhow::anyhow!("ASSAY_LOG is no filter: {error}"))?;
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
    let lines = lines.with_span_list(false).with_filter(filter.and(filter_fn(may_be_told)));
    let log = tracing_subscriber::registry().with(lines);
    log.try_init().map_err(|error| anyhow::anyhow!("start the log: {error}"))
}

fn may_be_told(line: &Metadata<'_>) -> bool {
    *line.level() <= Level::INFO || line.target().starts_with("assay")
}

/// One log line, written when it is whole.
struct MaskedLine {
    mask: fn(&str) -> String,
    line: Vec<u8>,
}

impl Write for MaskedLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for MaskedLine {
    fn drop(&mut self) {
        let line = (self.mask)(&String::from_utf8_lossy(&self.line));
        // Who closed standard error wants no log.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}
