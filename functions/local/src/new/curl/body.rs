//! The body of a request: a form, JSON, parts, a file, or a text.

use serde_json::{Map, Value as Json, json};

use super::command::{Asked, Data, Part};
use super::secrets::Replaced;
use super::words::VARIABLE;

/// What a body became.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// The keys of `with`.
    pub(super) with: Map<String, Json>,
    /// What the request's content type must be, when `with` alone would send another one.
    pub(super) content_type: Option<String>,
    /// What must be known about it.
    pub(super) notes: Vec<String>,
    /// Files that must lie beside the flow.
    pub(super) files: Vec<String>,
}

const FORM: &str = "application/x-www-form-urlencoded";

/// The body, if there is one.
pub(super) fn body(asked: &mut Asked, replaced: &mut Replaced) -> Body {
    let mut body = Body::default();
    let typed = content_type(asked);
    if !asked.parts.is_empty() {
        let parts = std::mem::take(&mut asked.parts);
        body.parts(&parts, replaced);
        asked.headers.retain(|(name, _)| name != "content-type");
    } else if let Some(file) = asked.upload.take() {
        body.file(&file, typed.as_deref());
    } else if !asked.json.is_empty() {
        let text = std::mem::take(&mut asked.json).concat();
        match text.strip_prefix('@') {
            Some(file) => body.json_file(file),
            None => body.json_or_text(&text, "application/json", replaced),
        }
    } else if !asked.data.is_empty() && !asked.get {
        let data = std::mem::take(&mut asked.data);
        body.data(&data, typed.as_deref(), replaced);
    }
    body
}

fn content_type(asked: &Asked) -> Option<String> {
    asked.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.clone())
}

fn is_json_type(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.ends_with("/json") || kind.ends_with("+json")
}

impl Body {
    fn set(&mut self, key: &str, value: impl Into<Json>) {
        self.with.insert(key.to_owned(), value.into());
    }

    fn data(&mut self, data: &[Data], typed: Option<&str>, replaced: &mut Replaced) {
        if let [Data::File(file)] = data {
            return match typed {
                Some(kind) if is_json_type(kind) => self.json_file(file),
                kind => self.file(file, Some(kind.unwrap_or(FORM))),
            };
        }
        let files = data.iter().filter(|piece| matches!(piece, Data::File(_))).count();
        if files > 0 {
            self.notes.push(format!("{files} of the pieces of its body come from files: they are left out"));
        }
        if let Some(form) = form(data, replaced).filter(|_| typed.is_none_or(|kind| kind.starts_with(FORM))) {
            return self.set("form", form);
        }
        let text = joined(data);
        match typed {
            Some(kind) if is_json_type(kind) => self.json_or_text(&text, kind, replaced),
            Some(kind) => self.text(&text, kind, replaced),
            None if looks_like_json(&text) => {
                self.notes.push(
                    "curl would send this body as a form (it has no content type); it is JSON, and is sent as such"
                        .to_owned(),
                );
                self.json_or_text(&text, "application/json", replaced);
            }
            None => self.text(&text, FORM, replaced),
        }
    }

    fn text(&mut self, text: &str, kind: &str, replaced: &mut Replaced) {
        let text = replaced.text("", text);
        self.set("text", text);
        self.content_type = Some(kind.to_owned());
    }

    fn json_or_text(&mut self, text: &str, kind: &str, replaced: &mut Replaced) {
        let read = serde_json::from_str::<Json>(text);
        match read {
            // A lone `file` would be taken for the name of a file.
            Ok(value) if value.get("file").is_none() => {
                let value = replaced.value("", &value);
                self.set("json", value);
                if kind != "application/json" {
                    self.content_type = Some(kind.to_owned());
                }
            }
            Ok(_) => self.text(text, kind, replaced),
            Err(error) => {
                if !text.contains(VARIABLE) {
                    self.notes.push(format!("its body is said to be JSON, but is not ({error}): it is sent as it is"));
                }
                self.text(text, kind, replaced);
            }
        }
    }

    fn json_file(&mut self, file: &str) {
        let file = self.beside(file);
        self.set("json", json!({ "file": file }));
    }

    fn file(&mut self, file: &str, kind: Option<&str>) {
        let file = self.beside(file);
        match kind {
            Some(kind) => self.set("file", json!({"path": file, "contentType": kind})),
            None => self.set("file", file),
        }
    }

    /// The name of a file beside the flow.
    fn beside(&mut self, file: &str) -> String {
        self.files.push(file.to_owned());
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        if matches!(name, "" | "." | ".." | "-") { "body".to_owned() } else { name.to_owned() }
    }

    fn parts(&mut self, parts: &[Part], replaced: &mut Replaced) {
        let mut multipart: Map<String, Json> = Map::new();
        for part in parts {
            let value = self.part(part, replaced);
            match multipart.get_mut(&part.name) {
                Some(Json::Array(several)) => several.push(value),
                Some(one) => *one = json!([one.take(), value]),
                None => {
                    multipart.insert(part.name.clone(), value);
                }
            }
        }
        self.set("multipart", multipart);
    }

    /// `value`, `@file` or `<file`, with `;type=...` and `;filename=...` behind it.
    fn part(&mut self, part: &Part, replaced: &mut Replaced) -> Json {
        if part.literal {
            return Json::String(replaced.text(&part.name, &part.value));
        }
        let (value, about) = match part.value.split_once(';') {
            Some((value, about)) if ["type=", "filename="].iter().any(|word| about.trim_start().starts_with(word)) => {
                (value, about)
            }
            _ => (part.value.as_str(), ""),
        };
        let mut made = Map::new();
        match value.strip_prefix(['@', '<']) {
            Some(file) => {
                let file = self.beside(file.trim_matches('"'));
                made.insert("file".to_owned(), Json::String(file));
            }
            None => {
                made.insert("value".to_owned(), Json::String(replaced.text(&part.name, value.trim_matches('"'))));
            }
        }
        for (key, value) in about.split(';').filter_map(|pair| pair.trim().split_once('=')) {
            let value = value.trim_matches('"').to_owned();
            match key {
                "type" => made.insert("contentType".to_owned(), value.into()),
                "filename" => made.insert("filename".to_owned(), value.into()),
                _ => continue,
            };
        }
        match made.remove("value") {
            Some(value) if made.is_empty() => value,
            Some(value) => {
                made.insert("value".to_owned(), value);
                Json::Object(made)
            }
            None => Json::Object(made),
        }
    }
}

fn looks_like_json(text: &str) -> bool {
    matches!(serde_json::from_str::<Json>(text), Ok(Json::Object(_) | Json::Array(_)))
}

/// What curl would send, pieces joined by `&`.
fn joined(data: &[Data]) -> String {
    let piece = |data: &Data| match data {
        Data::Text(text) => Some(text.clone()),
        Data::Encode(None, text) => Some(encode(text)),
        Data::Encode(Some(name), text) => Some(format!("{name}={}", encode(text))),
        Data::File(_) => None,
    };
    data.iter().filter_map(piece).collect::<Vec<_>>().join("&")
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Names and values, when the data is nothing but these.
pub(super) fn form(data: &[Data], replaced: &mut Replaced) -> Option<Map<String, Json>> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for piece in data {
        match piece {
            Data::Encode(Some(name), value) => pairs.push((name.clone(), value.clone())),
            Data::Text(text) => pairs.extend(decoded(text)?),
            Data::Encode(None, _) | Data::File(_) => return None,
        }
    }
    let mut form: Map<String, Json> = Map::new();
    for (name, value) in pairs {
        let value = Json::String(replaced.text(&name, &value));
        match form.get_mut(&name) {
            Some(Json::Array(several)) => several.push(value),
            Some(one) => *one = json!([one.take(), value]),
            None => {
                form.insert(name, value);
            }
        }
    }
    (!form.is_empty()).then_some(form)
}

/// The pairs of a text that is a form, and that would be written in the same way again or nearly so.
fn decoded(text: &str) -> Option<Vec<(String, String)>> {
    let fits = |pair: &str| {
        let name = pair.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| !name.is_empty() && !name.contains(['{', '<', '"', ' ', '\n']))
    };
    if text.is_empty() || !text.split('&').all(fits) || text.contains('\n') {
        return None;
    }
    Some(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
}
