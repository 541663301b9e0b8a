//! Lists, and what is due.

use std::collections::BTreeMap;

use assay_app::ports::{Due, ExecutionFilter, ExecutionSummary, Page, PortError};
use assay_engine::id::ExecutionId;
use assay_engine::status::ExecutionStatus;
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Row, Transaction, params, params_from_iter};

use super::executions::ended;
use super::rows::{Statements as _, instant, json, nanos, parsed, plain};
use crate::list_cursor;

const STATUSES: [ExecutionStatus; 7] = [
    ExecutionStatus::Queued,
    ExecutionStatus::Running,
    ExecutionStatus::Passed,
    ExecutionStatus::Failed,
    ExecutionStatus::Errored,
    ExecutionStatus::Cancelled,
    ExecutionStatus::TimedOut,
];

/// A query that grows by conditions.
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// `?` in the condition is the value.
    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(if self.values.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(condition);
        self.values.extend(values);
    }
}

fn word(text: impl ToString) -> Value {
    Value::Text(text.to_string())
}

pub(super) fn list(transaction: &Transaction<'_>, filter: &ExecutionFilter) -> Result<Page, PortError> {
    let columns = "SELECT id, flow, status, created_at, ended_at, parent, labels FROM executions";
    let mut query = Conditions { sql: columns.into(), values: Vec::new() };
    query.and("created_at <= ?", [Value::Integer(i64::MAX)]);
    if let Some(after) = &filter.after {
        let (at, id) = list_cursor::read(after)?;
        query.and("(created_at, id) < (?, ?)", [Value::Integer(nanos(at)), word(id)]);
    }
    if let Some(organization) = &filter.organization {
        query.and("organization = ?", [word(organization)]);
    }
    if let Some(project) = &filter.project {
        query.and("project = ?", [word(project)]);
    }
    if let Some(flow) = &filter.flow {
        query.and("flow = ?", [word(flow)]);
    }
    if !filter.status.is_empty() {
        let marks = vec!["?"; filter.status.len()].join(", ");
        query.and(&format!("status IN ({marks})"), filter.status.iter().map(|status| word(status.word())));
    }
    if !filter.children {
        query.sql.push_str(" AND parent IS NULL");
    }
    for (name, value) in &filter.labels {
        let has = "EXISTS (SELECT 1 FROM json_each(labels) WHERE key = ? AND value = ?)";
        query.and(has, [word(name), word(value)]);
    }
    // one more, to know whether the list goes on
    query
        .sql
        .push_str(&format!(" ORDER BY created_at DESC, id DESC LIMIT {}", list_cursor::page_size(filter.limit) + 1));
    let mut found = Vec::new();
    transaction.each(&query.sql, params_from_iter(query.values), |row| {
        found.push(summary(row)?);
        Ok(true)
    })?;
    Ok(list_cursor::page(found, filter.limit))
}

fn summary(row: &Row<'_>) -> Result<ExecutionSummary, PortError> {
    let status: String = plain(row, 2)?;
    let known = STATUSES.into_iter().find(|known| known.word() == status);
    let parent = plain::<Option<String>>(row, 5)?.map(|_| parsed(row, 5, "parent of an execution")).transpose()?;
    Ok(ExecutionSummary {
        id: parsed(row, 0, "execution id")?,
        flow: plain(row, 1)?,
        status: known.ok_or_else(|| PortError::bug(format!("read the stored status `{status}`")))?,
        created_at: instant(plain(row, 3)?),
        ended_at: ended(row, 4)?,
        parent,
        labels: json::<BTreeMap<String, String>>(row, 6, "labels of an execution")?,
    })
}

pub(super) fn due(
    transaction: &Transaction<'_>,
    now: Timestamp,
    of: Option<&[ExecutionId]>,
    limit: usize,
) -> Result<Vec<Due>, PortError> {
    let mut found = Vec::new();
    let mut look = |row: &Row<'_>| {
        found.push(Due { execution: parsed(row, 0, "execution id")?, at: instant(plain(row, 1)?) });
        Ok(true)
    };
    let now = nanos(now);
    match of {
        None => {
            let values = params![now, i64::try_from(limit).unwrap_or(i64::MAX)];
            transaction.each(
                "SELECT id, due FROM executions WHERE due <= ?1 ORDER BY due, id LIMIT ?2",
                values,
                look,
            )?;
        }
        Some(ids) => {
            let one = "SELECT id, due FROM executions WHERE id = ?1 AND due <= ?2";
            ids.iter().try_for_each(|id| transaction.each(one, params![id.as_str(), now], &mut look))?;
        }
    }
    found.sort_by(|a, b| (a.at, &a.execution).cmp(&(b.at, &b.execution)));
    found.truncate(limit);
    Ok(found)
}
