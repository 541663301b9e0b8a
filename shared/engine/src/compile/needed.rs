//! What a loader must still read before a bundle can be compiled.

use std::collections::BTreeSet;

use super::path::{folder, resolve};
use crate::bundle::Bundle;
use crate::expr::Limits;
use crate::expr::Program;
use crate::expr::{References, Template};
use crate::source::{self, MAX_BYTES, Node, Value};

/// Files, flows and variables that the texts of a bundle name and the bundle does not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed {
    /// Paths of files. A path of the machine, beginning with `/` or `~`, stands as it is written.
    pub files: BTreeSet<String>,
    /// Paths of flows; each may lie at one of its [`flow_candidates`], and belongs in the bundle under that path.
    pub flows: BTreeSet<String>,
    /// Names of environment variables.
    pub env: BTreeSet<String>,
}

impl Needed {
    /// Whether nothing is missing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.flows.is_empty() && self.env.is_empty()
    }
}

/// Where a flow that is named by `path` may lie, in the order in which it is looked for.
#[must_use]
pub fn flow_candidates(path: &str) -> Vec<String> {
    let endings = ["", ".yaml", ".yml", ".json"];
    endings.iter().map(|ending| format!("{path}{ending}")).collect()
}

/// What the texts so far name and the bundle lacks. A loader reads it, puts it into the bundle and asks again until
/// nothing is missing, or what is missing does not exist. Broken texts name what can be made out of them.
///
/// A text beside a flow is taken for a file's name only where the flow says `file`, `csv`, `json`, `fromFile`, or where
/// a file of that name might be meant: `types` is not asked, so that a name too many may be told.
#[must_use]
pub fn needed(bundle: &Bundle) -> Needed {
    let mut needed = Needed::default();
    let mut flows = vec![bundle.main.clone()];
    let mut seen = BTreeSet::new();
    while let Some(path) = flows.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let Some(bytes) = bundle.files.get(&path) else {
            needed.flows.insert(path);
            continue;
        };
        let (_, root, _) = source::read(&path, bytes, 0, MAX_BYTES);
        let Some(root) = root else { continue };
        let mut search = Search { bundle, folder: folder(&path), needed: &mut needed, flows: &mut flows };
        search.root(&root);
    }
    let mut search = Search { bundle, folder: "", needed: &mut needed, flows: &mut flows };
    if let Some(environment) = &bundle.environment {
        let (_, root, _) = source::read(&environment.file, environment.text.as_bytes(), 0, MAX_BYTES);
        root.inspect(|root| search.root(root));
    }
    needed
}

struct Search<'a> {
    bundle: &'a Bundle,
    folder: &'a str,
    needed: &'a mut Needed,
    flows: &'a mut Vec<String>,
}

impl Search<'_> {
    /// A whole text. The files of its `secrets` never travel with the flow.
    fn root(&mut self, root: &Node) {
        for entry in root.entries().unwrap_or_default().iter().filter(|entry| &*entry.key != "secrets") {
            self.node(&entry.value, &entry.key);
        }
    }

    fn node(&mut self, node: &Node, key: &str) {
        match &node.value {
            Value::Text(text) => self.text(text, key),
            Value::List(items) => items.iter().for_each(|item| self.node(item, key)),
            Value::Map(entries) => {
                if node.get("type").and_then(Node::text) == Some("flow")
                    && let Some(name) = node.get("with").and_then(|with| with.get("flow")).and_then(Node::text)
                {
                    self.flow(name);
                }
                entries.iter().for_each(|entry| self.node(&entry.value, &entry.key));
            }
            _ => {}
        }
    }

    fn flow(&mut self, name: &str) {
        let Ok(path) = resolve(self.folder, name) else { return };
        let there = flow_candidates(&path).into_iter().find(|path| self.bundle.files.contains_key(path));
        match there {
            Some(path) => self.flows.push(path),
            None => {
                self.needed.flows.insert(path);
            }
        }
    }

    fn text(&mut self, text: &str, key: &str) {
        let names_file = matches!(key, "file" | "csv" | "json" | "fromFile" | "path" | "ca" | "cert" | "key");
        if names_file && looks_like_file(text) {
            self.file(text, matches!(key, "ca" | "cert" | "key"));
        }
        if let Ok(template) = Template::compile(text) {
            self.references(template.references());
        }
        if (text.contains("env(") || text.contains("matchesSchema("))
            && let Ok(program) = Program::compile(text, Limits::default())
        {
            self.references(program.references());
        }
    }

    fn references(&mut self, references: &References) {
        for name in references.env_names().filter(|name| !self.bundle.env.contains_key(*name)) {
            self.needed.env.insert(name.to_owned());
        }
        let files: Vec<String> = references.schema_files().map(str::to_owned).collect();
        files.iter().for_each(|file| self.file(file, false));
    }

    /// Paths of the machine are only for certificates.
    fn file(&mut self, name: &str, certificate: bool) {
        let path = match resolve(self.folder, name) {
            Ok(path) => path,
            Err(_) if certificate => name.to_owned(),
            Err(_) => return,
        };
        if !path.contains("..") && !self.bundle.files.contains_key(&path) {
            self.needed.files.insert(path);
        }
    }
}

/// One line, not too long, no template, no PEM text.
fn looks_like_file(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && !text.contains(['\n', '\0']) && !text.contains("${")
}
