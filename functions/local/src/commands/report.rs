//! `--report` and `assay report`: files for other programs and for people.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use assay_app::reports::{Report, write as text_of};
use assay_engine::id::ExecutionId;
use assay_host::Environment;

use super::store::open;
use crate::args::{Destination, OutputArgs, ReportArgs, ReportTarget};
use crate::drive::Planned;
use crate::error::CommandError;
use crate::out::Out;
use crate::project::Project;
use crate::remote::Site;

/// The files of the flows of executions, as they were asked for.
pub(crate) type Files = HashMap<ExecutionId, PathBuf>;

/// When a flow's file is not known it is looked for among so many entries of folders.
const LOOKED_THROUGH: usize = 20_000;

pub(super) async fn report(args: ReportArgs, environment: &Environment, out: &Out) -> Result<u8, CommandError> {
    if args.reports.iter().filter(|target| target.to == Destination::Output).count() > 1 {
        return Err(CommandError::wrong("only one report can go to standard output"));
    }
    let opened = open(&args.store, environment).await?;
    let mut ids = Vec::new();
    for word in &args.executions {
        let id = opened.find(word).await?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    write(&args.reports, &ids, &Files::new(), &*opened.embedded, out).await?;
    Ok(0)
}

/// Whether the reports of a command that runs flows can be written: before anything runs.
pub(super) fn check(output: &OutputArgs) -> Result<(), CommandError> {
    for target in output.reports.iter().filter(|target| target.to == Destination::Output) {
        if target.kind != assay_app::reports::Kind::Github {
            let kind = target.kind.word();
            return Err(CommandError::wrong(format!(
                "--report {kind}=-: standard output has the lines of the run, so the report goes to a file; \
                 afterwards `assay report latest --report {kind}=-` prints it"
            )));
        }
        if output.json {
            return Err(CommandError::wrong(
                "--report github=- does not go with --json: standard output has the records",
            ));
        }
    }
    Ok(())
}

/// The files of what will run.
pub(crate) fn files(planned: &[Planned]) -> Files {
    let known = planned.iter().filter_map(|one| Some((one.entry.execution.clone(), one.file.clone()?)));
    known.collect()
}

/// Writes the reports of these executions, in their order. What stands in them was masked when it was recorded.
pub(crate) async fn write(
    targets: &[ReportTarget],
    ids: &[ExecutionId],
    files: &Files,
    embedded: &dyn Site,
    out: &Out,
) -> Result<(), CommandError> {
    if targets.is_empty() {
        return Ok(());
    }
    let bodies = targets.iter().any(|target| target.kind.shows_bodies());
    let mut report = embedded.executions().report(ids, bodies).await?;
    for id in ids {
        let file = match files.get(id) {
            Some(file) => Some(file.clone()),
            None => found_again(&report, id, embedded).await?,
        };
        if let Some(folder) = file.as_deref().map(shown).as_deref().and_then(Path::parent) {
            report.lies_in(id, &with_slashes(folder));
        }
    }
    for target in targets {
        let kind = target.kind;
        let text = text_of(kind, &report)
            .map_err(|error| CommandError::fault(format!("write the {} report", kind.word()), error))?;
        match &target.to {
            Destination::Output => out.print(&text),
            Destination::File(path) => save(path, &text)?,
        }
    }
    Ok(())
}

fn save(path: &Path, text: &str) -> Result<(), CommandError> {
    let place = path.display();
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|error| CommandError::fault(format!("make the folder of {place}"), error))?;
    }
    std::fs::write(path, text).map_err(|error| CommandError::fault(format!("write {place}"), error))
}

/// The file below the project (or the current folder) that has the name and the text of the execution's flow.
async fn found_again(report: &Report, id: &ExecutionId, embedded: &dyn Site) -> Result<Option<PathBuf>, CommandError> {
    let Some(view) = report.executions.iter().find(|view| view.id == *id) else { return Ok(None) };
    let Some(version) = &view.version else { return Ok(None) };
    let Some(bundle) = embedded.platform().store.flow_version(version).await? else { return Ok(None) };
    let Some(text) = bundle.files.get(&view.main) else { return Ok(None) };
    let here = std::env::current_dir().map_err(|error| CommandError::fault("find the current folder", error))?;
    let top = Project::nearest().ok().and_then(|project| project.folder).unwrap_or(here);
    let is_it = |path: &Path| std::fs::read(path).is_ok_and(|bytes| bytes == **text);
    Ok(files_called(&top, &view.main).into_iter().find(|path| is_it(path)))
}

/// The files of this name below a folder, the nearest first. Hidden folders, `node_modules` and `target` are passed over,
/// links to folders are not followed.
fn files_called(top: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut looked = 0;
    let mut level = vec![top.to_owned()];
    while !level.is_empty() {
        let mut next = Vec::new();
        for folder in level {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                looked += 1;
                if looked > LOOKED_THROUGH {
                    return found;
                }
                let (own, kind) = (entry.file_name(), entry.file_type());
                let passed_over = own.to_string_lossy().starts_with('.') || own == "node_modules" || own == "target";
                if kind.is_ok_and(|kind| kind.is_dir()) {
                    next.extend((!passed_over).then(|| entry.path()));
                } else if own == name {
                    found.push(entry.path());
                }
            }
        }
        next.sort();
        level = next;
    }
    found
}

/// A file as the reader of a report should see it: from the top of its git repository, else from the current folder.
fn shown(file: &Path) -> PathBuf {
    let Ok(whole) = file.canonicalize() else { return file.to_owned() };
    let repository = whole.ancestors().skip(1).find(|folder| folder.join(".git").exists());
    let top = repository.map(Path::to_owned).or_else(|| std::env::current_dir().ok()?.canonicalize().ok());
    top.and_then(|top| Some(whole.strip_prefix(top).ok()?.to_owned())).unwrap_or_else(|| file.to_owned())
}

fn with_slashes(path: &Path) -> String {
    if path.is_absolute() {
        return path.display().to_string();
    }
    let parts: Vec<String> = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_found_again_by_its_name_and_shown_from_the_top_of_its_repository() {
        let folder = tempfile::tempdir().unwrap();
        for path in
            ["repo/.git/flow.yaml", "repo/flows/deep/flow.yaml", "repo/flows/flow.yaml", "repo/target/flow.yaml"]
        {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let found = files_called(&folder.path().join("repo"), "flow.yaml");
        let short: Vec<String> = found.iter().map(|path| with_slashes(&shown(path))).collect();
        assert_eq!(short, ["flows/flow.yaml", "flows/deep/flow.yaml"]);
    }
}
