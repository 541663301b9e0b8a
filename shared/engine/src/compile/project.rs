//! `assay.yaml`: what a repository gives the command line when nothing else is typed.

use std::collections::BTreeMap;

use super::context::Shared;
use super::environment::NoTypes;
use super::secrets;
use crate::bundle::Bundle;
use crate::diagnostics::{Code, Diagnostics};
use crate::expr::Programs;
use crate::plan::SecretReference;
use crate::source::{self, Problem};

const KEYS: [&str; 6] = ["env", "jobs", "store", "labels", "secrets", "reports"];

/// The most flows that run at once.
const MOST_JOBS: u32 = 1000;

/// Defaults for the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectFile {
    /// The environment: a name or a path.
    pub env: Option<String>,
    /// How many flows run at once.
    pub jobs: Option<u32>,
    /// The folder that state is kept in.
    pub store: Option<String>,
    /// Labels of executions.
    pub labels: BTreeMap<String, String>,
    /// Where values of secrets are, when neither the environment nor the flow says so.
    pub secrets: BTreeMap<String, SecretReference>,
    /// Reports by kind: the path that each is written to.
    pub reports: BTreeMap<String, String>,
}

/// Reads `assay.yaml`; `name` is how diagnostics call it. A file with nothing but comments gives no defaults.
///
/// # Errors
/// All that is wrong with its text and shape; a kind of report that is none of `reports` is.
pub fn read_project(name: &str, bytes: &[u8], reports: &[&str]) -> Result<ProjectFile, Diagnostics> {
    let (source, root, problems) = source::read(name, bytes, 0, source::MAX_BYTES);
    if root.is_none() && problems.iter().all(|problem| problem.code == Code::EmptyFile) {
        return Ok(ProjectFile::default());
    }
    let (bundle, programs) = (Bundle::of_text(name, ""), Programs::default());
    let shared = Shared::new(&bundle, &NoTypes, &programs);
    shared.adopt(source, problems);
    let mut project = ProjectFile::default();
    for entry in root.iter().flat_map(|root| shared.map(root, "`assay.yaml`", &KEYS).unwrap_or_default()) {
        let node = &entry.value;
        match &*entry.key {
            "env" => project.env = shared.literal(node, "`env`"),
            "jobs" => project.jobs = shared.count(node, "`jobs`", 1..=MOST_JOBS),
            "store" => project.store = shared.literal(node, "`store`"),
            "labels" => project.labels = super::headings::labels(&shared, node),
            "secrets" => project.secrets = secrets::references(&shared, &secrets::read(&shared, node)),
            "reports" => project.reports = paths(&shared, node, reports),
            _ => {}
        }
    }
    match shared.errors() {
        0 => Ok(project),
        _ => Err(shared.into_diagnostics()),
    }
}

/// Paths by kind.
fn paths(shared: &Shared<'_>, node: &source::Node, kinds: &[&str]) -> BTreeMap<String, String> {
    let mut paths = BTreeMap::new();
    for entry in shared.any_map(node, "`reports`").unwrap_or_default() {
        if !kinds.contains(&&*entry.key) {
            let message = format!("there is no report of kind `{}`", super::fields::cut(&entry.key));
            let hint = shared.suggest(&entry.key, kinds.iter().copied());
            shared.report(Problem { hint, ..Problem::new(Code::NotOneOf, entry.key_span, message) });
        } else if let Some(path) = shared.literal(&entry.value, &format!("`{}`", entry.key)) {
            paths.insert(entry.key.to_string(), path);
        }
    }
    paths
}
