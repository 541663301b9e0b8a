//! What a step sent and saw: request and response, rows, messages, log lines, series, or whatever its type gives.

use serde_json::{Map, Value as Json};

use super::super::report::Report;
use super::markup::Markup;
use super::value::{block, inline, pairs, shown};
use assay_engine::job::Evidence;

/// Rows of a table; all of them stand below it when there are more.
const ROWS: usize = 200;
/// Columns of a table.
const COLUMNS: usize = 24;
/// Messages shown one by one.
const MESSAGES: usize = 50;

/// What an attempt looked at.
pub(super) fn seen(out: &mut Markup, report: &Report, evidence: &Evidence) {
    let (value, left_out) = report.seen(evidence);
    match value {
        Json::Object(fields) => whole(out, fields),
        other => block(out, "what it saw", &shown(other)),
    }
    if let Some(why) = left_out {
        out.element("p", "faint", &why);
    }
}

fn whole(out: &mut Markup, fields: &Map<String, Json>) {
    if let Some(reason) = fields.get("notStored").and_then(Json::as_str) {
        out.raw("<p class=\"faint\">What it saw could not be stored: ").text(reason).raw("</p>");
    }
    if let Some(Json::Object(sent)) = fields.get("sent") {
        out.raw("<h4>Sent</h4>");
        self::sent(out, sent);
    }
    out.raw("<h4>Got</h4>");
    let http = fields.contains_key("headers") && fields.get("status").is_some_and(Json::is_number);
    if http {
        response(out, fields);
        return;
    }
    let mut told = vec!["sent", "note", "notStored"];
    for (name, show) in
        [("rows", rows as fn(&mut Markup, &[Json])), ("messages", messages), ("entries", entries), ("series", rows)]
    {
        if let Some(Json::Array(items)) = fields.get(name) {
            show(out, items);
            told.push(name);
        }
    }
    pairs(out, fields.iter().filter(|(name, _)| !told.contains(&name.as_str())).map(|(name, value)| (&**name, value)));
}

fn sent(out: &mut Markup, sent: &Map<String, Json>) {
    let (Some(Json::String(method)), Some(Json::String(url))) = (sent.get("method"), sent.get("url")) else {
        pairs(out, sent.iter().map(|(name, value)| (&**name, value)));
        return;
    };
    out.raw("<p class=\"line\">").element("b", "", method).raw(" ").element("code", "", url).raw("</p>");
    headers(out, sent.get("headers"));
    if let Some(body) = sent.get("body").filter(|body| !body.is_null()) {
        block(out, "body", &shown(body));
    }
    let told = ["method", "url", "headers", "body"];
    pairs(out, sent.iter().filter(|(name, _)| !told.contains(&name.as_str())).map(|(name, value)| (&**name, value)));
}

fn response(out: &mut Markup, fields: &Map<String, Json>) {
    let status = fields.get("status").and_then(Json::as_u64).unwrap_or(0);
    out.raw("<p class=\"line\">");
    out.element("b", if status < 400 { "good" } else { "bad" }, &status.to_string());
    let ms = |name: &str| fields.get("timings")?.get(name)?.as_f64().map(|time| format!("{time:.1} ms"));
    let mut about = Vec::new();
    about.extend(ms("total").map(|time| format!("in {time}")));
    about.extend(ms("firstByte").map(|time| format!("first byte {time}")));
    about.extend(fields.get("size").and_then(Json::as_u64).map(super::super::text::bytes));
    about.extend(fields.get("remoteAddress").and_then(Json::as_str).map(|address| format!("from {address}")));
    out.raw(" ").element("span", "faint", &about.join(" · ")).raw("</p>");
    headers(out, fields.get("headers"));
    match (fields.get("body"), fields.get("text")) {
        (Some(body), _) if !body.is_null() => block(out, "body", &shown(body)),
        (_, Some(Json::String(text))) if text.is_empty() => {
            out.element("p", "faint", "no body");
        }
        (_, Some(text)) if !text.is_null() => block(out, "body", &shown(text)),
        _ => {
            out.element("p", "faint", "a body that is no text");
        }
    }
    if let Some(tls) = fields.get("tls").filter(|tls| !tls.is_null()) {
        pairs(out, std::iter::once(("tls", tls)));
    }
    let told = ["status", "headers", "body", "text", "size", "timings", "remoteAddress", "tls", "sent", "note"];
    pairs(out, fields.iter().filter(|(name, _)| !told.contains(&name.as_str())).map(|(name, value)| (&**name, value)));
}

fn headers(out: &mut Markup, headers: Option<&Json>) {
    let Some(Json::Object(headers)) = headers.filter(|headers| headers.as_object().is_some_and(|it| !it.is_empty()))
    else {
        return;
    };
    out.raw("<details class=\"fold small\"><summary>").number(headers.len());
    out.raw(if headers.len() == 1 { " header" } else { " headers" }).raw("</summary>");
    pairs(out, headers.iter().map(|(name, value)| (&**name, value)));
    out.raw("</details>");
}

/// A table of objects; anything else as it is.
fn rows(out: &mut Markup, items: &[Json]) {
    if items.is_empty() {
        out.element("p", "faint", "none");
        return;
    }
    let mut columns: Vec<&str> = Vec::new();
    for item in items.iter().take(ROWS) {
        let keys = item.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
        let new: Vec<&str> = keys.filter(|key| !columns.contains(key)).collect();
        columns.extend(new);
    }
    if columns.is_empty() || columns.len() > COLUMNS || !items.iter().all(Json::is_object) {
        block(out, "as JSON", &serde_json::to_string_pretty(items).unwrap_or_default());
        return;
    }
    out.raw("<div class=\"scroll\" tabindex=\"0\"><table class=\"grid\"><thead><tr>");
    for column in &columns {
        out.raw("<th scope=\"col\">").text(column).raw("</th>");
    }
    out.raw("</tr></thead><tbody>");
    for item in items.iter().take(ROWS) {
        out.raw("<tr>");
        for column in &columns {
            out.raw("<td>");
            if let Some(value) = item.get(*column) {
                inline(out, value);
            }
            out.raw("</td>");
        }
        out.raw("</tr>");
    }
    out.raw("</tbody></table></div>");
    rest(out, items, ROWS);
}

/// Messages of a topic or a stream: what tells them apart in a line, then what they say.
fn messages(out: &mut Markup, items: &[Json]) {
    if items.is_empty() {
        out.element("p", "faint", "no message matched");
        return;
    }
    for item in items.iter().take(MESSAGES) {
        let Json::Object(fields) = item else {
            block(out, "message", &shown(item));
            continue;
        };
        let short = fields.iter().filter(|(name, value)| **name != "value" && !value.is_object() && !value.is_array());
        let about: Vec<String> = short.map(|(name, value)| format!("{name} {}", said(value))).collect();
        let content = fields.iter().filter(|(name, value)| **name == "value" || value.is_object() || value.is_array());
        let content: Vec<(&String, &Json)> = content.collect();
        out.raw("<div class=\"message\">").element("p", "cap", &about.join(" · "));
        for (name, value) in content {
            block(out, name, &shown(value));
        }
        out.raw("</div>");
    }
    rest(out, items, MESSAGES);
}

/// Lines of a log.
fn entries(out: &mut Markup, items: &[Json]) {
    if items.is_empty() {
        out.element("p", "faint", "no line");
        return;
    }
    out.raw("<div class=\"scroll\" tabindex=\"0\"><table class=\"grid log\"><tbody>");
    for item in items.iter().take(ROWS) {
        let text = |name: &str| item.get(name).map(said).unwrap_or_default();
        let labels = item.get("labels").and_then(Json::as_object).into_iter().flatten();
        let labels: Vec<String> = labels.map(|(name, value)| format!("{name}={}", said(value))).collect();
        out.raw("<tr><td>").element("code", "faint", &text("timestamp")).raw("</td><td>");
        out.element("code", "", &text("line"))
            .raw("<br>")
            .element("span", "faint", &labels.join(" "))
            .raw("</td></tr>");
    }
    out.raw("</tbody></table></div>");
    rest(out, items, ROWS);
}

fn rest(out: &mut Markup, items: &[Json], most: usize) {
    if items.len() > most {
        out.element("p", "faint", &format!("the first {most} of {}; all of them:", items.len()));
        block(out, "as JSON", &serde_json::to_string_pretty(items).unwrap_or_default());
    }
}

fn said(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
