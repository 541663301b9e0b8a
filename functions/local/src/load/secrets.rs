//! Values of secrets: typed, or read from where an environment, a flow or `assay.yaml` says they are. No value is ever in
//! an error.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use assay_engine::plan::{Plan, SecretFrom, SecretReference, StepKind};
use assay_host::Environment;
use serde::{Deserialize, Serialize};

use crate::error::CommandError;
use crate::out::Out;
use crate::project::Project;

/// The shortest secret that can be masked, in bytes.
const SHORTEST_SECRET: usize = 4;
/// The largest file that holds a secret, in bytes.
const LARGEST_FILE: u64 = 64 * 1024;

/// Where the value of a secret is on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SecretPlace {
    /// In this environment variable.
    Env(String),
    /// In this file; absolute.
    File(PathBuf),
}

/// Values by name.
pub(crate) type Values = BTreeMap<String, String>;
/// Where values are, by name.
pub(crate) type Places = BTreeMap<String, SecretPlace>;

/// The values that were typed.
pub(crate) fn secrets(words: &[String], environment: &Environment) -> Result<Values, CommandError> {
    let mut secrets = BTreeMap::new();
    for word in words {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => {
                let value = environment.variable(word).ok_or_else(|| {
                    CommandError::wrong(format!(
                        "--secret {word}: the environment variable {word} is not set; set it, or give --secret {word}=VALUE"
                    ))
                })?;
                (word.as_str(), value.to_owned())
            }
        };
        if name.is_empty() {
            return Err(CommandError::wrong("--secret: the name is missing, as in --secret API_KEY=VALUE"));
        }
        long_enough(&format!("--secret {name}"), &value)?;
        secrets.insert(name.to_owned(), value);
    }
    Ok(secrets)
}

fn long_enough(what: &str, value: &str) -> Result<(), CommandError> {
    if value.len() >= SHORTEST_SECRET {
        return Ok(());
    }
    Err(CommandError::wrong(format!(
        "{what}: the value has fewer than {SHORTEST_SECRET} bytes; so short a text cannot be masked without hiding what \
         is no secret"
    )))
}

/// The names of all secrets that a flow and its sub-flows name.
pub(crate) fn names(plan: &Plan) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = plan.secrets.iter().cloned().collect();
    children(plan).for_each(|child| names.extend(self::names(child)));
    names
}

fn children(plan: &Plan) -> impl Iterator<Item = &Plan> {
    plan.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Flow { plan, .. } => Some(&**plan),
        _ => None,
    })
}

/// Where the texts lie that say where secrets are.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    /// The flow's file, or what stands in its place.
    pub(crate) flow: &'a Path,
    /// The nearest `assay.yaml`.
    pub(crate) project: &'a Project,
}

/// Where the values of these secrets are: as the environment says, else the flow, else a flow that it starts, else
/// `assay.yaml`. A name of which nothing is said is missing from the answer.
pub(crate) fn places(
    plan: &Plan,
    names: &BTreeSet<String>,
    told: &Told<'_>,
) -> Result<BTreeMap<String, (SecretPlace, String)>, CommandError> {
    let folder = told.flow.parent().unwrap_or(Path::new(""));
    let mut places = BTreeMap::new();
    for name in names {
        if let Some(reference) = reference(plan, name) {
            let file =
                if reference.environment { PathBuf::from(&reference.file) } else { folder.join(&reference.file) };
            places.insert(name.clone(), place(reference, &file)?);
        } else if let Some(reference) = told.project.file.secrets.get(name) {
            places.insert(name.clone(), place(reference, &told.project.path(crate::project::MARKER))?);
        }
    }
    Ok(places)
}

fn reference<'p>(plan: &'p Plan, name: &str) -> Option<&'p SecretReference> {
    plan.secret_references.get(name).or_else(|| children(plan).find_map(|child| reference(child, name)))
}

/// The place, and where that is said.
fn place(reference: &SecretReference, file: &Path) -> Result<(SecretPlace, String), CommandError> {
    let said = format!("{}:{}:{}", file.display(), reference.line, reference.column);
    let place = match &reference.from {
        SecretFrom::Variable(name) => SecretPlace::Env(name.clone()),
        SecretFrom::File(path) => {
            let path = file.parent().unwrap_or(Path::new("")).join(path);
            let path =
                std::path::absolute(path).map_err(|error| CommandError::fault("find the current folder", error))?;
            SecretPlace::File(path)
        }
    };
    Ok((place, said))
}

impl SecretPlace {
    /// The value. `said` is where this place is named.
    pub(crate) fn read(
        &self,
        name: &str,
        said: &str,
        environment: &Environment,
        out: &Out,
    ) -> Result<String, CommandError> {
        let what = format!("the secret {name} ({said})");
        let value = match self {
            Self::Env(variable) => environment.variable(variable).map(str::to_owned).ok_or_else(|| {
                CommandError::wrong(format!(
                    "{what}: the environment variable {variable} is not set; set it, or give --secret {name}=VALUE"
                ))
            })?,
            Self::File(path) => file(path, &what, out)?,
        };
        long_enough(&what, &value)?;
        Ok(value)
    }
}

/// A file's text without the line ends at its end.
fn file(path: &Path, what: &str, out: &Out) -> Result<String, CommandError> {
    let wrong = |why: String| CommandError::wrong(format!("{what}: {}: {why}", path.display()));
    let about = path.metadata().map_err(|error| wrong(error.to_string()))?;
    if !about.is_file() {
        return Err(wrong("this is no file".to_owned()));
    }
    if about.len() > LARGEST_FILE {
        return Err(wrong(format!("it has {} bytes; {LARGEST_FILE} are the most", about.len())));
    }
    if open_to_others(&about) {
        let shown = path.display();
        out.note(&format!(
            "warning: {shown} holds a secret and others on this machine may read it: chmod 600 {shown}\n"
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(unix)]
fn open_to_others(about: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    about.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn open_to_others(_about: &std::fs::Metadata) -> bool {
    false
}

/// Every value that the flows need: what was typed, and what is read from where it is said to be. Also the places, for
/// who goes on with the flows later.
///
/// # Errors
/// A value that is missing, or one name with different values: a process holds one value for a name.
pub(crate) fn gather<'p>(
    flows: impl IntoIterator<Item = (&'p Plan, Told<'p>)>,
    typed: &Values,
    environment: &Environment,
    out: &Out,
) -> Result<(Values, Places), CommandError> {
    let (mut values, mut all, mut from) = (typed.clone(), BTreeMap::new(), BTreeMap::new());
    for (plan, told) in flows {
        let wanted: BTreeSet<String> = names(plan).into_iter().filter(|name| !typed.contains_key(name)).collect();
        for (name, (place, said)) in places(plan, &wanted, &told)? {
            if all.get(&name) == Some(&place) {
                continue;
            }
            let value = place.read(&name, &said, environment, out)?;
            if values.get(&name).is_some_and(|known| *known != value) {
                let other: &String = from.get(&name).unwrap_or(&said);
                return Err(CommandError::wrong(format!(
                    "the secret {name} has one value by {other} and another by {said}: run these flows apart"
                )));
            }
            values.insert(name.clone(), value);
            from.insert(name.clone(), said);
            all.insert(name, place);
        }
    }
    Ok((values, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out() -> Out {
        Out::new(&Environment::default())
    }

    #[test]
    fn a_file_loses_only_the_line_ends_at_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, " two\nlines \r\n\n").unwrap();
        let value = SecretPlace::File(path).read("KEY", "env.yaml:1:1", &Environment::default(), &out()).unwrap();
        assert_eq!(value, " two\nlines ");
    }

    #[test]
    fn what_is_missing_or_too_short_is_said_without_the_value() {
        let vars = Environment::of([("SHORT".to_owned(), "a7f".to_owned())].into());
        let said = |place: SecretPlace| place.read("KEY", "env.yaml:3:9", &vars, &out()).unwrap_err().to_string();
        let unset = said(SecretPlace::Env("NONE".to_owned()));
        assert!(unset.contains("env.yaml:3:9") && unset.contains("NONE is not set"), "{unset}");
        let short = said(SecretPlace::Env("SHORT".to_owned()));
        assert!(short.contains("fewer than 4 bytes") && !short.contains("a7f"), "{short}");
        assert!(said(SecretPlace::File("/nowhere/key".into())).contains("/nowhere/key"));
    }
}
