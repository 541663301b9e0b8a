//! `assay demo`

use std::path::Path;

use assay_engine::status::ExecutionStatus;
use assay_host::Environment;

use super::run::run;
use crate::args::{Command, CommandLine, DemoArgs};
use crate::demo::{EXAMPLES, start};
use crate::drive::Signals;
use crate::error::CommandError;
use crate::out::Out;
use crate::project::Project;

pub(super) async fn demo(args: DemoArgs, environment: &Environment, out: &mut Out) -> Result<u8, CommandError> {
    let shop = start().await.map_err(|error| {
        CommandError::fault("start the shop", <Box<dyn std::error::Error + Send + Sync>>::from(error))
    })?;
    let folder = tempfile::Builder::new().prefix("assay-demo-").tempdir();
    let folder = folder.map_err(|error| CommandError::fault("make a folder for the examples", error))?;
    let flows = lay_out(folder.path())?;
    out.note(&format!("a small shop is up at {}; {} flows run against it\n\n", shop.base_url, flows.len()));
    let code = run(typed(folder.path(), &flows, &shop.base_url)?, Project::default(), environment, out).await?;
    // Who stopped the flows wants to leave.
    if args.keep && code != ExecutionStatus::Cancelled.exit_code() {
        let url = &shop.base_url;
        out.note(&format!(
            "\nthe shop stays up at {url} until Ctrl-C, and so does {} with the flows and their history: copy elsewhere \
             what you change\n  assay run {}/checkout.yaml --input baseUrl={url}\n",
            folder.path().display(),
            folder.path().display(),
        ));
        Signals::listen()?.next().await;
    }
    Ok(code)
}

/// Writes the examples; answers the paths of the flows that are run by themselves.
fn lay_out(folder: &Path) -> Result<Vec<String>, CommandError> {
    let mut flows = Vec::new();
    for (name, text) in EXAMPLES {
        let path = folder.join(name);
        let write = || -> std::io::Result<()> {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(&path, text)
        };
        write().map_err(|error| CommandError::fault(format!("write {}", path.display()), error))?;
        // What lies deeper belongs to those at the top.
        if name.ends_with(".yaml") && !name.contains('/') {
            flows.push(path.display().to_string());
        }
    }
    Ok(flows)
}

/// The command that a person would type.
fn typed(folder: &Path, flows: &[String], base_url: &str) -> Result<crate::args::RunArgs, CommandError> {
    use clap::Parser as _;
    let store = folder.join(".assay").display().to_string();
    let input = format!("baseUrl={base_url}");
    let fixed = ["assay", "run", "--input", &input, "--store", &store].map(str::to_owned);
    let line = CommandLine::try_parse_from(fixed.into_iter().chain(flows.iter().cloned()));
    match line.map_err(|error| CommandError::fault("run the examples", error))?.command {
        Command::Run(args) => Ok(*args),
        _ => Err(CommandError::wrong("run the examples")),
    }
}
