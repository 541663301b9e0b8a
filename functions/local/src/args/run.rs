//! What can be typed after `run`, `resume` and `demo`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::StoreArgs;
use super::report::ReportTarget;
use crate::demo::Lie;
use crate::load::Shard;

const RUN_EXAMPLES: &str = "\
Examples:
  assay run checkout.yaml
  assay run flows/ --jobs 8                         every flow below a folder, eight at once
  assay run 'flows/**/smoke-*.yaml'                 quoted: the pattern is read by assay
  assay run checkout.yaml --input baseUrl=http://127.0.0.1:8080 --input 'skus=[\"A1\"]'
  assay run checkout.yaml --env staging             with environments/staging.yaml
  assay run checkout.yaml --secret API_KEY          the value of the environment variable API_KEY
  assay run checkout.yaml --only order              this step and what it needs
  assay run checkout.yaml --until order --keep 30m  stop there, look around, then: assay finish latest
  assay run flows/ --shard 2/5 --retry-failed 1     a part of the flows, for one of five machines
  assay run checkout.yaml --watch                   again whenever something changes
  assay run flows/ --json > records.ndjson --report junit=report.xml
  assay run checkout.yaml --on aws --stack dev      over there, watched and stopped from here

Exit codes: 0 passed, 1 failed, 2 the flow or the command is wrong, 3 errored (could not find out),
4 cancelled, 5 timed out. Several flows: the worst, in the order 2 3 5 1 4 0.

Ctrl-C stops the flows and runs their `finally` steps; a second Ctrl-C ends at once.
State is kept in `.assay/` beside the nearest `assay.yaml` above, else in the current folder. What `assay.yaml` says
(env, jobs, store, labels, secrets, reports) holds unless it is typed.";

/// `assay run`
#[derive(Debug, Clone, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    /// Flow files, folders (searched for flows, deeply) or patterns
    ///
    /// In a folder or a pattern, files without a `steps` key are no flows and are passed over; a file that is named
    /// must be one. All flows are checked before any of them runs.
    #[arg(required = true, value_name = "FLOW")]
    pub(crate) flows: Vec<String>,
    /// Flows that run at once [default: as many as there are processors]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) jobs: Option<u32>,
    /// Value of an input, read as the input's declared type
    ///
    /// Arrays and objects are JSON. Wins over --inputs-file. Given to each of the flows that has such an input.
    #[arg(long = "input", short = 'i', value_name = "NAME=VALUE")]
    pub(crate) inputs: Vec<String>,
    /// YAML or JSON file with values of inputs
    #[arg(long, value_name = "FILE")]
    pub(crate) inputs_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) env: EnvArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// Label of the executions, beside those of the flow
    #[arg(long = "label", short = 'l', value_name = "NAME=VALUE")]
    pub(crate) labels: Vec<String>,
    /// Run only these steps, everything they need, and `finally`
    ///
    /// Ids, separated by commas. The other steps are skipped.
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Run this step and what it needs, and stop before the rest; `assay rerun latest --from-failed` goes on with it
    #[arg(long, value_name = "STEP", conflicts_with = "only")]
    pub(crate) until: Option<String>,
    /// Hold `finally` back for so long when the main steps have ended, as in 30m
    ///
    /// To look around, or to go on with `assay rerun --from-failed`. `assay finish`, or Ctrl-C, runs `finally`. For one
    /// flow.
    #[arg(long, value_name = "DURATION", conflicts_with = "no_store")]
    pub(crate) keep: Option<String>,
    /// Run one of several parts of the flows, as in 2/5
    ///
    /// Which part a flow belongs to depends only on its path below the project: adding a flow moves no other one.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// After the first flow that fails or errors, start no other one and cancel those that run
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Run flows that failed, errored or were out of time again, up to N times
    ///
    /// Each time is an execution of its own that names the first one; the last one counts.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) retry_failed: u32,
    /// Run again when the flow, a file beside it, the environment or the inputs file changes
    ///
    /// From the changed step on when nothing above it changed; what had passed is carried over. When `finally` has
    /// cleaned up, everything runs again. On a terminal Enter runs everything again and q ends. The exit code is that
    /// of the last time.
    #[arg(long, conflicts_with_all = ["no_store", "on"])]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Keep state in memory only: nothing can be resumed or shown later
    #[arg(long, conflicts_with_all = ["store", "durability", "on"])]
    pub(crate) no_store: bool,
    /// What a saved step survives
    #[arg(long, value_enum, default_value_t = Durability::Normal)]
    pub(crate) durability: Durability,
}

/// Which environment.
#[derive(Debug, Clone, Args, Default)]
pub(crate) struct EnvArgs {
    /// Environment: a name, for environments/NAME.yaml beside assay.yaml or the flow, or a path
    ///
    /// Its values win over those of the flow, and those typed here over both. An empty one takes none, whatever
    /// assay.yaml says.
    #[arg(long = "env", short = 'e', value_name = "NAME")]
    pub(crate) env: Option<String>,
}

/// Where the values of secrets come from.
#[derive(Debug, Clone, Args)]
pub(crate) struct SecretArgs {
    /// Value of a secret; without `=VALUE` it is taken from the environment variable of that name
    ///
    /// Values are masked in everything that is printed or stored. At least 4 bytes.
    #[arg(long = "secret", short = 's', value_name = "NAME[=VALUE]", hide_possible_values = true)]
    pub(crate) secrets: Vec<String>,
}

/// What is printed and reported.
#[derive(Debug, Clone, Args)]
pub(crate) struct OutputArgs {
    /// Print records as JSON, one a line, and nothing else on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Print lines on a terminal too, as they are printed elsewhere, instead of a tree that is drawn again and again
    #[arg(long)]
    pub(crate) plain: bool,
    /// Write a report when everything has ended; may be given again
    ///
    /// Kinds: junit, ctrf (JSON), tap, markdown (for the page of a CI job), github (annotations; the path `-` prints them
    /// where the runner reads them), html (one page that needs nothing else).
    #[arg(long = "report", short = 'r', value_name = "KIND=PATH")]
    pub(crate) reports: Vec<ReportTarget>,
}

/// What a saved step survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Durability {
    /// The end of the process, kill -9 included; a power cut may cost the last moments
    #[default]
    Normal,
    /// A power cut too; each save waits for the disk
    Full,
}

/// `assay resume`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay resume                         everything that a dead `assay run` left in this store
  assay resume exe_0123456789abcdef    one execution
  assay resume --secret API_KEY        values of secrets are not kept: give them again

Executions that another process still runs are left alone. The exit code is the worst verdict of all it went on with;
a verdict that was reached just before the crash and never told counts too. What cannot be gone on with is named, and
counts as errored (3); the rest is resumed all the same. With nothing to resume it is 0.")]
pub(crate) struct ResumeArgs {
    /// The execution; without one, everything unfinished
    pub(crate) execution: Option<String>,
    /// Flows that run at once [default: as many as there are processors]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) jobs: Option<u32>,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// What a saved step survives
    #[arg(long, value_enum, default_value_t = Durability::Normal)]
    pub(crate) durability: Durability,
}

/// `assay demo`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay demo                                     run the examples and end with their exit code
  assay demo --keep                              leave the shop up, to try flows of your own against it
  assay demo --env .services/environment.yaml    with a ledger, a topic, a cache, a log and metrics around the shop,
                                                 as scripts/services starts them: examples/everywhere.yaml runs too
  assay demo --env .services/environment.yaml --lie event-missing
                                                 see what a flow says of a shop that is wrong

With --env the shop tells the systems of these resources, each if it is there: `ledger` (sql, Postgres),
`announcements` (kafka), `cache` (redis), `logs` (loki); `metrics` (prometheus) scrapes /metrics of the shop.")]
pub(crate) struct DemoArgs {
    /// Leave the shop up until Ctrl-C
    #[arg(long)]
    pub(crate) keep: bool,
    /// Start the shop and run nothing; it is up until Ctrl-C
    #[arg(long, conflicts_with = "keep")]
    pub(crate) shop_only: bool,
    /// Port of the shop on loopback [default: that of the environment's input baseUrl, else a free one]
    #[arg(long)]
    pub(crate) port: Option<u16>,
    #[command(flatten)]
    pub(crate) env: EnvArgs,
    /// What the shop gets wrong in the systems around it
    #[arg(long, value_enum, value_name = "LIE", requires = "env")]
    pub(crate) lie: Option<Lie>,
}
