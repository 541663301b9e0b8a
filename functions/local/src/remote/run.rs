//! `assay run --on aws`

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_engine::bundle::Bundle;
use assay_engine::compile::compile;
use assay_engine::diagnostics::Style;
use assay_engine::expr::Programs;
use assay_host::Remote;
use assay_steps::registry::Types;
use tokio::time::Instant;

use crate::args::OutputArgs;
use crate::commands::{report_files, tell};
use crate::drive::{Driving, Planned, Rules, drive};
use crate::error::CommandError;
use crate::load::{Flow, Values, names};
use crate::local::organization;
use crate::out::Out;

/// The flows with the values of their secrets, sealed: they are compiled once more, since what is sealed is a part of them.
///
/// # Errors
/// When a value cannot be sealed.
pub(crate) async fn sealed(
    flows: Vec<Flow>,
    values: &Values,
    remote: &Remote,
    programs: &Programs,
) -> Result<Vec<Flow>, CommandError> {
    let mut done = Vec::new();
    for flow in flows {
        let mut sealed = BTreeMap::new();
        for name in names(&flow.plan) {
            if let Some(value) = values.get(&name) {
                sealed.insert(name, remote.secret_box().seal(&organization(), value).await?);
            }
        }
        if sealed.is_empty() {
            done.push(flow);
            continue;
        }
        let bundle = Bundle { sealed, ..Bundle::clone(&flow.bundle) };
        let compiled = compile(&bundle, &Types, programs);
        let compiled = compiled.map_err(|problems| CommandError::wrong(problems.render(Style::Plain)))?;
        done.push(Flow { bundle: Arc::new(bundle), plan: compiled.plan, ..flow });
    }
    Ok(done)
}

/// Runs them over there, and shows here what happens.
///
/// # Errors
/// When the stack does not answer any more: what was started goes on.
pub(crate) async fn run(
    planned: Vec<Planned>,
    remote: &Remote,
    (jobs, rules): (usize, Rules),
    output: &OutputArgs,
    out: &Out,
) -> Result<u8, CommandError> {
    let began = Instant::now();
    let driving = Driving { embedded: remote, out, json: output.json, plain: output.plain, jobs, place: None, rules };
    let files = report_files(&planned);
    let driven = Box::pin(drive(planned, driving, None)).await?;
    let unfinished = driven.unfinished;
    let code = tell(driven, output, (&files, remote), began, false, out).await?;
    if unfinished > 0 {
        let flows = if unfinished == 1 { "a flow has" } else { "flows have" };
        out.note(&format!("{flows} no verdict yet and go on: `assay executions --on aws` lists them\n"));
    }
    Ok(code)
}
