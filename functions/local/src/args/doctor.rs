//! What can be typed after `doctor`.

use clap::Args;

use super::StoreArgs;
use super::run::{EnvArgs, SecretArgs};

/// `assay doctor`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay doctor
  assay doctor --env staging        connects to its resources too
  assay doctor --json               one JSON object a line: check, state, said, advice

It looks at the version, assay.yaml and the environments, the store and what lies there unfinished,
resources, clock, terminal, proxies, certificates and AWS credentials. It changes nothing.
Exit codes: 0 nothing stops flows (warnings are allowed), 2 the command is wrong, 3 a check failed.")]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) env: EnvArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// One JSON object a line and check
    #[arg(long)]
    pub(crate) json: bool,
}
