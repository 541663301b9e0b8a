//! What can be typed after `rerun`, `finish` and `eval`.

use clap::Args;

use super::run::{Durability, EnvArgs, OutputArgs, SecretArgs};
use super::state::StoreArgs;

/// `assay rerun`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay rerun latest                                 all of it again, with the same inputs
  assay rerun latest --from-failed                   only what did not pass, and what needs it
  assay rerun latest --from-failed checkout.yaml     after the flow was mended
  assay rerun exe_0123456789abcdef --step order      this step and everything that needs it
  assay rerun latest --from-failed --input baseUrl=http://127.0.0.1:8081
  assay rerun latest --from-failed --keep 30m        hold `finally` back again

A step is carried over when it passed, what it needs is carried over, and its definition, what it sends and its files are
the same. What is not carried over although it had passed is said before it runs, with the reason. Once `finally` has
cleaned up, --from-failed is refused: --after-finally insists, and `assay run --keep 30m` prevents it.
Exit codes as of assay run.")]
pub(crate) struct RerunArgs {
    /// The execution's id, or `latest`
    pub(crate) execution: String,
    /// The flow's file, when it has changed; without it the stored flow runs
    pub(crate) flow: Option<String>,
    /// Carry over what has passed and is still the same
    #[arg(long)]
    pub(crate) from_failed: bool,
    /// Run this step and everything that needs it, and carry the rest over
    ///
    /// Ids, separated by commas. What had not passed runs too.
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    pub(crate) step: Vec<String>,
    /// Carry over also when `finally` has already cleaned up
    #[arg(long)]
    pub(crate) after_finally: bool,
    /// Another value of an input; the others stay as they were
    #[arg(long = "input", short = 'i', value_name = "NAME=VALUE")]
    pub(crate) inputs: Vec<String>,
    #[command(flatten)]
    pub(crate) env: EnvArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// Hold `finally` back for so long when the main steps have ended
    #[arg(long, value_name = "DURATION")]
    pub(crate) keep: Option<String>,
    /// Label of the execution, beside those that the earlier one had
    #[arg(long = "label", short = 'l', value_name = "NAME=VALUE")]
    pub(crate) labels: Vec<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// What a saved step survives
    #[arg(long, value_enum, default_value_t = Durability::Normal)]
    pub(crate) durability: Durability,
}

/// `assay finish`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay finish latest
  assay finish exe_0123456789abcdef --secret API_KEY

Runs the `finally` steps of an execution that was started with --keep. Works while another process holds it; when no
process does, it is cleaned up here.")]
pub(crate) struct FinishArgs {
    /// The execution's id, or `latest`
    pub(crate) execution: String,
    /// For the `finally` steps, when no process runs the execution
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// `assay eval`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay eval latest order body.id
  assay eval latest order 'status == 201 && body.state == \"NEW\"'    with the value of each part
  assay eval latest 'audited[3]' 'entries.map(e, e.line)'
  assay eval exe_0123456789abcdef order 'steps.login.output.status' --attempt 1

The expression sees what the step left (whole, also when it is large), inputs, vars, and the captures and outputs of other
steps. Secrets stay masked. Exit code 0 when it has a value, 1 when it is an assertion that does not hold, 2 when it has no
value.")]
pub(crate) struct EvalArgs {
    /// The execution's id, or `latest`
    pub(crate) execution: String,
    /// The step, or an instance of it as in `audited[3]`
    pub(crate) step: String,
    /// The expression, as after `assert`
    pub(crate) expression: String,
    /// The attempt whose output is looked at [default: the last one that has one]
    #[arg(long, value_name = "N")]
    pub(crate) attempt: Option<u32>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}
