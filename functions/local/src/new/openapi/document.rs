//! The document, read and looked up.

use assay_engine::diagnostics::Style;
use assay_engine::source::read_document;
use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

use super::notes::Notes;

/// The largest document, in bytes.
pub(in crate::new) const LARGEST: u64 = 64 * 1024 * 1024;
/// References that lead to references.
const HOPS: usize = 32;

/// An OpenAPI document.
#[derive(Debug)]
pub(in crate::new) struct Document {
    pub(super) root: Json,
    /// 3.1 and later, where schemas are JSON Schema.
    pub(super) modern: bool,
}

impl Document {
    /// Reads JSON or YAML.
    ///
    /// # Errors
    /// Why it is no document of a version that is understood.
    pub(in crate::new) fn read(name: &str, bytes: &[u8]) -> Result<Self, String> {
        let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| *byte == b'{');
        let root = if is_json {
            serde_json::from_slice(bytes).map_err(|error| format!("{name} is no JSON: {error}"))?
        } else {
            let most = usize::try_from(LARGEST).unwrap_or(usize::MAX);
            read_document(name, bytes, most).map_err(|wrong| {
                let wrong = wrong.render(Style::Plain);
                format!("{name} cannot be read\n{}", wrong.trim_end())
            })?
        };
        Self::of(name, root)
    }

    fn of(name: &str, root: Json) -> Result<Self, String> {
        if let Some(version) = root.get("swagger") {
            let version = version.as_str().map_or_else(|| version.to_string(), str::to_owned);
            return Err(format!(
                "{name} is Swagger {version}: OpenAPI 3.0 and 3.1 are understood. Converters exist, as in \
                 `npx swagger2openapi {name} -o openapi.json`"
            ));
        }
        let version = match root.get("openapi") {
            Some(Json::String(version)) => version.clone(),
            Some(Json::Number(version)) => version.to_string(),
            _ => {
                return Err(format!(
                    "{name} is no OpenAPI document (there is no `openapi: 3...` at its top), and it does not begin with \
                     `curl` either"
                ));
            }
        };
        match version.split('.').next() {
            Some("3") => Ok(Self { modern: !version.starts_with("3.0"), root }),
            _ => Err(format!("{name} is OpenAPI {version}: 3.0 and 3.1 are understood")),
        }
    }

    /// What a reference within the document points to.
    pub(super) fn at(&self, reference: &str) -> Option<&Json> {
        let pointer = reference.strip_prefix('#')?;
        let pointer = percent_decode_str(pointer).decode_utf8().ok()?;
        self.root.pointer(&pointer)
    }

    /// The node, or what it refers to. What refers to another document, nowhere or in a circle is told, and is none.
    pub(super) fn resolve<'a>(&'a self, node: &'a Json, notes: &mut Notes) -> Option<&'a Json> {
        let mut node = node;
        for _ in 0..HOPS {
            let Some(reference) = node.get("$ref").and_then(Json::as_str) else { return Some(node) };
            let Some(next) = self.at(reference) else {
                notes.add(unresolved(reference));
                return None;
            };
            node = next;
        }
        notes.add("a reference that leads in a circle".to_owned());
        None
    }

    /// A text of the document's head.
    pub(super) fn title(&self) -> &str {
        self.root.pointer("/info/title").and_then(Json::as_str).unwrap_or("api")
    }
}

/// What is said of a reference that is not followed.
pub(super) fn unresolved(reference: &str) -> String {
    let shown: String = reference.chars().take(120).collect();
    if reference.starts_with('#') {
        format!("the reference `{shown}`: there is nothing at this place")
    } else {
        format!("the reference `{shown}`: it leads to another document, and nothing is fetched")
    }
}
