//! Reads a flow with everything that travels with it, and compiles it.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use assay_engine::bundle::{Bundle, EnvironmentText, RunsAt};
use assay_engine::compile::{Compiled, compile, flow_candidates, needed};
use assay_engine::diagnostics::{Diagnostic, Diagnostics, Style};
use assay_engine::expr::Programs;
use assay_engine::plan::Plan;
use assay_host::Environment;
use assay_steps::registry::Types;

use super::read::{LARGEST_BESIDE, LARGEST_TEXT, read};
use crate::error::CommandError;
use crate::out::Out;

/// So many flows take longer to check than a thread to start.
const WORTH_A_THREAD: usize = 8;

/// What flows are compiled with.
#[derive(Clone, Copy)]
pub(crate) struct Texts<'a> {
    /// Compiled expressions.
    pub(crate) programs: &'a Programs,
    /// Environment variables.
    pub(crate) variables: &'a Environment,
    /// The environment, when one was asked for.
    pub(crate) environment: Option<&'a EnvironmentText>,
    /// Where they will run.
    pub(crate) runs_at: RunsAt,
}

/// What came of a flow's file: see [`check`].
type Checked = Result<Result<Flow, Diagnostics>, CommandError>;

/// A flow that can run.
pub(crate) struct Flow {
    /// The file as it was named.
    pub(crate) file: PathBuf,
    /// Its text with everything that travels with it.
    pub(crate) bundle: Arc<Bundle>,
    /// What it was compiled to.
    pub(crate) plan: Arc<Plan>,
    /// What may be wrong nevertheless.
    pub(crate) warnings: Diagnostics,
}

/// Loads every flow; all problems of all of them are printed to standard error.
///
/// # Errors
/// When one of them cannot run: then none may.
pub(crate) fn load_all(files: &[PathBuf], texts: Texts<'_>, out: &Out) -> Result<Vec<Flow>, CommandError> {
    let mut flows = Vec::new();
    let mut bad = 0;
    for (file, checked) in files.iter().zip(check_each(files, texts)) {
        match checked? {
            Ok(flow) => {
                out.note(&shown(&flow.warnings, file, texts.environment, out));
                flows.push(flow);
            }
            Err(problems) => {
                bad += 1;
                out.note(&shown(&problems, file, texts.environment, out));
            }
        }
    }
    if bad == 0 {
        return Ok(flows);
    }
    let said = match (bad, flows.len()) {
        (1, 0) => "the flow cannot run".to_owned(),
        (bad, 0) => format!("none of the {bad} flows can run"),
        (bad, good) => format!("{bad} of {} flows cannot run, so none was run", bad + good),
    };
    Err(CommandError::wrong(said))
}

/// Checks every flow, many of them on several threads at once.
fn check_each(files: &[PathBuf], texts: Texts<'_>) -> Vec<Checked> {
    let each = |files: &[PathBuf]| -> Vec<Checked> { files.iter().map(|file| check(file, texts)).collect() };
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(files.len() / WORTH_A_THREAD);
    if threads < 2 {
        return each(files);
    }
    std::thread::scope(|scope| {
        let chunks = files.chunks(files.len().div_ceil(threads));
        let working: Vec<_> = chunks.map(|chunk| scope.spawn(move || each(chunk))).collect();
        working.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// The problems as text, an empty line after each, their files as seen from the current folder.
pub(crate) fn shown(problems: &Diagnostics, file: &Path, environment: Option<&EnvironmentText>, out: &Out) -> String {
    let style = if out.error_paint().is_on() { Style::Colour } else { Style::Plain };
    let mut text: String =
        located(problems, file, environment).iter().map(|one| format!("{}\n", one.render(style))).collect();
    let rest = problems.total() - problems.iter().count();
    if rest > 0 {
        text.push_str(&format!("{rest} more problems of {} are not shown\n\n", file.display()));
    }
    text
}

/// The problems with their files as seen from the current folder; an environment is called so already.
pub(crate) fn located(problems: &Diagnostics, file: &Path, environment: Option<&EnvironmentText>) -> Vec<Diagnostic> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let locate = |one: &Diagnostic| {
        let mut one = one.clone();
        if let Some(place) = &mut one.place
            && environment.is_none_or(|environment| environment.file != place.file)
        {
            place.file = folder.join(&place.file).display().to_string();
        }
        one
    };
    problems.iter().map(locate).collect()
}

/// Loads and compiles one flow.
///
/// # Errors
/// When its file cannot be read; what is wrong within it is the inner error.
pub(crate) fn check(file: &Path, texts: Texts<'_>) -> Checked {
    let bundle = bundle(file, texts)?;
    Ok(match compile(&bundle, &Types, texts.programs) {
        Ok(Compiled { plan, warnings }) => Ok(Flow { file: file.to_owned(), bundle: Arc::new(bundle), plan, warnings }),
        Err(problems) => Err(problems),
    })
}

/// The flow's text with what belongs to it.
fn bundle(file: &Path, texts: Texts<'_>) -> Result<Bundle, CommandError> {
    let text = read(file, LARGEST_TEXT)?;
    let main = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    beside(&folder_of(file), Bundle::of_text(&main, text), texts)
}

/// The bundle with its sub-flows, the files of the folder that it names, the environment, and the environment variables.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn beside(folder: &Path, mut bundle: Bundle, texts: Texts<'_>) -> Result<Bundle, CommandError> {
    bundle.runs_at = texts.runs_at;
    bundle.environment = texts.environment.cloned();
    let top = folder.canonicalize().map_err(|error| CommandError::fault("find the flow's folder", error))?;
    let mut asked = BTreeSet::new();
    loop {
        let needed = needed(&bundle);
        for name in needed.env {
            if let Some(value) = texts.variables.variable(&name) {
                bundle.env.insert(name, value.to_owned());
            }
        }
        let flows = needed.flows.iter().flat_map(|path| flow_candidates(path));
        let fresh: Vec<String> = needed.files.into_iter().chain(flows).filter(|it| asked.insert(it.clone())).collect();
        if fresh.is_empty() {
            return Ok(bundle);
        }
        for path in fresh {
            if let Some(bytes) = named(&top, &path, texts.variables)? {
                bundle.files.insert(path, Arc::from(bytes));
            }
        }
    }
}

fn folder_of(file: &Path) -> PathBuf {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}

/// A file that a flow names; none when it is not there, which the compiler reports at its place. A path of the machine
/// (`/etc/...`, `~/...`) is read as it is written, any other one lies in the flow's folder.
fn named(top: &Path, path: &str, environment: &Environment) -> Result<Option<Vec<u8>>, CommandError> {
    if let Some(below) = path.strip_prefix("~/") {
        let home = environment.variable("HOME").map(|home| Path::new(home).join(below));
        return home.map_or(Ok(None), |path| bytes_of(&path));
    }
    if path.starts_with('/') {
        return bytes_of(Path::new(path));
    }
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside {
        return Ok(None);
    }
    let Ok(found) = top.join(path).canonicalize() else { return Ok(None) };
    if !found.starts_with(top) {
        return Err(CommandError::wrong(format!("`{path}` leads out of the flow's folder {}", top.display())));
    }
    bytes_of(&found)
}

fn bytes_of(path: &Path) -> Result<Option<Vec<u8>>, CommandError> {
    let unreadable = |error: std::io::Error| CommandError::wrong(format!("read {}: {error}", path.display()));
    match path.metadata() {
        Ok(about) if about.is_file() => read(path, LARGEST_BESIDE).map(Some),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}
