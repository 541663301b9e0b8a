//! Evidence: what a step sent and got, masked; whole in the blob store when it is large.

use std::io::{self, Write};

use assay_engine::job::Evidence;
use bytes::Bytes;
use serde_json::{Map, Value as Json};

use super::evaluate::cut;
use crate::contract::Artifacts;
use crate::mask::Masker;

/// Evidence with more bytes of JSON text goes to the blob store.
pub(super) const PREVIEW: usize = 4 * 1024;

/// What evidence is made of.
pub(super) struct Exhibit {
    pub(super) fields: Map<String, Json>,
    pub(super) sent: Option<Json>,
    pub(super) note: Option<String>,
}

impl Exhibit {
    /// `note` and `sent`, then the output's fields.
    fn into_json(self) -> Json {
        if self.sent.is_none() && self.note.is_none() {
            return Json::Object(self.fields);
        }
        let mut whole = Map::with_capacity(self.fields.len() + 2);
        if let Some(note) = self.note {
            whole.insert("note".into(), note.into());
        }
        if let Some(sent) = self.sent {
            whole.insert("sent".into(), sent);
        }
        whole.extend(self.fields);
        Json::Object(whole)
    }
}

/// The evidence as a result carries it. Where it cannot be stored, the preview says so instead: that is no reason to
/// change what the step came to.
pub(super) async fn evidence(exhibit: Exhibit, name: &str, masker: &Masker, artifacts: &dyn Artifacts) -> Evidence {
    let mut whole = exhibit.into_json();
    masker.json(&mut whole);
    if size_within(&whole, PREVIEW).is_some() {
        return Evidence { preview: whole, blob: None };
    }
    let text = whole.to_string();
    let preview = text[..text.floor_char_boundary(PREVIEW)].to_owned();
    match artifacts.put_evidence(name, Bytes::from(text)).await {
        Ok(blob) => Evidence { preview: preview.into(), blob: Some(blob) },
        Err(error) => {
            let reason = cut(&masker.text(&error.message), 500);
            let mut preview = Map::new();
            preview.insert("notStored".into(), reason.into());
            Evidence { preview: Json::Object(preview), blob: None }
        }
    }
}

/// The bytes of the value's JSON text, unless they are more than `most`. Stops writing there.
pub(super) fn size_within(value: &Json, most: usize) -> Option<usize> {
    let mut counter = Counter { left: most };
    serde_json::to_writer(&mut counter, value).ok()?;
    Some(most - counter.left)
}

struct Counter {
    left: usize,
}

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
