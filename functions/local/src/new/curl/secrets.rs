//! What in a request is nobody's business: it becomes a secret of the flow, and its value stays out of the file.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::words::VARIABLE;
use crate::new::names::{Taken, constant};
use crate::new::yaml::literal;

/// What a shell's variables and passwords became.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    /// The secrets by name, with what they are.
    pub(super) secrets: BTreeMap<String, String>,
    /// The inputs.
    pub(super) inputs: Map<String, Json>,
    /// By value, so that one value has one name.
    names: BTreeMap<String, String>,
    taken: Taken,
}

/// Words in names of headers, fields and parameters whose values are secret.
const TELLING: [&str; 14] = [
    "authorization",
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "accesskey",
    "cookie",
    "session",
    "signature",
    "credential",
];

/// Whether a name says that its value is secret.
pub(super) fn is_telling(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let whole = ["key", "pwd", "pass", "auth", "sig", "pin", "otp"];
    TELLING.iter().any(|word| name.contains(word)) || whole.contains(&name.as_str()) || name.ends_with("-auth")
}

/// Whether a value gives itself away: a JSON web token, or a token with a known beginning.
pub(super) fn is_token(value: &str) -> bool {
    let parts: Vec<&str> = value.split('.').collect();
    let jwt = value.starts_with("eyJ") && parts.len() == 3 && value.len() > 40;
    let beginnings =
        ["ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "sk-", "sk_live_", "xoxb-", "xoxp-", "AKIA", "AIza"];
    let long = value.len() >= 16 && !value.contains(char::is_whitespace);
    jwt || (long && beginnings.iter().any(|beginning| value.starts_with(beginning)))
}

impl Replaced {
    /// The value as a template that names a secret. What stands for variables of the shell is one already.
    pub(super) fn secret(&mut self, wanted: &str, what: &str, value: &str) -> String {
        if value.contains(VARIABLE) {
            return self.variables(value, true);
        }
        if let Some(name) = self.names.get(value) {
            return format!("${{secrets.{name}}}");
        }
        let name = self.taken.unique_with(&constant(wanted, "SECRET"), "_");
        self.names.insert(value.to_owned(), name.clone());
        self.secrets.insert(name.clone(), what.to_owned());
        format!("${{secrets.{name}}}")
    }

    /// A text as a template: variables of the shell become secrets where the place or their name says so, else inputs.
    pub(super) fn text(&mut self, place: &str, text: &str) -> String {
        if is_telling(place) && !text.is_empty() {
            return self.secret(place, &format!("the `{place}`"), text);
        }
        if is_token(text) {
            return self.secret("TOKEN", "a token", text);
        }
        self.variables(text, false)
    }

    fn variables(&mut self, text: &str, secret: bool) -> String {
        let mut out = String::new();
        for (at, part) in text.split(VARIABLE).enumerate() {
            if at % 2 == 0 {
                out.push_str(&literal(part));
            } else if secret || is_telling(part) || is_telling(&part.replace('_', "")) {
                self.secrets.entry(part.to_owned()).or_insert_with(|| "was a variable of the shell".to_owned());
                out.push_str(&format!("${{secrets.{part}}}"));
            } else {
                let declared = serde_json::json!({"type": "string", "required": true});
                self.inputs.entry(part.to_owned()).or_insert(declared);
                out.push_str(&format!("${{inputs.{part}}}"));
            }
        }
        out
    }

    /// A JSON value whose telling fields became secrets.
    pub(super) fn value(&mut self, place: &str, value: &Json) -> Json {
        match value {
            Json::String(text) => Json::String(self.text(place, text)),
            Json::Array(items) => items.iter().map(|item| self.value(place, item)).collect(),
            Json::Object(map) => {
                Json::Object(map.iter().map(|(key, value)| (key.clone(), self.value(key, value))).collect())
            }
            Json::Number(number) if is_telling(place) && number.to_string().len() >= 4 => {
                Json::String(self.secret(place, &format!("the `{place}`"), &number.to_string()))
            }
            other => other.clone(),
        }
    }
}
