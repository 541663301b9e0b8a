//! `assay demo`

use std::path::Path;

use assay_engine::status::ExecutionStatus;
use assay_host::Environment;

use super::resources::{Filled, filled};
use super::run::run;
use crate::args::{Command, CommandLine, DemoArgs};
use crate::demo::{EVERYWHERE, EXAMPLES, Systems, start};
use crate::drive::Signals;
use crate::error::CommandError;
use crate::out::Out;
use crate::project::Project;

pub(super) async fn demo(args: DemoArgs, environment: &Environment, out: &mut Out) -> Result<u8, CommandError> {
    let given = match &args.env.env {
        Some(_) => filled(&args.env, environment, out)?,
        None => Filled::default(),
    };
    let port = args.port.or_else(|| port_of(given.inputs.get("baseUrl")?.as_str()?)).unwrap_or(0);
    let systems = Systems { resources: given.resources, lie: args.lie };
    let shop =
        start(port, &systems).await.map_err(|error| CommandError::wrong(format!("start the shop: {error:#}")))?;
    let url = &shop.base_url;
    if args.shop_only {
        out.note(&format!("a small shop is up at {url} until Ctrl-C\n"));
        Signals::listen()?.next().await;
        return Ok(0);
    }
    let folder = tempfile::Builder::new().prefix("assay-demo-").tempdir();
    let folder = folder.map_err(|error| CommandError::fault("make a folder for the examples", error))?;
    let flows = lay_out(folder.path(), args.env.env.is_some())?;
    out.note(&format!("a small shop is up at {url}; {} flows run against it\n\n", flows.len()));
    let typed = typed(folder.path(), &flows, url, args.env.env.as_deref())?;
    let code = Box::pin(run(typed, Project::default(), environment, out)).await?;
    // Who stopped the flows wants to leave.
    if args.keep && code != ExecutionStatus::Cancelled.exit_code() {
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

/// The port of an address on loopback.
fn port_of(url: &str) -> Option<u16> {
    let place = url.strip_prefix("http://")?.split('/').next()?;
    let (host, port) = place.rsplit_once(':')?;
    matches!(host, "127.0.0.1" | "localhost").then(|| port.parse().ok())?
}

/// Writes the examples; answers the paths of the flows that are run by themselves.
fn lay_out(folder: &Path, systems: bool) -> Result<Vec<String>, CommandError> {
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
        if name.ends_with(".yaml") && !name.contains('/') && (systems || *name != EVERYWHERE) {
            flows.push(path.display().to_string());
        }
    }
    Ok(flows)
}

/// The command that a person would type.
fn typed(
    folder: &Path,
    flows: &[String],
    base_url: &str,
    env: Option<&str>,
) -> Result<crate::args::RunArgs, CommandError> {
    use clap::Parser as _;
    let store = folder.join(".assay").display().to_string();
    let input = format!("baseUrl={base_url}");
    let fixed = ["assay", "run", "--input", &input, "--store", &store].map(str::to_owned);
    let env = env.map(|env| format!("--env={env}"));
    let line = CommandLine::try_parse_from(fixed.into_iter().chain(env).chain(flows.iter().cloned()));
    match line.map_err(|error| CommandError::fault("run the examples", error))?.command {
        Command::Run(args) => Ok(*args),
        _ => Err(CommandError::wrong("run the examples")),
    }
}
