//! Claims: each is read, judged by the rules that every store shares, and written back.

use assay_app::ports::{ClaimKey, Owner, PortError};
use assay_engine::execution::Event;
use assay_engine::id::ExecutionId;
use assay_engine::job::Fence;
use rusqlite::{Row, Transaction, params};

use super::rows::{Statements as _, instant, json, json_or_none, nanos, parsed, plain, text};
use crate::claim::{Stage, StoredClaim, View};

const COLUMNS: &str = "c.stage, c.process, c.delivery, c.lease_until, c.stop, c.report, c.job";

fn stage(number: i64) -> Stage {
    match number {
        0 => Stage::Awaited,
        1 => Stage::Held,
        _ => Stage::Done,
    }
}

/// What stands in the column; settled ones stand in a table of their own.
fn number(stage: Stage) -> Option<i64> {
    match stage {
        Stage::Awaited => Some(0),
        Stage::Held => Some(1),
        Stage::Done => Some(2),
        Stage::Settled => None,
    }
}

/// The columns of [`COLUMNS`], from this one on.
fn stored(row: &Row<'_>, from: usize) -> Result<StoredClaim, PortError> {
    let owner = match (plain::<Option<String>>(row, from + 1)?, plain::<Option<String>>(row, from + 2)?) {
        (Some(process), Some(delivery)) => Some(Owner { process, delivery }),
        _ => None,
    };
    Ok(StoredClaim {
        stage: stage(plain(row, from)?),
        owner,
        lease_until: instant(plain(row, from + 3)?),
        stop: plain(row, from + 4)?,
        report: json_or_none(row, from + 5, "report of a claim")?,
        job: json_or_none(row, from + 6, "job of a claim")?,
    })
}

fn read(transaction: &Transaction<'_>, execution: i64, fence: &str) -> Result<Option<StoredClaim>, PortError> {
    let sql = format!("SELECT {COLUMNS} FROM claims c WHERE c.execution = ?1 AND c.fence = ?2");
    let open = transaction.one(&sql, params![execution, fence], |row| stored(row, 0))?;
    if open.is_some() {
        return Ok(open);
    }
    let sql = "SELECT 1 FROM settled_claims WHERE execution = ?1 AND fence = ?2";
    transaction.one(sql, params![execution, fence], |_| Ok(StoredClaim::settled()))
}

fn write(transaction: &Transaction<'_>, execution: i64, fence: &str, claim: &StoredClaim) -> Result<(), PortError> {
    let Some(stage) = number(claim.stage) else {
        let settled = "INSERT INTO settled_claims (execution, fence) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        transaction.change("DELETE FROM claims WHERE execution = ?1 AND fence = ?2", params![execution, fence])?;
        return transaction.change(settled, params![execution, fence]).map(drop);
    };
    transaction.change(
        "INSERT INTO claims (execution, fence, stage, process, delivery, lease_until, stop, report, job)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (execution, fence) DO UPDATE SET
         stage = excluded.stage, process = excluded.process, delivery = excluded.delivery,
         lease_until = excluded.lease_until, stop = excluded.stop, report = excluded.report, job = excluded.job",
        params![
            execution,
            fence,
            stage,
            claim.owner.as_ref().map(|owner| owner.process.as_str()),
            claim.owner.as_ref().map(|owner| owner.delivery.as_str()),
            nanos(claim.lease_until),
            claim.stop,
            claim.report.as_ref().map(text).transpose()?,
            claim.job.as_ref().map(text).transpose()?,
        ],
    )?;
    Ok(())
}

/// The number of an execution that has not ended.
fn unfinished(transaction: &Transaction<'_>, id: &ExecutionId) -> Result<Option<i64>, PortError> {
    transaction.one("SELECT n FROM executions WHERE id = ?1 AND ended_at IS NULL", [id.as_str()], |row| plain(row, 0))
}

fn number_of(transaction: &Transaction<'_>, id: &ExecutionId) -> Result<Option<i64>, PortError> {
    transaction.one("SELECT n FROM executions WHERE id = ?1", [id.as_str()], |row| plain(row, 0))
}

/// Judges a claim of an unfinished execution, and keeps what has changed. None: there is no such execution.
pub(super) fn judge<T>(
    transaction: &Transaction<'_>,
    key: &ClaimKey,
    judge: impl FnOnce(Option<StoredClaim>) -> (T, Option<StoredClaim>),
) -> Result<Option<T>, PortError> {
    let Some(execution) = unfinished(transaction, &key.execution)? else { return Ok(None) };
    let fence = text(&key.fence)?;
    let (answer, changed) = judge(read(transaction, execution, &fence)?);
    if let Some(changed) = changed {
        write(transaction, execution, &fence, &changed)?;
    }
    Ok(Some(answer))
}

/// Changes a claim that is there, also of an execution that has ended; `act` says whether to keep the change.
pub(super) fn change<T>(
    transaction: &Transaction<'_>,
    key: &ClaimKey,
    act: impl FnOnce(&mut StoredClaim) -> (T, bool),
) -> Result<Option<T>, PortError> {
    let Some(execution) = number_of(transaction, &key.execution)? else { return Ok(None) };
    let fence = text(&key.fence)?;
    let Some(mut claim) = read(transaction, execution, &fence)? else { return Ok(None) };
    let (answer, changed) = act(&mut claim);
    if changed {
        write(transaction, execution, &fence, &claim)?;
    }
    Ok(Some(answer))
}

/// Settles a claim, whether anybody has made it or not.
pub(super) fn settle(transaction: &Transaction<'_>, execution: i64, fence: &Fence) -> Result<(), PortError> {
    write(transaction, execution, &text(fence)?, &StoredClaim::settled())
}

pub(super) fn settle_all(transaction: &Transaction<'_>, keys: &[ClaimKey]) -> Result<(), PortError> {
    for key in keys {
        if let Some(execution) = number_of(transaction, &key.execution)? {
            settle(transaction, execution, &key.fence)?;
        }
    }
    Ok(())
}

/// Open claims of unfinished executions whose lease is over, soonest over first.
pub(super) fn expired(
    transaction: &Transaction<'_>,
    view: &View<'_>,
    of: Option<&[ExecutionId]>,
    limit: usize,
) -> Result<Vec<(ClaimKey, Option<Event>)>, PortError> {
    let mut found = Vec::new();
    let mut look = |row: &Row<'_>| {
        let claim = stored(row, 2)?;
        if claim.over(view) {
            let key = ClaimKey { execution: parsed(row, 0, "execution id")?, fence: json(row, 1, "fence of a claim")? };
            found.push((claim.lease_until, key, claim.report.map(|report| *report)));
        }
        // what is over by time comes first; a dead owner's lease may be anywhere
        Ok(true)
    };
    let open = format!(
        "SELECT e.id, c.fence, {COLUMNS} FROM claims c JOIN executions e ON e.n = c.execution
         WHERE c.stage IN (1, 2) AND e.ended_at IS NULL"
    );
    match of {
        None => transaction.each(&open, [], look)?,
        Some(ids) => {
            let open = format!("{open} AND e.id = ?1");
            ids.iter().try_for_each(|id| transaction.each(&open, [id.as_str()], &mut look))?;
        }
    }
    found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    Ok(found.into_iter().take(limit).map(|(_, key, report)| (key, report)).collect())
}
