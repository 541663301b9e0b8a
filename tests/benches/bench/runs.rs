//! Runs of the binary, and the records that they print.

use std::path::Path;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::figures::now;

/// What a run came to.
pub(crate) struct Came {
    /// The exit code; -1 after a signal.
    pub(crate) code: i32,
    /// Milliseconds from start to end of the process.
    pub(crate) wall: f64,
    /// What it printed: a record a line.
    pub(crate) out: String,
    /// What it said to people.
    pub(crate) err: String,
}

/// Runs a flow without a store.
pub(crate) fn run(assay: &str, flow: &Path, options: &[&str]) -> Came {
    let begun = now();
    let mut command = Command::new(assay);
    command.arg("run").arg(flow).args(["--no-store", "--json"]).args(options);
    let output = command.stdin(Stdio::null()).output().unwrap();
    Came {
        code: output.status.code().unwrap_or(-1),
        wall: begun.elapsed().as_secs_f64() * 1000.0,
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Came {
    /// It passed, or this bench ends here.
    pub(crate) fn passed(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }

    /// How a step ended, of those whose name begins so.
    pub(crate) fn ends(&self, prefix: &str) -> Vec<Json> {
        let records = self.out.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
        let of_it = |record: &Json| record["step"].as_str().is_some_and(|step| step.starts_with(prefix));
        records.filter(|record| record["kind"] == "step.finished" && of_it(record)).collect()
    }
}

/// Milliseconds since 1970 of a time in a record.
pub(crate) fn instant(value: &Json) -> f64 {
    let at: Timestamp = value.as_str().unwrap().parse().unwrap();
    at.as_microsecond() as f64 / 1000.0
}
