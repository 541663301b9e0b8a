//! The flows that a document becomes: one for each resource at the top of its addresses.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::document::Document;
use super::notes::Notes;
use super::operation::{Operation, operations, segments, shortened};
use super::order::{order, plain};
use super::schema_file::Schemas;
use super::step::{SchemaFiles, Steps};
use crate::new::flow_text::FlowText;
use crate::new::names::{Taken, slug};

/// So many operations stand in one flow.
const MOST: usize = 250;
/// More groups than this are too many files: what has few operations is put together.
const MANY: usize = 60;
const FEW: usize = 2;
/// Where nothing says where the API is.
const SOMEWHERE: &str = "http://127.0.0.1:8080";

/// What a document became.
#[derive(Debug)]
pub(in crate::new) struct Flows {
    /// What the folder may be called.
    pub(in crate::new) folder: String,
    /// Names and texts of the flows.
    pub(in crate::new) flows: Vec<(String, String)>,
    /// Names and texts of the schemas.
    pub(in crate::new) schemas: Vec<(String, String)>,
    /// Operations in all flows.
    pub(in crate::new) operations: usize,
    /// What could not be translated.
    pub(in crate::new) left_out: Vec<String>,
}

/// The flows of a document.
///
/// # Errors
/// When it has no operation.
pub(in crate::new) fn flows(document: &Document) -> Result<Flows, String> {
    let mut notes = Notes::default();
    let operations = operations(document, &mut notes);
    if operations.is_empty() {
        let why = notes.into_list();
        let why = if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) };
        return Err(format!("the document has no operation{why}"));
    }
    let base = base_url(document, &mut notes);
    let mut schemas = Schemas::new(document);
    let mut files = SchemaFiles::default();
    let mut taken = Taken::default();
    let mut made = Vec::new();
    for (name, numbers) in groups(&operations) {
        let order = order(&operations, &numbers);
        let mut steps = Steps::new(document, &mut schemas, &mut files, &mut notes, order.creates);
        steps.flow.inputs.insert("baseUrl".to_owned(), json!({"type": "string", "default": base}));
        for number in order.steps {
            let step = steps.step(number, &operations[number], false);
            steps.flow.steps.push(step);
        }
        for number in order.finally {
            let step = steps.step(number, &operations[number], true);
            steps.flow.finally.push(step);
        }
        let mut flow = steps.flow;
        finish(&mut flow, document, &name);
        let file = format!("{}.yaml", taken.unique_with(&slug(&name, "operations"), "-"));
        made.push((file, flow.render()));
    }
    let schemas = files.by_text.into_iter().map(|(text, name)| (name, text)).collect();
    let folder = slug(document.title(), "api");
    Ok(Flows { folder, flows: made, schemas, operations: operations.len(), left_out: notes.into_list() })
}

/// Operations by the first part of their path that tells them apart; too many become several groups.
fn groups(operations: &[Operation<'_>]) -> Vec<(String, Vec<usize>)> {
    let shared = shared_prefix(operations);
    let mut order: Vec<String> = Vec::new();
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (number, operation) in operations.iter().enumerate() {
        let parts = operation.segments();
        let name =
            parts.iter().skip(shared).find(|part| !part.contains('{')).or(parts.last()).copied().unwrap_or("root");
        let name = slug(name, "operations");
        if !groups.contains_key(&name) {
            order.push(name.clone());
        }
        groups.entry(name).or_default().push(number);
    }
    if order.len() > MANY {
        let few: Vec<String> =
            order.iter().filter(|name| groups.get(*name).is_some_and(|it| it.len() <= FEW)).cloned().collect();
        let mut others: Vec<usize> = few.iter().filter_map(|name| groups.remove(name)).flatten().collect();
        others.sort_unstable();
        order.push("others".to_owned());
        groups.entry("others".to_owned()).or_default().extend(others);
    }
    let mut all = Vec::new();
    for name in order {
        let Some(mut numbers) = groups.remove(&name) else { continue };
        if numbers.len() > MOST {
            numbers.sort_by_cached_key(|number| (plain(&segments(operations[*number].path)), *number));
        }
        all.extend(numbers.chunks(MOST).map(|part| (name.clone(), part.to_vec())));
    }
    all
}

/// How many parts all paths begin with, as `api` and `v1`; each keeps at least one that is its own.
fn shared_prefix(operations: &[Operation<'_>]) -> usize {
    let paths: Vec<Vec<&str>> = operations.iter().map(Operation::segments).collect();
    let Some(first) = paths.first() else { return 0 };
    let own = |at: usize| paths.iter().all(|path| path.iter().skip(at + 1).any(|part| !part.contains('{')));
    (0..first.len())
        .take_while(|at| {
            !first[*at].contains('{') && own(*at) && paths.iter().all(|path| path.get(*at) == first.get(*at))
        })
        .count()
}

fn base_url(document: &Document, notes: &mut Notes) -> String {
    let servers = document.root.get("servers").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let Some(server) = servers.first() else {
        notes.add(format!("there are no servers: baseUrl is {SOMEWHERE} until you say where the API is"));
        return SOMEWHERE.to_owned();
    };
    let mut url = server.get("url").and_then(Json::as_str).unwrap_or("/").trim_end_matches('/').to_owned();
    for (name, variable) in server.get("variables").and_then(Json::as_object).into_iter().flatten() {
        let value = variable.get("default").map(super::parameters::text).unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), &value);
    }
    for other in servers.iter().skip(1).filter_map(|other| other.get("url")).filter_map(Json::as_str) {
        notes.add(format!("the server {}: give it as --input baseUrl=...", shortened(other)));
    }
    if url.contains("://") {
        return url.replace("${", "$");
    }
    notes.add(format!(
        "the server `{}` has no host: baseUrl is {SOMEWHERE}{url} until you say where the API is",
        shortened(&url)
    ));
    format!("{SOMEWHERE}{url}")
}

/// What all steps share moves to the top; what stands above the flow.
fn finish(flow: &mut FlowText, document: &Document, name: &str) {
    let version = document.root.pointer("/info/version").map(super::parameters::text).unwrap_or_default();
    let title = shortened(document.title());
    flow.name = format!("{title} {name}");
    flow.comments = vec![
        format!("{title} {version}: made from its OpenAPI document by `assay new`, to be changed by you."),
        "Each answer is held against its documented status and, softly, its schema: what differs fails the flow, and the \
         steps after it run all the same."
            .to_owned(),
    ];
    flow.defaults.insert("baseUrl".to_owned(), "${inputs.baseUrl}".into());
    flow.defaults.insert("headers".to_owned(), json!({"accept": "application/json"}));
    let all: Vec<&mut Map<String, Json>> =
        flow.steps.iter_mut().chain(flow.finally.iter_mut()).map(|step| &mut step.with).collect();
    let first = all.first().and_then(|with| with.get("auth")).cloned();
    if let Some(auth) = first
        && all.len() > 1
        && all.iter().all(|with| with.get("auth") == Some(&auth))
    {
        for with in all {
            with.shift_remove("auth");
        }
        flow.defaults.insert("auth".to_owned(), auth);
    }
    // A flow has at least one step: what only deletes does so in its steps.
    if flow.steps.is_empty() {
        flow.steps = std::mem::take(&mut flow.finally);
    }
}
