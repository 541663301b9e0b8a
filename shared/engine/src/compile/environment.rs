//! An environment: values for inputs, vars and resources, and the names of secrets.

use super::context::Shared;
use super::inputs::INPUT_KEYS;
use super::{headings, secrets};
use crate::bundle::{Bundle, EnvironmentText};
use crate::diagnostics::Diagnostics;
use crate::expr::Programs;
use crate::source::{self, Entry, Node, Value};
use crate::types::StepTypes;

const KEYS: [&str; 5] = ["name", "inputs", "vars", "resources", "secrets"];

/// What an environment says.
#[derive(Default)]
pub(super) struct Environment {
    pub(super) name: Option<String>,
    /// The values of inputs.
    pub(super) inputs: Vec<Entry>,
    pub(super) vars: Vec<Entry>,
    pub(super) resources: Vec<Entry>,
    pub(super) secrets: Vec<secrets::Declared>,
}

impl Environment {
    /// Reads it; what is wrong with it is reported.
    pub(super) fn read(shared: &Shared<'_>, root: &Node) -> Self {
        let mut read = Self::default();
        for entry in shared.map(root, "an environment", &KEYS).unwrap_or_default() {
            match &*entry.key {
                "name" => read.name = shared.literal(&entry.value, "`name`"),
                "inputs" => read.inputs = inputs(shared, &entry.value),
                "vars" => read.vars = entries(shared, &entry.value, "`vars`"),
                "resources" => read.resources = entries(shared, &entry.value, "`resources`"),
                "secrets" => read.secrets = secrets::read(shared, &entry.value),
                _ => {}
            }
        }
        read
    }
}

fn entries(shared: &Shared<'_>, node: &Node, what: &str) -> Vec<Entry> {
    shared.any_map(node, what).map(<[Entry]>::to_vec).unwrap_or_default()
}

/// Values by input; a map is a declaration, and its `default` the value.
fn inputs(shared: &Shared<'_>, node: &Node) -> Vec<Entry> {
    let mut values = Vec::new();
    for entry in shared.any_map(node, "`inputs`").unwrap_or_default() {
        let value = match &entry.value.value {
            Value::Map(_) => {
                shared.map(&entry.value, "an input", &INPUT_KEYS);
                entry.value.get("default").cloned()
            }
            _ => Some(entry.value.clone()),
        };
        values.extend(value.map(|value| Entry { value, ..entry.clone() }));
    }
    values
}

/// No step type at all: what is read for its shape alone.
pub(super) struct NoTypes;

impl StepTypes for NoTypes {
    fn get(&self, _name: &str) -> Option<&'static dyn crate::types::StepSpec> {
        None
    }
    fn names(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// Reads an environment file; `name` is how diagnostics call it.
///
/// # Errors
/// All that is wrong with its text and shape.
pub fn check_environment(name: &str, bytes: &[u8]) -> Result<EnvironmentText, Diagnostics> {
    let (source, root, problems) = source::read(name, bytes, 0, source::MAX_BYTES);
    let text = source.text.clone();
    let (bundle, programs) = (Bundle::of_text(name, ""), Programs::default());
    let mut shared = Shared::new(&bundle, &NoTypes, &programs);
    shared.adopt(source, problems);
    if let Some(root) = &root {
        shared.environment = Environment::read(&shared, root);
    }
    if shared.errors() > 0 {
        return Err(shared.into_diagnostics());
    }
    let stem = headings::file_stem(name).to_owned();
    Ok(EnvironmentText { name: shared.environment.name.unwrap_or(stem), file: name.to_owned(), text })
}

/// Puts the environment's entries in the place of those with the same key, and adds the others.
pub(super) fn overlaid(own: &[Entry], environment: &[Entry]) -> Vec<Entry> {
    let mut merged = own.to_vec();
    for entry in environment {
        match merged.iter_mut().find(|mine| mine.key == entry.key) {
            Some(mine) => *mine = entry.clone(),
            None => merged.push(entry.clone()),
        }
    }
    merged
}
