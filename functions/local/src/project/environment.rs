//! `--env`: from a name or a path to an environment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use assay_engine::bundle::EnvironmentText;
use assay_engine::compile::check_environment;
use assay_engine::diagnostics::Style;

use super::Project;
use super::file::seen_from;
use crate::error::CommandError;
use crate::out::Out;

/// The folder that environments lie in.
const FOLDER: &str = "environments";
/// The endings of their files.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// The environment that is asked for, else the project's. An empty word asks for none.
///
/// # Errors
/// When there is none of that name, or it is wrong; what is wrong within it is printed.
pub(crate) fn environment(
    asked: Option<&str>,
    project: &Project,
    flows: &[PathBuf],
    out: &Out,
) -> Result<Option<EnvironmentText>, CommandError> {
    let here = std::env::current_dir().map_err(|error| CommandError::fault("find the current folder", error))?;
    let path = match (asked, project.file.env.as_deref()) {
        (Some(""), _) | (None, None) => return Ok(None),
        (Some(word), _) => found(word, &here, &here, project, flows)?,
        (None, Some(word)) => found(word, project.folder.as_deref().unwrap_or(&here), &here, project, flows)?,
    };
    let name = seen_from(&here, &path);
    let bytes = crate::load::read(&path, crate::load::LARGEST_TEXT)?;
    let read = check_environment(&name, &bytes).map_err(|problems| {
        let style = if out.error_paint().is_on() { Style::Colour } else { Style::Plain };
        out.note(&format!("{}\n", problems.render(style)));
        CommandError::wrong(format!("the environment {name} is wrong"))
    });
    read.map(Some)
}

/// The file that a word means: a path as seen from `base`, or a name.
fn found(word: &str, base: &Path, here: &Path, project: &Project, flows: &[PathBuf]) -> Result<PathBuf, CommandError> {
    let is_path = word.contains(['/', '\\']) || ENDINGS.iter().any(|ending| word.ends_with(&format!(".{ending}")));
    if is_path {
        let path = base.join(word);
        return match path.is_file() {
            true => Ok(path),
            false => Err(CommandError::wrong(format!("--env {word}: there is no such file"))),
        };
    }
    let folders = folders(here, project, flows);
    let mut matching = Vec::new();
    for (rank, folder) in &folders {
        let file = ENDINGS.iter().map(|ending| folder.join(format!("{word}.{ending}"))).find(|path| path.is_file());
        matching.extend(file.map(|file| (*rank, file)));
    }
    let Some(nearest) = matching.iter().map(|(rank, _)| *rank).min() else {
        return Err(CommandError::wrong(format!("--env {word}: {}", missing(word, here, &folders))));
    };
    let files: BTreeSet<PathBuf> =
        matching.into_iter().filter(|(rank, _)| *rank == nearest).map(|(_, file)| file).collect();
    if files.len() > 1 {
        let shown: Vec<String> = files.iter().map(|file| seen_from(here, file)).collect();
        let message = format!("--env {word} could be {}: give the path of one", shown.join(" or "));
        return Err(CommandError::wrong(message));
    }
    files.into_iter().next().ok_or_else(|| CommandError::wrong(format!("--env {word}: there is no such environment")))
}

/// Where environments are looked for, the project's folder before those of the flows.
fn folders(here: &Path, project: &Project, flows: &[PathBuf]) -> Vec<(u8, PathBuf)> {
    let top = project.folder.as_deref().unwrap_or(here).join(FOLDER);
    let beside = flows.iter().map(|flow| here.join(flow.parent().unwrap_or(Path::new(""))).join(FOLDER));
    let beside: BTreeSet<PathBuf> = beside.map(|folder| folder.components().collect()).collect();
    std::iter::once((0, top)).chain(beside.into_iter().map(|folder| (1, folder))).collect()
}

fn missing(word: &str, here: &Path, folders: &[(u8, PathBuf)]) -> String {
    let mut names = BTreeSet::new();
    for (_, folder) in folders {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if ENDINGS.contains(&ending) {
                names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
            }
        }
    }
    let near = names.iter().max_by(|a, b| strsim::jaro_winkler(a, word).total_cmp(&strsim::jaro_winkler(b, word)));
    match near {
        Some(near) if strsim::jaro_winkler(near, word) > 0.8 => {
            format!("there is no such environment; did you mean `{near}`?")
        }
        Some(_) => {
            let names: Vec<String> = names.into_iter().collect();
            format!("there is no such environment; environments: {}", names.join(", "))
        }
        None => {
            let looked: Vec<String> = folders.iter().map(|(_, folder)| seen_from(here, folder)).collect();
            format!("there is no environment in {}", looked.join(", "))
        }
    }
}
