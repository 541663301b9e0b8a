//! What can be typed after the commands that read or change stored executions.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Where state is kept.
#[derive(Debug, Clone, Args, Default)]
pub(crate) struct StoreArgs {
    /// Folder that state is kept in [default: `.assay` beside the nearest assay.yaml above, else here; or ASSAY_STORE]
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// Where the executions are, unless here: on a stack on AWS, with your own credentials
    #[arg(long, value_enum, value_name = "PLACE", conflicts_with = "store", help_heading = "On AWS")]
    pub(crate) on: Option<On>,
    /// The stack [default: what ASSAY_STACK says, else dev]
    #[arg(long, value_name = "NAME", requires = "on", help_heading = "On AWS")]
    pub(crate) stack: Option<String>,
    /// Profile of the AWS configuration whose credentials and region are used
    #[arg(long, value_name = "P", requires = "on", help_heading = "On AWS")]
    pub(crate) profile: Option<String>,
    /// The region [default: what AWS_REGION or the profile say]
    #[arg(long, value_name = "REGION", requires = "on", help_heading = "On AWS")]
    pub(crate) region: Option<String>,
}

/// Where executions are, unless here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum On {
    /// A stack on AWS, as `template.yaml` makes it
    Aws,
}

/// `assay executions`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay executions
  assay executions --status failed,errored --limit 5
  assay executions --flow checkout --label team=payments --json")]
pub(crate) struct ExecutionsArgs {
    /// Only in these states: queued running passed failed errored cancelled timedOut
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub(crate) status: Vec<String>,
    /// Only of the flow with this name
    #[arg(long, value_name = "NAME")]
    pub(crate) flow: Option<String>,
    /// Only with this label
    #[arg(long = "label", short = 'l', value_name = "NAME=VALUE")]
    pub(crate) labels: Vec<String>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// `assay show`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay show latest
  assay show exe_0123456789abcdef
  assay show latest --json")]
pub(crate) struct ShowArgs {
    /// The execution's id, or `latest`
    #[arg(default_value = "latest")]
    pub(crate) execution: String,
    /// One JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// `assay events`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay events latest
  assay events exe_0123456789abcdef --after 12 --json
  assay events latest --follow          goes on until the execution has its verdict")]
pub(crate) struct EventsArgs {
    /// The execution's id, or `latest`
    #[arg(default_value = "latest")]
    pub(crate) execution: String,
    /// Only records with a greater number
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) after: u64,
    /// Wait for more until the execution has its verdict
    #[arg(long, short = 'f')]
    pub(crate) follow: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// `assay cancel`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay cancel latest
  assay cancel exe_0123456789abcdef --force

Works while another process runs the execution. When no process does, it is stopped and cleaned up here.")]
pub(crate) struct CancelArgs {
    /// The execution's id, or `latest`
    pub(crate) execution: String,
    /// Do not wait for `finally`
    #[arg(long)]
    pub(crate) force: bool,
    /// For the `finally` steps, when no process runs the execution
    #[command(flatten)]
    pub(crate) secrets: super::run::SecretArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// `assay signal`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay signal latest approved
  assay signal exe_0123456789abcdef approved --payload '{\"by\": \"ann\"}'")]
pub(crate) struct SignalArgs {
    /// The execution's id, or `latest`
    pub(crate) execution: String,
    /// The signal's name, as the `wait` step gives it
    pub(crate) name: String,
    /// What it carries, as JSON
    #[arg(long, value_name = "JSON", default_value = "null")]
    pub(crate) payload: String,
    /// Who sends it [default: the user's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// `assay prune`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay prune --older-than 7d
  assay prune --older-than 0s --keep 100")]
pub(crate) struct PruneArgs {
    /// Executions that ended longer ago than this
    #[arg(long, value_name = "DURATION", default_value = "30d")]
    pub(crate) older_than: String,
    /// Keep this many of the newest ones, however old they are
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) keep: usize,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}
