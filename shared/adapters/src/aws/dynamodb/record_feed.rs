//! The feed for readers that ask: the table's stream, read shard by shard. It reaches back 24 hours.
//!
//! Whoever is called by Lambda needs none of it: see [`super::Told`].

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use assay_app::ports::{FeedBatch, FeedCursor, PortError, RecordFeed};
use assay_engine::id::ExecutionId;
use assay_engine::record::Record;
use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::types::{AttributeValue as Told, Shard, ShardIteratorType};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::error::answered;
use super::item::{Attributes as _, Item, item, json, text};
use super::keys::PK;
use super::store::DynamoExecutionStore;
use super::table::{Only, Put};

/// The partition of the readers' places.
const READERS: &str = "feed";
/// Entries of a shard read at once.
const ENTRIES: i32 = 100;
/// A shard can answer nothing and still have more.
const EMPTY_ANSWERS: u32 = 3;

/// The feed of records of a [`DynamoExecutionStore`].
pub struct DynamoRecordFeed {
    store: Arc<DynamoExecutionStore>,
    streams: Client,
    arn: OnceCell<String>,
}

/// How far a reader is in one shard.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    /// The last entry that was read whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// Records read of the entry after it.
    #[serde(default, skip_serializing_if = "is_zero")]
    taken: usize,
    /// It is read to its end, and nothing comes any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    over: bool,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

type Places = BTreeMap<String, Place>;

fn places(cursor: &FeedCursor) -> Result<Places, PortError> {
    if cursor.0.is_empty() {
        return Ok(Places::new());
    }
    let wrong =
        |error| PortError::permanent("go on in the feed behind that cursor: no feed has made it").because(error);
    serde_json::from_str(&cursor.0).map_err(wrong)
}

impl DynamoRecordFeed {
    /// The feed of this store's table.
    #[must_use]
    pub fn new(store: Arc<DynamoExecutionStore>, streams: Client) -> Self {
        Self { store, streams, arn: OnceCell::new() }
    }

    async fn arn(&self) -> Result<&String, PortError> {
        let ask = || async {
            let table = &self.store.table;
            let seen = answered("find the stream", table.client.describe_table().table_name(&table.name).send().await)?;
            let arn = seen.table.and_then(|table| table.latest_stream_arn);
            arn.ok_or_else(|| PortError::permanent(format!("find the stream: the table {} has none", table.name)))
        };
        self.arn.get_or_try_init(ask).await
    }

    async fn shards(&self) -> Result<Vec<Shard>, PortError> {
        let (mut shards, mut last) = (Vec::new(), None);
        loop {
            let call = self.streams.describe_stream().stream_arn(self.arn().await?).set_exclusive_start_shard_id(last);
            let seen = answered("list the shards of the stream", call.send().await)?.stream_description;
            let Some(seen) = seen else { return Ok(shards) };
            shards.extend(seen.shards.unwrap_or_default());
            last = seen.last_evaluated_shard_id;
            if last.is_none() {
                return Ok(shards);
            }
        }
    }

    async fn iterator(&self, shard: &str, after: Option<&String>) -> Result<Option<String>, PortError> {
        let kind =
            if after.is_some() { ShardIteratorType::AfterSequenceNumber } else { ShardIteratorType::TrimHorizon };
        let call = self.streams.get_shard_iterator().stream_arn(self.arn().await?).shard_id(shard);
        let answer = call.shard_iterator_type(kind).set_sequence_number(after.cloned()).send().await;
        match answer {
            // what follows the place is gone, too: it goes on with what is left
            Err(error) if after.is_some() && is_trimmed(&error) => Box::pin(self.iterator(shard, None)).await,
            answer => Ok(answered("enter a shard of the stream", answer)?.shard_iterator),
        }
    }

    /// Reads on in a shard until it or the limit is reached.
    async fn read_shard(
        &self,
        shard: &str,
        place: &mut Place,
        limit: usize,
        found: &mut Vec<Record>,
    ) -> Result<(), PortError> {
        let mut iterator = self.iterator(shard, place.after.as_ref()).await?;
        let mut empty = 0;
        while let Some(at) = iterator.take() {
            let answer = self.streams.get_records().shard_iterator(at).limit(ENTRIES).send().await;
            let answer = answered("read a shard of the stream", answer)?;
            let entries = answer.records.unwrap_or_default();
            empty = if entries.is_empty() { empty + 1 } else { 0 };
            for entry in entries {
                let Some(change) = entry.dynamodb else { continue };
                let image = change.new_image.map(|image| image.into_iter().map(told).collect::<Item>());
                let records = match image {
                    Some(image) => self.store.records_of_image(image).await?,
                    None => Vec::new(),
                };
                let room = limit.saturating_sub(found.len());
                let left = records.len().saturating_sub(place.taken);
                found.extend(records.into_iter().skip(place.taken).take(room));
                if left > room {
                    place.taken += room;
                    return Ok(());
                }
                (place.after, place.taken) = (change.sequence_number, 0);
            }
            if found.len() >= limit || empty > EMPTY_ANSWERS {
                return Ok(());
            }
            iterator = answer.next_shard_iterator;
        }
        place.over = true;
        Ok(())
    }

    /// Without the records of executions that are gone.
    async fn of_existing(&self, mut records: Vec<Record>) -> Result<Vec<Record>, PortError> {
        let ids: HashSet<_> = records.iter().map(|record| record.execution.clone()).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let roots = self.store.roots_of("look at executions", &ids, &[PK]).await?;
        let there = roots.iter().map(|root| root.parsed(PK)).collect::<Result<HashSet<ExecutionId>, _>>()?;
        records.retain(|record| there.contains(&record.execution));
        Ok(records)
    }
}

#[async_trait]
impl RecordFeed for DynamoRecordFeed {
    async fn read(&self, after: &FeedCursor, limit: usize) -> Result<FeedBatch, PortError> {
        let mut places = places(after)?;
        let shards = self.shards().await?;
        let known: HashSet<_> = shards.iter().filter_map(|shard| shard.shard_id.clone()).collect();
        places.retain(|shard, _| known.contains(shard));
        let mut found = Vec::new();
        for shard in shards {
            let Some(id) = shard.shard_id else { continue };
            let parent = shard.parent_shard_id.filter(|parent| known.contains(parent));
            let waits = parent.is_some_and(|parent| places.get(&parent).is_none_or(|place| !place.over));
            let mut place = places.get(&id).cloned().unwrap_or_default();
            if waits || place.over || found.len() >= limit {
                continue;
            }
            self.read_shard(&id, &mut place, limit, &mut found).await?;
            if place != Place::default() {
                places.insert(id, place);
            }
        }
        let next = if places.is_empty() { FeedCursor::default() } else { FeedCursor(json(&places)?) };
        Ok(FeedBatch { records: self.of_existing(found).await?, next })
    }

    async fn position(&self, reader: &str) -> Result<FeedCursor, PortError> {
        let place = (READERS.to_owned(), reader.to_owned());
        let kept = self.store.table.get("read a position in the record feed", place, &[]).await?;
        Ok(kept.and_then(|kept| kept.text("place").map(|place| FeedCursor(place.to_owned()))).unwrap_or_default())
    }

    async fn advance(&self, reader: &str, to: &FeedCursor) -> Result<(), PortError> {
        places(to)?;
        let mut item = item(READERS, reader);
        item.insert("place".into(), text(&to.0));
        let _: Put = self.store.table.put("keep a position in the record feed", item, Only::Always).await?;
        Ok(())
    }
}

fn is_trimmed(
    error: &aws_sdk_dynamodbstreams::error::SdkError<
        aws_sdk_dynamodbstreams::operation::get_shard_iterator::GetShardIteratorError,
    >,
) -> bool {
    error.as_service_error().is_some_and(|error| error.is_trimmed_data_access_exception())
}

/// An attribute as the table itself would tell it; of kinds that are not stored here, a null.
fn told((name, value): (String, Told)) -> (String, AttributeValue) {
    let value = match value {
        Told::S(text) => AttributeValue::S(text),
        Told::N(number) => AttributeValue::N(number),
        Told::B(bytes) => AttributeValue::B(bytes),
        _ => AttributeValue::Null(true),
    };
    (name, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_a_foreign_one_is_refused() {
        let place = Place { after: Some("100".into()), taken: 2, over: false };
        let all = Places::from([
            ("shard-1".to_owned(), place),
            ("shard-0".to_owned(), Place { over: true, ..Place::default() }),
        ]);
        let cursor = FeedCursor(json(&all).unwrap());
        assert_eq!(places(&cursor).unwrap(), all);
        assert_eq!(places(&FeedCursor::default()).unwrap(), Places::new());
        for foreign in ["x", "-1", "{\"a\":1}", "{\"a\":{\"b\":1}}"] {
            assert!(places(&FeedCursor(foreign.into())).is_err(), "{foreign}");
        }
    }
}
