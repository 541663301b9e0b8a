//! Creating, loading and saving: what happens at every transition.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assay_app::ports::{Loaded, NewExecution, PortError, Save, Saved};
use assay_engine::execution::{Head, Part, PartId};
use assay_engine::id::{ExecutionId, OrganizationId};
use assay_engine::record::{Record, What};
use assay_engine::status::ExecutionStatus;
use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::rows::{Statements as _, instant, json, nanos, parsed, plain, text};
use crate::lifetime;

/// What is written, as text: made before the file is locked, so that others need not wait for it.
pub(super) struct Texts {
    head: String,
    parts: Vec<(String, String)>,
    records: Vec<(u64, String)>,
}

impl Texts {
    pub(super) fn of(head: &Head, parts: &BTreeMap<PartId, Part>, records: &[Arc<Record>]) -> Result<Self, PortError> {
        let part = |(id, part): (&PartId, &Part)| Ok((id.to_string(), text(part)?));
        let record = |record: &Arc<Record>| Ok((record.seq, text(record)?));
        Ok(Self {
            head: text(head)?,
            parts: parts.iter().map(part).collect::<Result<_, PortError>>()?,
            records: records.iter().map(record).collect::<Result<_, PortError>>()?,
        })
    }
}

pub(super) fn create(transaction: &Transaction<'_>, new: &NewExecution, texts: &Texts) -> Result<bool, PortError> {
    let head = &new.head;
    lifetime::check_numbers(0, &head.id, &new.records)?;
    let created = transaction.change(
        "INSERT INTO executions (id, version, last_seq, head, status, due, ended_at, organization, project, flow,
         flow_version, parent, created_at, labels)
         VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (id) DO NOTHING",
        params![
            head.id.as_str(),
            new.records.len() as i64,
            texts.head,
            head.status.word(),
            lifetime::first_due(head, new.due).map(nanos),
            lifetime::ended_at(head).map(nanos),
            head.organization.as_str(),
            head.project.as_str(),
            head.flow,
            head.flow_version.as_str(),
            head.parent.as_ref().map(|parent| parent.execution.as_str()),
            nanos(head.created_at),
            text(&new.labels)?,
        ],
    )?;
    if created == 0 {
        return Ok(false);
    }
    put_texts(transaction, transaction.last_insert_rowid(), texts)?;
    Ok(true)
}

fn put_texts(transaction: &Transaction<'_>, number: i64, texts: &Texts) -> Result<(), PortError> {
    for (id, state) in &texts.parts {
        transaction.change(
            "INSERT INTO parts (execution, part, state) VALUES (?1, ?2, ?3)
             ON CONFLICT (execution, part) DO UPDATE SET state = excluded.state",
            params![number, id, state],
        )?;
    }
    for (seq, record) in &texts.records {
        transaction.change(
            "INSERT INTO records (execution, seq, record) VALUES (?1, ?2, ?3)",
            params![number, *seq as i64, record],
        )?;
    }
    Ok(())
}

/// The head, and what follows from it, without parts.
fn load_head(transaction: &Transaction<'_>, id: &ExecutionId) -> Result<Option<(i64, Loaded)>, PortError> {
    transaction.one("SELECT n, version, head FROM executions WHERE id = ?1", [id.as_str()], |row| {
        let head: Head = json(row, 2, "head of an execution")?;
        let version = plain::<i64>(row, 1)?.unsigned_abs();
        Ok((plain(row, 0)?, Loaded { head, version, parts: BTreeMap::new(), absent: BTreeSet::new() }))
    })
}

pub(super) fn load(
    transaction: &Transaction<'_>,
    id: &ExecutionId,
    parts: &[PartId],
) -> Result<Option<Loaded>, PortError> {
    let Some((number, mut loaded)) = load_head(transaction, id)? else { return Ok(None) };
    for part in parts {
        let state = transaction.one(
            "SELECT state FROM parts WHERE execution = ?1 AND part = ?2",
            params![number, part.to_string()],
            |row| json(row, 0, "part of an execution"),
        )?;
        match state {
            Some(state) => drop(loaded.parts.insert(*part, state)),
            None => drop(loaded.absent.insert(*part)),
        }
    }
    Ok(Some(loaded))
}

pub(super) fn load_whole(transaction: &Transaction<'_>, id: &ExecutionId) -> Result<Option<Loaded>, PortError> {
    let Some((number, mut loaded)) = load_head(transaction, id)? else { return Ok(None) };
    transaction.each("SELECT part, state FROM parts WHERE execution = ?1", [number], |row| {
        loaded.parts.insert(parsed(row, 0, "name of a part")?, json(row, 1, "part of an execution")?);
        Ok(true)
    })?;
    Ok(Some(loaded))
}

/// The stored number, version and last record of an execution.
fn standing(transaction: &Transaction<'_>, id: &ExecutionId) -> Result<Option<(i64, u64, u64)>, PortError> {
    transaction.one("SELECT n, version, last_seq FROM executions WHERE id = ?1", [id.as_str()], |row| {
        Ok((plain(row, 0)?, plain::<i64>(row, 1)?.unsigned_abs(), plain::<i64>(row, 2)?.unsigned_abs()))
    })
}

pub(super) fn save(transaction: &Transaction<'_>, save: &Save, texts: &Texts) -> Result<Saved, PortError> {
    let head = &save.head;
    let Some((number, version, last_seq)) = standing(transaction, &head.id)? else { return Ok(Saved::Conflict) };
    if version != save.expected {
        return Ok(Saved::Conflict);
    }
    lifetime::check_numbers(last_seq, &head.id, &save.records)?;
    let last_seq = last_seq + save.records.len() as u64;
    let values = params![version as i64 + 1, last_seq as i64, texts.head, number];
    transaction.change("UPDATE executions SET version = ?1, last_seq = ?2, head = ?3 WHERE n = ?4", values)?;
    put_standing(transaction, number, head, save.due)?;
    put_texts(transaction, number, texts)?;
    for key in &save.settled {
        super::claims::settle(transaction, number, &key.fence)?;
    }
    Ok(Saved::Version(version + 1))
}

/// What has an index; it seldom changes, and naming it in a change would write its index each time.
fn put_standing(
    transaction: &Transaction<'_>,
    number: i64,
    head: &Head,
    due: Option<Timestamp>,
) -> Result<(), PortError> {
    transaction.change(
        "UPDATE executions SET status = ?1, ended_at = ?2, due = ?3
         WHERE n = ?4 AND (status <> ?1 OR ended_at IS NOT ?2 OR due IS NOT ?3)",
        params![
            head.status.word(),
            lifetime::ended_at(head).map(nanos),
            lifetime::next_due(head, due).map(nanos),
            number
        ],
    )?;
    Ok(())
}

pub(super) fn set_aside(
    transaction: &Transaction<'_>,
    id: &ExecutionId,
    closing: What,
    now: Timestamp,
) -> Result<Option<OrganizationId>, PortError> {
    let open = transaction.one(
        "SELECT n, last_seq, organization, head FROM executions WHERE id = ?1 AND ended_at IS NULL",
        [id.as_str()],
        |row| {
            // the head may be unreadable: that is why it is set aside
            let head = json::<Head>(row, 3, "head").ok();
            Ok((plain::<i64>(row, 0)?, plain::<i64>(row, 1)?, parsed::<OrganizationId>(row, 2, "organization")?, head))
        },
    )?;
    let Some((number, last_seq, organization, head)) = open else { return Ok(None) };
    let last = transaction.one(
        "SELECT json_extract(record, '$.at') FROM records WHERE execution = ?1 AND seq = ?2",
        [number, last_seq],
        |row| Ok(parsed::<Timestamp>(row, 0, "time of a record").ok()),
    )?;
    let at = last.flatten().map_or(now, |last| last.max(now));
    let record = Record { execution: id.clone(), seq: last_seq.unsigned_abs() + 1, at, what: closing };
    transaction.change(
        "UPDATE executions SET version = version + 1, last_seq = ?1, status = ?2, ended_at = ?3, due = NULL WHERE n = ?4",
        params![last_seq + 1, ExecutionStatus::Errored.word(), nanos(at), number],
    )?;
    if let Some(mut head) = head {
        lifetime::set_aside(&mut head, record.seq, at);
        transaction.change("UPDATE executions SET head = ?1 WHERE n = ?2", params![text(&head)?, number])?;
    }
    let texts = Texts { head: String::new(), parts: Vec::new(), records: vec![(record.seq, text(&record)?)] };
    put_texts(transaction, number, &texts)?;
    Ok(Some(organization))
}

pub(super) fn records(
    transaction: &Transaction<'_>,
    id: &ExecutionId,
    after: u64,
    limit: usize,
) -> Result<Vec<Record>, PortError> {
    let mut records = Vec::new();
    transaction.each(
        "SELECT r.record FROM executions e JOIN records r ON r.execution = e.n
         WHERE e.id = ?1 AND r.seq > ?2 ORDER BY r.seq LIMIT ?3",
        params![id.as_str(), i64::try_from(after).unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX)],
        |row| {
            records.push(json(row, 0, "record")?);
            Ok(true)
        },
    )?;
    Ok(records)
}

/// When it ended, as the column says.
pub(super) fn ended(row: &rusqlite::Row<'_>, column: usize) -> Result<Option<Timestamp>, PortError> {
    Ok(plain::<Option<i64>>(row, column)?.map(instant))
}
