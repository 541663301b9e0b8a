//! The port over the database.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use assay_app::ports::{
    AdmissionState, Claim, ClaimKey, Clock, Due, ExecutionFilter, ExecutionStore, Failing, Loaded, NewExecution, Owner,
    Page, PortError, PortErrorClass, Renewal, Save, Saved,
};
use assay_engine::bundle::Bundle;
use assay_engine::execution::{Event, PartId};
use assay_engine::id::{ExecutionId, FlowVersionId, OrganizationId};
use assay_engine::job::Job;
use assay_engine::record::{Record, What};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::database::{Access, Database, StoreOptions};
use super::executions::Texts;
use super::flow_versions::{self, Remembered};
use super::owners::Owners;
use super::rows::{Statements as _, json, plain, text};
use super::{claims, executions, listing, removal};
use crate::claim::{StoredClaim, View};
use crate::lifetime::later;

/// Executions in a SQLite file. It is its own [`assay_app::ports::RecordFeed`] too.
///
/// Calls block for as long as one small transaction takes, some ten microseconds, which is less than it would take to
/// hand them to another thread; lists and removals are handed over.
pub struct SqliteExecutionStore {
    clock: Arc<dyn Clock>,
    pub(super) database: Arc<Database>,
    owners: Arc<Owners>,
    remembered: Remembered,
}

impl SqliteExecutionStore {
    /// Opens the store in this folder, and makes what is missing. Leases use this clock.
    ///
    /// # Errors
    /// When the folder cannot be made or written, or the file is damaged, another program's, or a newer program's.
    pub fn open(folder: &Path, options: StoreOptions, clock: Arc<dyn Clock>) -> Result<Self, PortError> {
        let entered = Database::open(folder, options).and_then(|database| Ok((database, Owners::enter(folder)?)));
        let (database, owners) = match entered {
            Err(refused) if options.access == Access::Look && refused.class != PortErrorClass::Bug => {
                // when it cannot be read either, the first reason is the one to tell
                let database = Database::open_to_read(folder).map_err(|_| refused)?;
                (database, Owners::watch(folder))
            }
            entered => entered?,
        };
        Ok(Self { clock, database: Arc::new(database), owners: Arc::new(owners), remembered: Remembered::default() })
    }

    /// The name of this opening of the store, for [`Owner::process`]. What such an owner holds is over as soon as this
    /// is dropped or its process ends, however it ends.
    #[must_use]
    pub fn process(&self) -> &str {
        self.owners.name()
    }

    /// Changes a claim by the rules that every store shares, as they see it now. None: there is no such claim, or no
    /// such execution.
    async fn change_claim<T: Send + 'static>(
        &self,
        doing: &'static str,
        key: &ClaimKey,
        change: impl FnOnce(&mut StoredClaim, &View<'_>) -> (T, bool) + Send + 'static,
    ) -> Result<Option<T>, PortError> {
        let (now, owners, key) = (self.clock.now(), Arc::clone(&self.owners), key.clone());
        let changed = self.database.write(doing, move |transaction| {
            let view = View { now, lives: &|process| owners.lives(process) };
            claims::change(transaction, &key, |claim| change(claim, &view))
        });
        changed.await
    }

    /// Hands something long to a thread that may wait.
    async fn apart<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Database) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let database = Arc::clone(&self.database);
        let done = tokio::task::spawn_blocking(move || act(&database)).await;
        done.map_err(|error| PortError::bug("finish a long query").because(error))?
    }
}

#[async_trait]
impl ExecutionStore for SqliteExecutionStore {
    async fn now(&self) -> Result<Timestamp, PortError> {
        Ok(self.clock.now())
    }

    fn failing(&self) -> Option<Failing> {
        self.database.failing()
    }

    async fn put_flow_version(&self, id: &FlowVersionId, bundle: &Bundle) -> Result<(), PortError> {
        let now = self.clock.now();
        if self.remembered.was_put(id, now) {
            return Ok(());
        }
        let (key, bundle) = (id.clone(), text(bundle)?);
        self.database
            .write("keep a flow version", move |transaction| flow_versions::put(transaction, &key, &bundle, now))
            .await?;
        self.remembered.note_put(id, now);
        Ok(())
    }

    async fn flow_version(&self, id: &FlowVersionId) -> Result<Option<Arc<Bundle>>, PortError> {
        if let Some(bundle) = self.remembered.get(id) {
            return Ok(Some(bundle));
        }
        let bundle = self.database.scan("load a flow version", |transaction| flow_versions::get(transaction, id))?;
        let bundle = bundle.map(Arc::new);
        bundle.iter().for_each(|bundle| self.remembered.use_it(id, bundle));
        Ok(bundle)
    }

    async fn create(&self, new: NewExecution) -> Result<bool, PortError> {
        let texts = Texts::of(&new.head, &new.parts, &new.records)?;
        let create = move |transaction: &Transaction<'_>| executions::create(transaction, &new, &texts);
        self.database.write("create an execution", create).await
    }

    async fn load(&self, id: &ExecutionId, parts: &[PartId]) -> Result<Option<Loaded>, PortError> {
        self.database.load("load an execution", |transaction| executions::load(transaction, id, parts))
    }

    async fn load_whole(&self, id: &ExecutionId) -> Result<Option<Loaded>, PortError> {
        self.database.load("load an execution", |transaction| executions::load_whole(transaction, id))
    }

    async fn save(&self, save: Save) -> Result<Saved, PortError> {
        let texts = Texts::of(&save.head, &save.parts, &save.records)?;
        let save = move |transaction: &Transaction<'_>| executions::save(transaction, &save, &texts);
        self.database.write("save an execution", save).await
    }

    async fn records(&self, id: &ExecutionId, after: u64, limit: usize) -> Result<Vec<Record>, PortError> {
        self.database.scan("read records", |transaction| executions::records(transaction, id, after, limit))
    }

    async fn list(&self, filter: &ExecutionFilter) -> Result<Page, PortError> {
        let filter = filter.clone();
        self.apart(move |database| database.scan("list executions", |transaction| listing::list(transaction, &filter)))
            .await
    }

    async fn prunable(
        &self,
        ended_before: Timestamp,
        keep: usize,
        limit: usize,
    ) -> Result<Vec<(OrganizationId, ExecutionId)>, PortError> {
        self.apart(move |database| {
            let look = "look for old executions";
            database.scan(look, |transaction| removal::prunable(transaction, ended_before, keep, limit))
        })
        .await
    }

    async fn remove(&self, ids: &[ExecutionId]) -> Result<(), PortError> {
        let (ids, now) = (ids.to_vec(), self.clock.now());
        self.apart(move |database| {
            let remove = |some: &[ExecutionId]| {
                database.write_apart("remove executions", |transaction| removal::remove(transaction, some, now))
            };
            ids.chunks(removal::AT_ONCE).try_for_each(remove)?;
            // it stands in the log too
            database.write_back();
            Ok(())
        })
        .await
    }

    async fn due(&self, now: Timestamp, of: Option<&[ExecutionId]>, limit: usize) -> Result<Vec<Due>, PortError> {
        self.database.scan("look for what is due", |transaction| listing::due(transaction, now, of, limit))
    }

    async fn set_aside(
        &self,
        id: &ExecutionId,
        closing: What,
        now: Timestamp,
    ) -> Result<Option<OrganizationId>, PortError> {
        let id = id.clone();
        self.database
            .write("set an execution aside", move |transaction| executions::set_aside(transaction, &id, closing, now))
            .await
    }

    async fn claim(&self, key: &ClaimKey, owner: &Owner, lease: Duration) -> Result<Claim, PortError> {
        let (now, owners, key, owner) = (self.clock.now(), Arc::clone(&self.owners), key.clone(), owner.clone());
        let claim = self.database.write("claim an attempt", move |transaction| {
            let view = View { now, lives: &|process| owners.lives(process) };
            claims::judge(transaction, &key, |stored| StoredClaim::claim(stored, &owner, later(now, lease), &view))
        });
        Ok(claim.await?.unwrap_or(Claim::Held))
    }

    async fn renew(&self, key: &ClaimKey, owner: &Owner, lease: Duration) -> Result<Renewal, PortError> {
        let owner = owner.clone();
        let renewal = self.change_claim("renew a claim", key, move |claim, view| {
            let renewal = claim.renew(&owner, later(view.now, lease), view);
            let changed = renewal != Renewal::NotYours;
            (renewal, changed)
        });
        Ok(renewal.await?.unwrap_or(Renewal::NotYours))
    }

    async fn complete(&self, key: &ClaimKey, owner: &Owner, report: &Event) -> Result<bool, PortError> {
        let (owner, report) = (owner.clone(), report.clone());
        let kept = self.change_claim("keep the result of an attempt", key, move |claim, view| {
            let kept = claim.complete(&owner, &report, view);
            (kept, kept)
        });
        Ok(kept.await?.unwrap_or(false))
    }

    async fn stop_claim(&self, key: &ClaimKey) -> Result<(), PortError> {
        let key = key.clone();
        let left = self.database.write("ask an attempt to stop", move |transaction| {
            claims::judge(transaction, &key, |stored| ((), StoredClaim::stop(stored)))
        });
        left.await.map(Option::unwrap_or_default)
    }

    async fn proceed_claim(&self, key: &ClaimKey, job: &Job) -> Result<(), PortError> {
        let job = job.clone();
        let left = self.change_claim("let a collector go on", key, move |claim, _| ((), claim.proceed(&job)));
        left.await.map(Option::unwrap_or_default)
    }

    async fn expired_claims(
        &self,
        now: Timestamp,
        of: Option<&[ExecutionId]>,
        limit: usize,
    ) -> Result<Vec<(ClaimKey, Option<Event>)>, PortError> {
        let view = View { now, lives: &|process| self.owners.lives(process) };
        self.database.scan("look for lost claims", |transaction| claims::expired(transaction, &view, of, limit))
    }

    async fn settle_claims(&self, keys: &[ClaimKey]) -> Result<(), PortError> {
        let keys = keys.to_vec();
        self.database.write("settle claims", move |transaction| claims::settle_all(transaction, &keys)).await
    }

    async fn admission(&self, organization: &OrganizationId) -> Result<(AdmissionState, u64), PortError> {
        self.database.load("load the admission state", |transaction| {
            let sql = "SELECT state, version FROM admission WHERE organization = ?1";
            let known = transaction.one(sql, [organization.as_str()], |row| {
                Ok((json(row, 0, "admission state")?, plain::<i64>(row, 1)?.unsigned_abs()))
            })?;
            Ok(known.unwrap_or_default())
        })
    }

    async fn save_admission(
        &self,
        organization: &OrganizationId,
        state: &AdmissionState,
        expected: u64,
    ) -> Result<bool, PortError> {
        let (state, organization) = (text(state)?, organization.clone());
        let expected = i64::try_from(expected).unwrap_or(i64::MAX);
        let saved = self.database.write("save the admission state", move |transaction| {
            let values = params![state, organization.as_str(), expected];
            let changed = if expected == 0 {
                let first = "INSERT INTO admission (state, organization, version) VALUES (?1, ?2, ?3 + 1)
                             ON CONFLICT (organization) DO NOTHING";
                transaction.change(first, values)?
            } else {
                let next = "UPDATE admission SET state = ?1, version = ?3 + 1 WHERE organization = ?2 AND version = ?3";
                transaction.change(next, values)?
            };
            Ok(changed == 1)
        });
        saved.await
    }
}
