//! Taking old executions out.

use std::collections::BTreeSet;

use assay_app::ports::PortError;
use assay_engine::id::{ExecutionId, OrganizationId};
use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::flow_versions::UNUSED;
use super::rows::{Statements as _, nanos, parsed, plain};

/// Executions in one transaction: others wait no longer than for these.
pub(super) const AT_ONCE: usize = 20;

pub(super) fn prunable(
    transaction: &Transaction<'_>,
    ended_before: Timestamp,
    keep: usize,
    limit: usize,
) -> Result<Vec<(OrganizationId, ExecutionId)>, PortError> {
    let mut tops: Vec<ExecutionId> = Vec::new();
    transaction.each(
        "SELECT id FROM (SELECT id, ended_at FROM executions WHERE ended_at IS NOT NULL AND parent IS NULL
         ORDER BY ended_at DESC, id DESC LIMIT -1 OFFSET ?1) WHERE ended_at < ?2 ORDER BY ended_at, id",
        params![i64::try_from(keep).unwrap_or(i64::MAX), nanos(ended_before)],
        |row| {
            tops.push(parsed(row, 0, "execution id")?);
            Ok(true)
        },
    )?;
    let (mut found, mut families) = (Vec::new(), 0);
    for top in tops {
        if families == limit {
            break;
        }
        if let Some(family) = family(transaction, &top)? {
            found.extend(family);
            families += 1;
        }
    }
    Ok(found)
}

/// The execution with its sub-flows of all levels, if all have ended.
fn family(
    transaction: &Transaction<'_>,
    top: &ExecutionId,
) -> Result<Option<Vec<(OrganizationId, ExecutionId)>>, PortError> {
    let (mut family, mut ended) = (Vec::new(), true);
    transaction.each(
        "WITH RECURSIVE family (id, level) AS (
           VALUES (?1, 0) UNION ALL SELECT e.id, level + 1 FROM family f JOIN executions e ON e.parent = f.id
         ) SELECT e.organization, e.id, e.ended_at IS NOT NULL FROM family f JOIN executions e ON e.id = f.id
         ORDER BY f.level, e.created_at, e.id",
        [top.as_str()],
        |row| {
            family.push((parsed(row, 0, "organization")?, parsed(row, 1, "execution id")?));
            ended &= plain::<bool>(row, 2)?;
            Ok(ended)
        },
    )?;
    Ok(ended.then_some(family))
}

pub(super) fn remove(transaction: &Transaction<'_>, ids: &[ExecutionId], now: Timestamp) -> Result<(), PortError> {
    mark_feed(transaction)?;
    let mut flow_versions = BTreeSet::new();
    for id in ids {
        let known = transaction.one("SELECT n, flow_version FROM executions WHERE id = ?1", [id.as_str()], |row| {
            Ok((plain::<i64>(row, 0)?, plain::<String>(row, 1)?))
        })?;
        let Some((number, flow_version)) = known else { continue };
        flow_versions.insert(flow_version);
        transaction.change("DELETE FROM parts WHERE execution = ?1", [number])?;
        transaction.change("DELETE FROM records WHERE execution = ?1", [number])?;
        transaction.change("DELETE FROM claims WHERE execution = ?1", [number])?;
        transaction.change("DELETE FROM settled_claims WHERE execution = ?1", [number])?;
        transaction.change("DELETE FROM executions WHERE n = ?1", [number])?;
    }
    let unused_since = nanos(now.checked_sub(UNUSED).unwrap_or(Timestamp::MIN));
    for flow_version in flow_versions {
        transaction.change(
            "DELETE FROM flow_versions WHERE id = ?1 AND put_at < ?2
             AND NOT EXISTS (SELECT 1 FROM executions WHERE flow_version = ?1)",
            params![flow_version, unused_since],
        )?;
    }
    Ok(())
}

/// Takes the next number of the feed, so that no later record gets one that a reader has passed.
fn mark_feed(transaction: &Transaction<'_>) -> Result<(), PortError> {
    transaction.change("DELETE FROM records WHERE execution = 0 AND n < (SELECT max(n) FROM records)", [])?;
    transaction.change(
        "INSERT INTO records (n, execution, seq, record)
         SELECT coalesce(max(n), 0) + 1, 0, coalesce(max(n), 0) + 1, '' FROM records",
        [],
    )?;
    Ok(())
}
