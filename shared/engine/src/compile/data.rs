//! Files beside a flow.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::context::Shared;
use super::fields::cut;
use super::path::{PathProblem, resolve};
use crate::diagnostics::Code;
use crate::job::FileRef;
use crate::source::{Span, read_data};

impl Shared<'_> {
    /// The path in the flow version of a file that a flow of `folder` names, and its bytes.
    pub(super) fn file(&self, folder: &str, name: &str, span: Span) -> Option<(String, Arc<[u8]>)> {
        self.file_of(folder, name, span, false)
    }

    /// As [`Self::file`]; `certificate`: one of the machine's own, which is not part of the flow, may be meant.
    pub(super) fn file_of(
        &self,
        folder: &str,
        name: &str,
        span: Span,
        certificate: bool,
    ) -> Option<(String, Arc<[u8]>)> {
        let shown = cut(name);
        let path = match resolve(folder, name) {
            Ok(path) => path,
            Err(PathProblem::Outside) => {
                let message = format!("`{shown}` is outside the flow's folder");
                self.error_hint(Code::OutsideFolder, span, message, "put the file beside the flow");
                return None;
            }
            Err(PathProblem::Absolute) if self.on_server() => {
                let message = format!("`{shown}` is a path of the machine, which a server does not open");
                self.error_hint(Code::ServerOnly, span, message, "put the file beside the flow, or write it inline");
                return None;
            }
            Err(PathProblem::Absolute) if !certificate => {
                let message = format!("`{shown}` is a path of the machine, outside the flow's folder");
                let hint =
                    "put the file beside the flow: it travels with it; only certificates under `tls` may lie elsewhere";
                self.error_hint(Code::OutsideFolder, span, message, hint);
                return None;
            }
            Err(PathProblem::Absolute) => name.to_owned(),
        };
        let found = self.bundle.files.get(&path).cloned();
        if found.is_none() {
            let problem = crate::source::Problem::new(Code::MissingFile, span, format!("there is no file `{shown}`"));
            let files = self.bundle.files.keys().filter_map(|path| path.strip_prefix(folder));
            let near = super::suggest::nearest(name, files).filter(|_| self.may_suggest());
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            self.report(crate::source::Problem { hint, ..problem });
        }
        found.map(|bytes| (path, bytes))
    }

    /// The value of a JSON or YAML file.
    pub(super) fn data(&self, path: &str, bytes: &[u8], span: Span) -> Option<Json> {
        match read_data(path, bytes) {
            Ok(value) => Some(value),
            Err(problems) => {
                for problem in problems.iter().take(3) {
                    let at = problem.place.as_ref().map(|place| format!(" at {}:{}", place.line, place.column));
                    let message = format!("`{}`{}: {}", cut(path), at.unwrap_or_default(), problem.message);
                    self.error(Code::BadData, span, message);
                }
                None
            }
        }
    }

    /// The text of a file.
    pub(super) fn file_text(&self, path: &str, bytes: &[u8], span: Span) -> Option<String> {
        let text = std::str::from_utf8(bytes).ok();
        if text.is_none() {
            self.error(Code::BadData, span, format!("`{}` is not UTF-8 text", cut(path)));
        }
        text.map(|text| text.strip_prefix('\u{feff}').unwrap_or(text).to_owned())
    }

    /// The rows of a CSV file, each a map of texts by the names of its first row.
    pub(super) fn rows(&self, path: &str, bytes: &[u8], span: Span) -> Option<Vec<Json>> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(bytes);
        let bad = |why: String| {
            self.error(Code::BadData, span, format!("`{}`: {why}", cut(path)));
        };
        let names = match reader.headers() {
            Ok(names) => names.clone(),
            Err(error) => {
                bad(error.to_string());
                return None;
            }
        };
        let mut rows = Vec::new();
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let cell = |(name, cell): (&str, &str)| (name.to_owned(), Json::String(cell.to_owned()));
                    rows.push(Json::Object(names.iter().zip(record.iter()).map(cell).collect::<Map<_, _>>()));
                }
                Err(error) => {
                    bad(error.to_string());
                    return None;
                }
            }
        }
        Some(rows)
    }
}

/// What a job carries of a file.
pub(super) fn file_ref(bytes: &[u8]) -> FileRef {
    FileRef { sha256: digest(bytes), size: bytes.len() as u64 }
}

/// SHA-256 in hexadecimal.
pub(super) fn digest(bytes: impl AsRef<[u8]>) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}
