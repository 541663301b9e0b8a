//! The commands.

use clap::{Parser, Subcommand};

use super::{
    CancelArgs, DemoArgs, DoctorArgs, EvalArgs, EventsArgs, ExecutionsArgs, ExplainArgs, FinishArgs, NewArgs,
    PruneArgs, ReportArgs, RerunArgs, ResourcesArgs, ResumeArgs, RunArgs, SchemaArgs, ShowArgs, SignalArgs, StepsArgs,
    ValidateArgs,
};

const EXAMPLES: &str = "\
Examples:
  assay demo                             see real flows run against a bundled shop
  assay new                              begin a flow: a few questions, or --from curl or OpenAPI
  assay validate flows/                  every problem of every flow, at once
  assay run flows/checkout.yaml          run one flow, live
  assay run flows/ --jobs 8 --report junit=report.xml
  assay resume                           go on after a crash
  assay show latest                      what happened, step by step
  assay rerun latest --from-failed       go on from where it failed
  assay help run                         all about one command

Exit codes: 0 passed, 1 failed, 2 the flow or the command is wrong, 3 errored (could not find out),
4 cancelled, 5 timed out. Several flows: the worst, in the order 2 3 5 1 4 0.";

/// Runs multi-step test flows from YAML files, and keeps what happened.
#[derive(Debug, Parser)]
#[command(name = "assay", version, after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
#[command(infer_subcommands = false, disable_help_subcommand = false, max_term_width = 100)]
pub(crate) struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Begin a flow: from a few answers, a curl command, or an OpenAPI document
    New(NewArgs),
    /// Run flows
    Run(Box<RunArgs>),
    /// Go on with what a crash or a kill left unfinished
    Resume(ResumeArgs),
    /// Run an execution again, all of it or from where it failed
    Rerun(Box<RerunArgs>),
    /// Clean up what `run --keep` has held back
    Finish(FinishArgs),
    /// List executions, newest first
    Executions(ExecutionsArgs),
    /// Show what happened in an execution
    Show(ShowArgs),
    /// Write reports of stored executions
    Report(ReportArgs),
    /// Evaluate an expression over what a step left
    Eval(EvalArgs),
    /// Print an execution's records, one JSON object a line or as text
    Events(EventsArgs),
    /// Stop an execution; its `finally` steps still run
    Cancel(CancelArgs),
    /// Send a signal to an execution that waits for it
    Signal(SignalArgs),
    /// Remove ended executions from the store
    Prune(PruneArgs),
    /// Report every problem of flows without running them
    Validate(ValidateArgs),
    /// Check or list the named systems that flows use
    Resources(ResourcesArgs),
    /// Print a JSON Schema, for editors and other programs
    Schema(SchemaArgs),
    /// Explain an error code
    Explain(ExplainArgs),
    /// List the step types, or show the reference of one
    Steps(StepsArgs),
    /// Run the bundled examples against a bundled shop
    Demo(DemoArgs),
    /// Say what stands in the way of running flows here
    Doctor(DoctorArgs),
    /// Print a completion script for a shell
    #[command(
        after_help = "Examples:\n  assay completions bash > ~/.local/share/bash-completion/completions/assay\n  \
                      assay completions zsh > ~/.zfunc/_assay\n  \
                      assay completions fish > ~/.config/fish/completions/assay.fish\n\n\
                      zsh also needs `fpath+=~/.zfunc` before `compinit` in ~/.zshrc."
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}
