//! The step that an operation becomes.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json, json};

use super::body::{Body, body};
use super::document::Document;
use super::identity;
use super::notes::Notes;
use super::operation::{Operation, is_parameter, shortened};
use super::order::plain;
use super::parameters::{Parameter, parameters, sent, text};
use super::response::{Expected, expected};
use super::sample::{concrete, kind};
use super::schema::Direction;
use super::schema_file::Schemas;
use super::security::access;
use crate::new::flow_text::{Assertion, FlowText, StepText};
use crate::new::names::identifier;
use crate::new::yaml::literal;

/// What stands as it is in a part of a path.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@').remove(b':');
/// The input that lets a flow change what it did not create.
pub(super) const CHANGE: &str = "changeExisting";

/// What was created, by its collection.
#[derive(Debug, Clone)]
struct Created {
    /// What stands in addresses.
    template: String,
    /// Where it stands in bodies; empty when it was not taken from one.
    path: Vec<String>,
}

/// Makes the steps of one flow.
pub(super) struct Steps<'a, 'c> {
    pub(super) document: &'a Document,
    pub(super) schemas: &'c mut Schemas<'a>,
    pub(super) files: &'c mut SchemaFiles,
    pub(super) notes: &'c mut Notes,
    pub(super) flow: FlowText,
    creates: BTreeMap<String, (usize, String)>,
    created: BTreeMap<String, Created>,
    inputs: BTreeMap<String, String>,
}

/// The files with schemas of all flows, by what stands in them.
#[derive(Debug, Default)]
pub(super) struct SchemaFiles {
    pub(super) by_text: BTreeMap<String, String>,
    pub(super) taken: crate::new::names::Taken,
}

impl SchemaFiles {
    /// The name of the file that holds this schema.
    fn file(&mut self, schema: &Json, wanted: &str) -> String {
        let text = format!("{schema:#}\n");
        if let Some(name) = self.by_text.get(&text) {
            return name.clone();
        }
        let name = format!("schemas/{}.json", self.taken.unique_with(wanted, "-"));
        self.by_text.insert(text, name.clone());
        name
    }
}

impl<'a, 'c> Steps<'a, 'c> {
    pub(super) fn new(
        document: &'a Document,
        schemas: &'c mut Schemas<'a>,
        files: &'c mut SchemaFiles,
        notes: &'c mut Notes,
        creates: BTreeMap<String, (usize, String)>,
    ) -> Self {
        let (flow, created, inputs) = (FlowText::default(), BTreeMap::new(), BTreeMap::new());
        Self { document, schemas, files, notes, flow, creates, created, inputs }
    }

    /// The step of an operation; `finally`: it is called at the end.
    pub(super) fn step(&mut self, number: usize, operation: &Operation<'a>, finally: bool) -> StepText {
        let parameters = parameters(self.document, operation, self.notes);
        let mut step = StepText { id: operation.id.clone(), name: operation.shown(), ..StepText::default() };
        let (url, bound) = self.url(operation, &parameters);
        let creating = self
            .creates
            .iter()
            .find(|(_, (it, _))| *it == number)
            .map(|(path, (_, name))| (path.clone(), name.clone()));
        let changes = ["PUT", "PATCH", "DELETE"].contains(&operation.method.as_str());
        if changes && !bound && creating.is_none() {
            step.condition =
                Some(if finally { format!("always() && inputs.{CHANGE}") } else { format!("inputs.{CHANGE}") });
            let declared = json!({"type": "boolean", "default": false, "description": "change and delete what this flow did not create"});
            self.flow.inputs.insert(CHANGE.to_owned(), declared);
        }
        let expected = expected(self.document, operation, self.notes);
        let body = body(self.document, operation, self.schemas, self.notes);
        let sent = sent(&parameters, operation, self.notes);
        self.told(operation, &sent.more, &mut step);
        let access = access(self.document, operation, &mut self.flow, self.notes);
        if operation.method != "GET" {
            step.with.insert("method".to_owned(), operation.method.clone().into());
        }
        step.with.insert("url".to_owned(), url.into());
        let query: Map<String, Json> = sent.query.into_iter().chain(access.query).collect();
        if !query.is_empty() {
            step.with.insert("query".to_owned(), Json::Object(query));
        }
        let mut headers: Map<String, Json> = sent.headers;
        for (name, value) in access.headers {
            let value = match headers.get(&name).and_then(Json::as_str) {
                Some(before) if name == "cookie" => format!("{before}; {}", text(&value)).into(),
                _ => value,
            };
            headers.insert(name, value);
        }
        if let Some(kind) = &body.content_type {
            headers.insert("content-type".to_owned(), kind.clone().into());
        }
        if let Some(accept) = expected.accept.as_ref().filter(|accept| *accept != "application/json") {
            headers.insert("accept".to_owned(), literal(accept).into());
        }
        if !headers.is_empty() {
            step.with.insert("headers".to_owned(), Json::Object(headers));
        }
        if let Some(auth) = access.auth {
            step.with.insert("auth".to_owned(), auth);
        }
        step.with.extend(body.with.clone());
        self.assertions(operation, &expected, &mut step);
        match creating {
            Some((collection, parameter)) => {
                self.creation(operation, &collection, &parameter, &expected, &body, &mut step)
            }
            None => self.same(operation, &expected, &mut step),
        }
        step
    }

    fn told(&mut self, operation: &Operation<'a>, more: &[String], step: &mut StepText) {
        let summary =
            operation.get("summary").or(operation.get("description")).and_then(Json::as_str).unwrap_or_default();
        let summary = summary.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        if !summary.is_empty() {
            step.comments.push(shortened(summary.trim()));
        }
        if operation.node.get("deprecated") == Some(&json!(true)) {
            step.comments.push("Deprecated.".to_owned());
        }
        if !more.is_empty() {
            let shown: Vec<&str> = more.iter().take(8).map(String::as_str).collect();
            let rest = if more.len() > 8 { format!(" and {} more", more.len() - 8) } else { String::new() };
            step.comments.push(format!("It also takes {}{rest}.", shown.join(", ")));
        }
        if operation.node.get("callbacks").and_then(Json::as_object).is_some_and(|calls| !calls.is_empty()) {
            self.notes.add(format!("the callbacks of {}: what the API calls itself", operation.shown()));
        }
        if operation.get("servers").is_some() {
            self.notes.add(format!("the servers of {} alone: baseUrl holds for all", operation.shown()));
        }
    }

    /// The path with its parameters filled in, and whether everything that it names was created by this flow.
    fn url(&mut self, operation: &Operation<'a>, parameters: &[Parameter<'_>]) -> (String, bool) {
        let segments = operation.segments();
        let mut url = String::new();
        let (mut bound, mut any) = (true, false);
        for (at, segment) in segments.iter().enumerate() {
            url.push('/');
            let collection = plain(&segments[..at]);
            if is_parameter(segment)
                && let Some(created) = self.created.get(&collection)
            {
                url.push_str(&created.template);
                any = true;
                continue;
            }
            let mut rest = *segment;
            while let Some((before, after)) = rest.split_once('{') {
                let Some((name, tail)) = after.split_once('}') else { break };
                // Before a template, a `$` would make it a text.
                let (before, dollar) = before.strip_suffix('$').map_or((before, ""), |before| (before, "%24"));
                url.push_str(&literal(before));
                url.push_str(dollar);
                let input = self.input(&segments[..at], name, parameters);
                url.push_str(&format!("${{inputs.{input}}}"));
                (bound, any) = (false, true);
                rest = tail;
            }
            url.push_str(&literal(rest));
        }
        if operation.path.ends_with('/') {
            url.push('/');
        }
        (url, bound && any)
    }

    /// The input that stands for a parameter of a path.
    fn input(&mut self, before: &[&str], name: &str, parameters: &[Parameter<'_>]) -> String {
        let key = format!("{}/{name}", plain(before));
        if let Some(known) = self.inputs.get(&key) {
            return known.clone();
        }
        let place = before.iter().rev().find(|part| !part.contains('{')).copied().unwrap_or_default();
        let short = name.len() <= 4 || self.flow.inputs.contains_key(&identifier(name, "parameter"));
        let mut input =
            if short { identifier(&format!("{place} {name}"), "parameter") } else { identifier(name, "parameter") };
        let first = input.clone();
        for number in 2.. {
            if !self.flow.inputs.contains_key(&input) {
                break;
            }
            input = format!("{first}{number}");
        }
        let parameter = parameters.iter().find(|parameter| parameter.place == "path" && parameter.name == name);
        let value = parameter.map_or(json!("sample"), |parameter| concrete(&parameter.value));
        let default = match value {
            Json::Number(_) | Json::Bool(_) => value,
            other => utf8_percent_encode(&text(&other), KEPT).to_string().into(),
        };
        let mut declared = json!({ "default": default });
        let about = parameter.and_then(|parameter| parameter.node.get("description")).and_then(Json::as_str);
        if let Some(about) = about.and_then(|about| about.lines().next()).filter(|about| !about.is_empty()) {
            declared["description"] = shortened(about).replace("${", "{").into();
        }
        self.flow.inputs.insert(input.clone(), declared);
        self.inputs.insert(key, input.clone());
        input
    }

    fn assertions(&mut self, operation: &Operation<'a>, expected: &Expected<'a>, step: &mut StepText) {
        step.asserts.extend(expected.head.iter().map(Assertion::plain));
        let Some(schema) = expected.schema else { return };
        let Some(whole) = self.schemas.whole(schema, Direction::Response, self.notes) else { return };
        if whole.as_object().is_none_or(|keys| keys.len() < 2) {
            return;
        }
        let name = schema_name(schema).unwrap_or_else(|| {
            let mut letters = operation.id.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase()).into_iter();
            first.chain(letters).collect()
        });
        let file = self.files.file(&whole, &name);
        let matches = format!("matchesSchema(body, '{file}')");
        let that = match &expected.only_for {
            Some(other) => format!("{other} || {matches}"),
            None => matches,
        };
        let message = Some("the body is as documented".to_owned());
        step.asserts.push(Assertion { that, message, soft: true });
    }

    /// Keeps what names the thing that is created here.
    fn creation(
        &mut self,
        operation: &Operation<'a>,
        collection: &str,
        parameter: &str,
        expected: &Expected<'a>,
        body: &Body,
        step: &mut StepText,
    ) {
        let last = collection.rsplit('/').find(|part| *part != "{}").unwrap_or_default();
        if operation.method == "PUT" {
            // Whoever creates by an address has named it already.
            let segments = operation.segments();
            let (path, _) = segments.split_at(segments.len().saturating_sub(1));
            if let Some(input) = self.inputs.get(&format!("{}/{parameter}", plain(path))) {
                let template = format!("${{inputs.{input}}}");
                self.created.insert(collection.to_owned(), Created { template, path: Vec::new() });
            }
            return;
        }
        let path =
            expected.schema.and_then(|schema| identity::in_body(self.document, schema, parameter, last, self.notes));
        let sent =
            body.value.get(parameter).filter(|value| !value.is_object() && !value.is_array() && !value.is_null());
        let captured = match (path, sent) {
            (Some(path), _) => (identity::expression(&path), path),
            (None, Some(sent)) if !text(sent).contains("${") => {
                let template = utf8_percent_encode(&text(sent), KEPT).to_string();
                self.created.insert(collection.to_owned(), Created { template, path: Vec::new() });
                return;
            }
            (None, _) if expected.located => ("headers.location.split('/').last().value()".to_owned(), Vec::new()),
            (None, _) => {
                if expected.creates {
                    let what = format!("what {} creates: its answer names no `{parameter}`", operation.shown());
                    self.notes.add(format!("{what}, so later steps use an input"));
                }
                return;
            }
        };
        step.captures.push(("id".to_owned(), captured.0));
        let template = format!("${{steps.{}.id}}", operation.id);
        self.created.insert(collection.to_owned(), Created { template, path: captured.1 });
    }

    /// What is read is what was created.
    fn same(&mut self, operation: &Operation<'a>, expected: &Expected<'a>, step: &mut StepText) {
        let segments = operation.segments();
        let Some((last, before)) = segments.split_last() else { return };
        let created = self.created.get(&plain(before)).filter(|created| is_parameter(last) && !created.path.is_empty());
        let (Some(created), Some(schema)) = (created, expected.schema) else { return };
        if operation.method != "GET" || expected.only_for.is_some() {
            return;
        }
        if identity::has(self.document, schema, &created.path, self.notes) {
            let name = created.template.trim_start_matches("${").trim_end_matches('}');
            step.asserts.push(Assertion::plain(format!("{} == {name}", identity::expression(&created.path))));
        }
    }
}

/// `Pet`, or `PetList` for a list of them.
fn schema_name(schema: &Json) -> Option<String> {
    let (reference, list) = match schema.get("$ref").and_then(Json::as_str) {
        Some(reference) => (reference, ""),
        None if kind(schema) == Some("array") => (schema.pointer("/items/$ref")?.as_str()?, "List"),
        None => return None,
    };
    let last = reference.rsplit('/').next()?;
    let name: String = last.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
    (!name.is_empty()).then(|| format!("{name}{list}"))
}
