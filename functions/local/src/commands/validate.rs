//! `assay validate`

use assay_engine::bundle::RunsAt;
use assay_engine::diagnostics::Diagnostics;
use assay_engine::expr::Programs;
use assay_host::Environment;

use crate::args::ValidateArgs;
use crate::error::CommandError;
use crate::load::{Texts, check, find, located, shown};
use crate::out::Out;
use crate::project::Project;

pub(super) fn validate(args: &ValidateArgs, environment: &Environment, out: &Out) -> Result<u8, CommandError> {
    let programs = Programs::default();
    let files = find(&args.flows, &mut |note| out.note(note))?;
    let chosen = crate::project::environment(args.env.env.as_deref(), &Project::nearest()?, &files, out)?;
    let texts =
        Texts { programs: &programs, variables: environment, environment: chosen.as_ref(), runs_at: RunsAt::Laptop };
    let (mut errors, mut warnings) = (0, 0);
    for file in &files {
        let (problems, good) = match check(file, texts)? {
            Ok(flow) => (flow.warnings, true),
            Err(problems) => (problems, false),
        };
        errors += usize::from(!good);
        warnings += problems.total();
        if args.json {
            json(&problems, file, texts, out)?;
        } else {
            out.note(&shown(&problems, file, texts.environment, out));
        }
    }
    if !args.json {
        let flows = if files.len() == 1 { "1 flow".to_owned() } else { format!("{} flows", files.len()) };
        let said = match (errors, warnings) {
            (0, 0) => format!("{flows}: no problem\n"),
            (0, 1) => format!("{flows}: 1 warning\n"),
            (0, warnings) => format!("{flows}: {warnings} warnings\n"),
            (bad, _) => format!("{flows}: {bad} cannot run\n"),
        };
        out.print(&said);
    }
    Ok(if errors == 0 { 0 } else { 2 })
}

fn json(problems: &Diagnostics, file: &std::path::Path, texts: Texts<'_>, out: &Out) -> Result<(), CommandError> {
    for problem in located(problems, file, texts.environment) {
        let mut line = problem.to_json();
        if let Some(map) = line.as_object_mut() {
            map.insert("flow".into(), file.display().to_string().into());
        }
        let line = serde_json::to_string(&line).map_err(|error| CommandError::fault("write a problem", error))?;
        out.print(&format!("{line}\n"));
    }
    Ok(())
}
