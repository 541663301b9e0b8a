//! What can be typed after the commands that only look at texts.

use clap::{Args, ValueEnum};

/// `assay validate`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay validate checkout.yaml
  assay validate flows/ --env staging
  assay validate flows/ --json

Exit code 0 when there is no error (warnings are allowed), else 2.")]
pub(crate) struct ValidateArgs {
    /// Flow files, folders (searched for flows, deeply) or patterns
    #[arg(required = true, value_name = "FLOW")]
    pub(crate) flows: Vec<String>,
    #[command(flatten)]
    pub(crate) env: super::run::EnvArgs,
    /// One JSON object a line and problem
    #[arg(long)]
    pub(crate) json: bool,
}

/// `assay schema`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay schema > .assay-schema.json
  assay schema job

For editors: put `# yaml-language-server: $schema=.assay-schema.json` on a flow's first line.")]
pub(crate) struct SchemaArgs {
    /// Of what
    #[arg(value_enum, default_value_t = SchemaKind::Flow)]
    pub(crate) of: SchemaKind,
}

/// What there are schemas of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaKind {
    /// A flow file
    Flow,
    /// An environment file
    Environment,
    /// `assay.yaml`
    Project,
    /// An attempt to carry out, as a step function receives it
    Job,
    /// What came of an attempt
    Result,
}

/// `assay explain`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay explain              list all codes
  assay explain unknown-key")]
pub(crate) struct ExplainArgs {
    /// The code, as a diagnostic shows it; without one, all are listed
    pub(crate) code: Option<String>,
}

/// `assay steps`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay steps           list the step types
  assay steps http      what `with` takes, and what an http step puts in scope")]
pub(crate) struct StepsArgs {
    /// The step type
    #[arg(value_name = "TYPE")]
    pub(crate) step_type: Option<String>,
    /// JSON
    #[arg(long)]
    pub(crate) json: bool,
}
