//! `assay.yaml`, the environments, and the resources that they name.

use std::path::{Path, PathBuf};

use assay_engine::compile::check_environment;
use assay_engine::diagnostics::Style;
use assay_host::Environment;

use super::finding::Finding;
use crate::args::{DoctorArgs, EnvArgs};
use crate::commands::resources::{Checked, checks};
use crate::error::CommandError;
use crate::load::{LARGEST_TEXT, read};
use crate::out::Out;
use crate::project::Project;

/// What the repository says about itself.
pub(super) fn files() -> Vec<Finding> {
    let project = match Project::nearest() {
        Ok(project) => project,
        Err(error) => {
            return vec![Finding::failed("assay.yaml", error.text(), "assay schema project lists what it may say")];
        }
    };
    let mut found = Vec::new();
    let folder = match &project.folder {
        Some(folder) => {
            found.push(Finding::ok("assay.yaml", format!("{}", folder.join("assay.yaml").display())));
            folder.clone()
        }
        None => {
            found.push(Finding::note("assay.yaml", "there is none here or above: none is needed", ""));
            PathBuf::from(".")
        }
    };
    found.extend(environments(&folder.join("environments")));
    found
}

/// Every environment of the project, read.
fn environments(folder: &Path) -> Vec<Finding> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if ["yaml", "yml", "json"].contains(&ending) && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    let mut found = Vec::new();
    let mut good = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        let bytes = match read(&path, LARGEST_TEXT) {
            Ok(bytes) => bytes,
            Err(error) => {
                found.push(Finding::failed("environment", error.text(), ""));
                continue;
            }
        };
        match check_environment(&name, &bytes) {
            Ok(_) => good.push(path.file_stem().unwrap_or_default().to_string_lossy().into_owned()),
            Err(problems) => found.push(Finding::failed("environment", problems.render(Style::Plain), "")),
        }
    }
    if !good.is_empty() {
        found.insert(0, Finding::ok("environments", good.join(", ")));
    }
    found
}

/// The resources of the environment that is asked for, or that `assay.yaml` names.
pub(super) async fn resources(
    args: &DoctorArgs,
    environment: &Environment,
    out: &mut Out,
) -> Result<Vec<Finding>, CommandError> {
    let Ok(project) = Project::nearest() else { return Ok(Vec::new()) };
    let asked = args.env.env.clone().or(project.file.env.clone()).filter(|env| !env.is_empty());
    let Some(asked) = asked else {
        let said = "no environment is chosen, so none was connected to";
        let some = project.path("environments").is_dir();
        return Ok(some.then(|| Finding::note("resources", said, "assay doctor --env NAME")).into_iter().collect());
    };
    let env = EnvArgs { env: args.env.env.clone() };
    match checks(&[], &env, &args.secrets.secrets, environment, out).await {
        Ok(checked) => {
            let mut found: Vec<Finding> = checked.iter().filter_map(finding).collect();
            let good = checked.len() - found.len();
            if good > 0 || checked.is_empty() {
                let shown = if good == 1 { "1 answers".to_owned() } else { format!("{good} answer") };
                let shown = if checked.is_empty() { "there are none".to_owned() } else { shown };
                found.insert(0, Finding::ok("resources", format!("{shown} (environment {asked})")));
            }
            Ok(found)
        }
        Err(error @ CommandError::Wrong(_)) if args.env.env.is_some() => Err(error),
        Err(error) => Ok(vec![Finding::failed("resources", error.text(), "assay resources check says more")]),
    }
}

fn finding(one: &Checked) -> Option<Finding> {
    let (code, message) = one.fault()?;
    Some(Finding::failed("resource", format!("{}: {message} [{code}]", one.name()), format!("assay explain {code}")))
}
