//! The calls that the store makes, on one table. Reads are strongly consistent, except those of an index, which cannot be.

use std::time::Duration;

use assay_app::ports::PortError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeValue, DeleteRequest, KeysAndAttributes, ReturnValuesOnConditionCheckFailure, WriteRequest,
};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::error::answered;
use super::item::{Item, number, text};
use super::keys::{PK, SK};

/// Items read by one call.
const READ_AT_ONCE: usize = 100;
/// Items removed by one call.
const REMOVED_AT_ONCE: usize = 25;
/// Calls at once where many are made.
pub(super) const AT_ONCE: usize = 16;
/// Rounds for what a throttled table has left undone.
const ROUNDS: u32 = 8;
/// Before the first of these; doubled before each other.
const PAUSE: Duration = Duration::from_millis(50);

/// The partition and sort key of an item.
pub(super) type Key = (String, String);

/// A table under its name.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) name: String,
}

/// When an item may be put.
pub(super) enum Only<'a> {
    /// Always.
    Always,
    /// There is none under its key.
    Absent,
    /// This attribute of the one that is there has this number.
    At(&'a str, u64),
    /// There is none under its key, or this attribute of it has a lower number.
    Newer(&'a str, u64),
}

/// What came of putting an item.
#[must_use]
pub(super) enum Put {
    /// It is there.
    Done,
    /// It was not allowed: this is what is there, if anything is.
    Refused(Option<Item>),
}

/// What a query asks for.
pub(super) struct Ask<'a> {
    /// An index, with the names of its keys; none: the table itself.
    pub(super) index: Option<&'a super::tables::IndexSchema>,
    pub(super) partition: String,
    /// The condition on the sort key.
    pub(super) sort: Sort,
    pub(super) forward: bool,
    pub(super) limit: Option<usize>,
    /// Only these attributes; empty: all that are there.
    pub(super) only: &'a [&'a str],
}

/// A condition on a sort key.
pub(super) enum Sort {
    Any,
    BeginsWith(&'static str),
    Before(String),
    /// Both ends are in.
    Between(String, String),
}

/// A page of a query.
pub(super) struct Answer {
    pub(super) items: Vec<Item>,
    /// Where to go on.
    pub(super) next: Option<Item>,
}

impl Table {
    /// An item, or these attributes of it.
    pub(super) async fn get(&self, doing: &str, key: Key, only: &[&str]) -> Result<Option<Item>, PortError> {
        let call = self.client.get_item().table_name(&self.name).consistent_read(true);
        let mut call = call.key(PK, text(key.0)).key(SK, text(key.1));
        for (number, name) in only.iter().enumerate() {
            call = call.expression_attribute_names(format!("#{number}"), *name);
        }
        let call = call.set_projection_expression((!only.is_empty()).then(|| projection(only.len())));
        Ok(answered(doing, call.send().await)?.item)
    }

    /// Those of these items that are there, in any order.
    pub(super) async fn get_all(&self, doing: &str, keys: Vec<Key>, only: &[&str]) -> Result<Vec<Item>, PortError> {
        let some: Vec<Vec<Key>> = keys.chunks(READ_AT_ONCE).map(<[Key]>::to_vec).collect();
        let gets: Vec<_> = some.into_iter().map(|some| self.get_some(doing, some, only)).collect();
        stream::iter(gets).buffer_unordered(AT_ONCE).try_concat().await
    }

    async fn get_some(&self, doing: &str, keys: Vec<Key>, only: &[&str]) -> Result<Vec<Item>, PortError> {
        let keys = keys.into_iter().map(|(partition, sort)| super::item::item(partition, sort)).collect();
        let wanted = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys));
        let names = only.iter().enumerate().map(|(number, name)| (format!("#{number}"), (*name).to_owned())).collect();
        let wanted = wanted
            .set_expression_attribute_names((!only.is_empty()).then_some(names))
            .set_projection_expression((!only.is_empty()).then(|| projection(only.len())));
        let mut wanted = Some(wanted.build().map_err(|error| wrong(doing, error))?);
        let mut found = Vec::new();
        for round in 0..ROUNDS {
            let Some(asked) = wanted.take() else { return Ok(found) };
            rest(round).await;
            let call = self.client.batch_get_item().request_items(&self.name, asked);
            let answer = answered(doing, call.send().await)?;
            found.extend(answer.responses.unwrap_or_default().into_values().flatten());
            wanted = answer.unprocessed_keys.and_then(|left| left.into_values().next());
        }
        wanted.map_or(Ok(found), |_| Err(PortError::retry(format!("{doing}: the table is throttled"))))
    }

    /// Puts an item if it may.
    pub(super) async fn put(&self, doing: &str, item: Item, only: Only<'_>) -> Result<Put, PortError> {
        let call = self.client.put_item().table_name(&self.name).set_item(Some(item));
        let call = match only {
            Only::Always => call,
            Only::Absent => call.condition_expression(format!("attribute_not_exists({PK})")),
            Only::At(name, value) => call
                .condition_expression("#at = :at")
                .expression_attribute_names("#at", name)
                .expression_attribute_values(":at", number(value)),
            Only::Newer(name, value) => call
                .condition_expression(format!("attribute_not_exists({PK}) OR #at < :at"))
                .expression_attribute_names("#at", name)
                .expression_attribute_values(":at", number(value)),
        };
        let call = call.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let error = match call.send().await {
            Ok(_) => return Ok(Put::Done),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(refused)) => {
                Ok(Put::Refused(refused.item.clone().filter(|item| !item.is_empty())))
            }
            _ => answered(doing, Err(error)),
        }
    }

    /// A page of a query, from this place on.
    pub(super) async fn ask(&self, doing: &str, ask: &Ask<'_>, from: Option<Item>) -> Result<Answer, PortError> {
        let (partition, sort) = ask.index.map_or((PK, Some(SK)), |index| (index.key.partition, index.key.sort));
        let (condition, values) = ask.sort.written();
        let mut call = self
            .client
            .query()
            .table_name(&self.name)
            .set_index_name(ask.index.map(|index| index.name.to_owned()))
            .set_consistent_read(ask.index.is_none().then_some(true))
            .key_condition_expression(format!("#p = :p{condition}"))
            .expression_attribute_names("#p", partition)
            .expression_attribute_values(":p", text(&ask.partition))
            .scan_index_forward(ask.forward)
            .set_limit(ask.limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)))
            .set_exclusive_start_key(from);
        if let (Some(sort), false) = (sort, values.is_empty()) {
            call = call.expression_attribute_names("#s", sort);
        }
        for (name, value) in values {
            call = call.expression_attribute_values(name, value);
        }
        for (number, name) in ask.only.iter().enumerate() {
            call = call.expression_attribute_names(format!("#{number}"), *name);
        }
        let call = call.set_projection_expression((!ask.only.is_empty()).then(|| projection(ask.only.len())));
        let answer = answered(doing, call.send().await)?;
        let next = answer.last_evaluated_key.filter(|key| !key.is_empty());
        Ok(Answer { items: answer.items.unwrap_or_default(), next })
    }

    /// Every item that a query finds.
    pub(super) async fn ask_all(&self, doing: &str, ask: &Ask<'_>) -> Result<Vec<Item>, PortError> {
        let mut answer = self.ask(doing, ask, None).await?;
        let mut found = answer.items;
        while let Some(from) = answer.next {
            answer = self.ask(doing, ask, Some(from)).await?;
            found.append(&mut answer.items);
        }
        Ok(found)
    }

    /// Removes items, whether they are there or not.
    pub(super) async fn remove_all(&self, doing: &str, keys: Vec<Key>) -> Result<(), PortError> {
        let some: Vec<Vec<Key>> = keys.chunks(REMOVED_AT_ONCE).map(<[Key]>::to_vec).collect();
        let removals: Vec<_> = some.into_iter().map(|some| self.remove_some(doing, some)).collect();
        stream::iter(removals).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn remove_some(&self, doing: &str, keys: Vec<Key>) -> Result<(), PortError> {
        let request = |(partition, sort): Key| {
            let delete = DeleteRequest::builder().set_key(Some(super::item::item(partition, sort))).build()?;
            Ok(WriteRequest::builder().delete_request(delete).build())
        };
        let requests = keys.into_iter().map(request).collect::<Result<Vec<_>, _>>();
        let mut left = requests.map_err(|error: BuildError| wrong(doing, error))?;
        for round in 0..ROUNDS {
            if left.is_empty() {
                return Ok(());
            }
            rest(round).await;
            let call = self.client.batch_write_item().request_items(&self.name, left);
            let answer = answered(doing, call.send().await)?;
            left = answer.unprocessed_items.unwrap_or_default().into_values().next().unwrap_or_default();
        }
        if left.is_empty() { Ok(()) } else { Err(PortError::retry(format!("{doing}: the table is throttled"))) }
    }
}

/// Before a round: nothing before the first.
async fn rest(round: u32) {
    if round > 0 {
        tokio::time::sleep(PAUSE * 2_u32.pow(round - 1)).await;
    }
}

fn projection(count: usize) -> String {
    (0..count).map(|number| format!("#{number}")).collect::<Vec<_>>().join(", ")
}

fn wrong(doing: &str, error: BuildError) -> PortError {
    PortError::bug(doing.to_owned()).because(error)
}

impl Sort {
    fn written(&self) -> (&'static str, Vec<(&'static str, AttributeValue)>) {
        match self {
            Self::Any => ("", Vec::new()),
            Self::BeginsWith(begin) => (" AND begins_with(#s, :a)", vec![(":a", text(*begin))]),
            Self::Before(key) => (" AND #s < :a", vec![(":a", text(key))]),
            Self::Between(from, to) => (" AND #s BETWEEN :a AND :b", vec![(":a", text(from)), (":b", text(to))]),
        }
    }
}
