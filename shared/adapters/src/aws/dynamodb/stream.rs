//! Records from the table's stream, as Lambda hands it over.
//!
//! The stream tells every new image of an item, those of one item in order, each at least once. The root's image carries
//! the records that its save has added, so that an execution's records come in order.

use std::collections::HashMap;

use assay_app::ports::{PortError, PortErrorClass};
use assay_engine::record::Record;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value as Json;

use super::item::{Attributes as _, Item};
use super::keys::{PK, ROOT, SK};
use super::store::DynamoExecutionStore;

/// What a batch of the stream has told.
#[derive(Debug, Default)]
pub struct Told {
    /// Records, in order per execution; some may have come before.
    pub records: Vec<Record>,
    /// The sequence number of the first entry that could not be read, and why. It and what follows must come again:
    /// `batchItemFailures: [{itemIdentifier: NUMBER}]`.
    pub failed: Option<(String, PortError)>,
}

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records", default)]
    records: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    dynamodb: Change,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    #[serde(default)]
    new_image: Option<HashMap<String, Json>>,
    #[serde(default)]
    sequence_number: String,
}

impl DynamoExecutionStore {
    /// The records that an event of the table's stream (`NEW_IMAGE`) tells of.
    ///
    /// # Errors
    /// When it is no such event. What of it cannot be read, or not now, is in the answer.
    pub async fn records_of_stream(&self, event: Json) -> Result<Told, PortError> {
        let wrong = |error| PortError::permanent("read an event of the table's stream").because(error);
        let batch: Batch = serde_json::from_value(event).map_err(wrong)?;
        let mut told = Told::default();
        for Entry { dynamodb: Change { new_image, sequence_number } } in batch.records {
            let Some(image) = new_image else { continue };
            let records = match of_json(image) {
                Ok(item) => self.records_of_image(item).await,
                Err(error) => Err(error),
            };
            match records {
                Ok(records) => told.records.extend(records),
                Err(error) => {
                    told.failed = Some((sequence_number, error));
                    break;
                }
            }
        }
        Ok(told)
    }

    /// The records that a new image of an item tells of; none, unless it is an execution's root.
    pub(super) async fn records_of_image(&self, image: Item) -> Result<Vec<Record>, PortError> {
        if image.text(SK) != Some(ROOT) {
            return Ok(Vec::new());
        }
        let place = (image.needed_text(PK)?.to_owned(), ROOT.to_owned());
        let read = async { self.added(&self.whole(image).await?).await };
        match read.await {
            // what lies beside the root goes with the execution
            Err(error) if error.class == PortErrorClass::Bug => {
                let there = self.table.get("look at an execution", place, &[PK]).await?;
                if there.is_some() { Err(error) } else { Ok(Vec::new()) }
            }
            read => read,
        }
    }
}

/// An item of its JSON: `{"pk": {"S": "exe_a"}, ...}`.
fn of_json(image: HashMap<String, Json>) -> Result<Item, PortError> {
    image.into_iter().map(|(name, value)| Ok((name, attribute(&value)?))).collect()
}

fn attribute(value: &Json) -> Result<AttributeValue, PortError> {
    let wrong = || PortError::bug("read an attribute of the table's stream");
    let (kind, value) = value.as_object().and_then(|object| object.iter().next()).ok_or_else(wrong)?;
    let text = value.as_str().ok_or_else(wrong)?;
    match kind.as_str() {
        "S" => Ok(AttributeValue::S(text.to_owned())),
        "N" => Ok(AttributeValue::N(text.to_owned())),
        "B" => STANDARD.decode(text).map(|bytes| AttributeValue::B(Blob::new(bytes))).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}
