//! What can be typed after `resources`.

use clap::{Args, Subcommand};

use super::run::{EnvArgs, SecretArgs};

/// `assay resources`
#[derive(Debug, Args)]
pub(crate) struct ResourcesArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub(crate) command: ResourcesCommand,
}

/// What to do with resources.
#[derive(Debug, Subcommand)]
pub(crate) enum ResourcesCommand {
    /// Connect to each resource, and say what is wrong
    Check(CheckArgs),
    /// List the resources and where they point
    List(ListArgs),
}

/// `assay resources check`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay resources check --env staging                  every resource of environments/staging.yaml
  assay resources check orders-db --env staging        one of them
  assay resources check flows/ --env staging           those of the flows too
  assay resources check checkout.yaml --json

Nothing is changed at any of them. Each has 10 seconds. Exit codes: 0 each answers, 2 the command or a file is wrong,
3 at least one cannot be used.")]
pub(crate) struct CheckArgs {
    /// Names of resources (all unless given), and flow files, folders or patterns whose resources are checked too
    #[arg(value_name = "NAME|FLOW")]
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    pub(crate) env: EnvArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// One JSON object a line and resource
    #[arg(long)]
    pub(crate) json: bool,
}

/// `assay resources list`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay resources list --env staging
  assay resources list flows/ --json")]
pub(crate) struct ListArgs {
    /// Names of resources (all unless given), and flow files, folders or patterns whose resources are listed too
    #[arg(value_name = "NAME|FLOW")]
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    pub(crate) env: EnvArgs,
    /// One JSON object a line and resource
    #[arg(long)]
    pub(crate) json: bool,
}
