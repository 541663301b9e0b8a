//! What must come back: the documented status, content type and headers, and the schema of the body.

use serde_json::Value as Json;

use super::body::{bare, is_json};
use super::document::Document;
use super::notes::Notes;
use super::operation::Operation;

/// The answer that is expected.
#[derive(Debug, Default)]
pub(super) struct Expected<'a> {
    /// Assertions about its head.
    pub(super) head: Vec<String>,
    /// The schema of its JSON body.
    pub(super) schema: Option<&'a Json>,
    /// For answers without this status the schema says nothing.
    pub(super) only_for: Option<String>,
    /// What to ask for, when an answer may have several media types or one that is not JSON.
    pub(super) accept: Option<String>,
    /// Whether its address is told in a header.
    pub(super) located: bool,
    /// Whether an answer says that something was created.
    pub(super) creates: bool,
}

/// What the document says of a success.
pub(super) fn expected<'a>(document: &'a Document, operation: &Operation<'a>, notes: &mut Notes) -> Expected<'a> {
    let mut expected = Expected::default();
    let responses = operation.node.get("responses").and_then(Json::as_object);
    let mut fine: Vec<(&str, &Json)> = Vec::new();
    for (status, response) in responses.into_iter().flatten() {
        let Some(response) = document.resolve(response, notes) else { continue };
        if status.starts_with(['2', '3']) || status == "default" {
            fine.push((status, response));
        }
    }
    fine.sort_by_key(|(status, _)| {
        (*status == "default", status.starts_with('3'), !status.chars().all(|c| c.is_ascii_digit()))
    });
    let good: Vec<(&str, &Json)> = fine.iter().copied().filter(|(status, _)| status.starts_with('2')).collect();
    let good = match (good.is_empty(), fine.first()) {
        (false, _) => good,
        (true, Some(first)) => vec![*first],
        (true, None) => {
            notes.add(format!("{} documents no success: any status below 400 is accepted", operation.shown()));
            expected.head.push("status < 400".to_owned());
            return expected;
        }
    };
    expected.creates = good.iter().any(|(status, _)| *status == "201");
    expected.head.push(status(&good));
    let mut answers = good.iter().filter(|(_, response)| has_content(response));
    let (first_status, first) = answers.next().copied().unwrap_or(good[0]);
    if good.len() > 1 && first_status.chars().all(|c| c.is_ascii_digit()) {
        expected.only_for = Some(format!("status != {first_status}"));
    }
    expected.located = header(first, "location").is_some();
    if operation.method != "HEAD" {
        content(first, &mut expected);
    }
    if good.len() == 1 {
        required_headers(document, first, &mut expected, notes);
    }
    expected
}

fn has_content(response: &Json) -> bool {
    response.get("content").and_then(Json::as_object).is_some_and(|content| !content.is_empty())
}

fn status(good: &[(&str, &Json)]) -> String {
    let exact: Vec<&str> = good
        .iter()
        .map(|(status, _)| *status)
        .filter(|status| status.len() == 3 && status.chars().all(|c| c.is_ascii_digit()))
        .collect();
    match exact.as_slice() {
        [one] if good.len() == 1 => format!("status == {one}"),
        several if !several.is_empty() && several.len() == good.len() => format!("status in [{}]", several.join(", ")),
        _ if good.iter().any(|(status, _)| *status == "default") => "status < 400".to_owned(),
        _ => "status >= 200 && status < 300".to_owned(),
    }
}

fn content<'a>(response: &'a Json, expected: &mut Expected<'a>) {
    let Some(content) = response.get("content").and_then(Json::as_object) else { return };
    let json = content.iter().find(|(media, _)| bare(media) == "application/json");
    let json = json.or_else(|| content.iter().find(|(media, _)| is_json(media)));
    if let Some((media, node)) = json {
        expected.schema = node.get("schema").filter(|schema| schema.is_object());
        if content.len() > 1 && !media.contains('*') {
            expected.accept = Some(bare(media));
        }
        return;
    }
    let Some(media) = content.keys().next().map(|media| bare(media)) else { return };
    if media.contains('*') || media.contains(['\'', '"', '\\']) {
        return;
    }
    let found = format!("headers['content-type'].startsWith('{media}')");
    expected.head.push(match &expected.only_for {
        Some(other) => format!("{other} || {found}"),
        None => found,
    });
    expected.accept = Some(media);
}

fn header<'a>(response: &'a Json, name: &str) -> Option<&'a Json> {
    let headers = response.get("headers").and_then(Json::as_object)?;
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, header)| header)
}

fn required_headers(document: &Document, response: &Json, expected: &mut Expected<'_>, notes: &mut Notes) {
    for (name, header) in response.get("headers").and_then(Json::as_object).into_iter().flatten() {
        let Some(header) = document.resolve(header, notes) else { continue };
        let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if header.get("required") == Some(&Json::Bool(true)) && fits && !name.eq_ignore_ascii_case("content-type") {
            expected.head.push(format!("has(headers.`{}`)", name.to_ascii_lowercase()));
        }
    }
}
