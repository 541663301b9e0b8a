//! An execution that cannot go on because of a fault of ours: it gets a verdict, and what was not cleaned up is listed.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_engine::execution::{Head, Unsent};
use assay_engine::id::ExecutionId;
use assay_engine::plan::{Plan, Section};
use assay_engine::record::{Record, What};
use assay_engine::status::ExecutionStatus;
use jiff::Timestamp;

use super::dispatcher::Dispatcher;
use crate::ports::{Loaded, PortError, PortErrorClass, Save, Saved};

/// Tries to close an execution that others are changing.
const TRIES: u32 = 8;

impl Dispatcher {
    /// Sets the execution aside as errored, and raises the alarm.
    pub(super) async fn set_aside(&self, id: &ExecutionId, reason: &str) -> Result<(), PortError> {
        tracing::error!(alarm = "execution_set_aside", execution = %id, reason, "an execution cannot go on");
        let reason = format!("engine fault: failed to {reason}");
        for _ in 0..TRIES {
            let loaded = match self.platform.store.load(id, &[]).await {
                Err(error) if error.class == PortErrorClass::Bug => return self.close_unread(id, &reason).await,
                loaded => loaded?,
            };
            let Some(loaded) = loaded else { return Ok(()) };
            if loaded.head.status.ended() && loaded.head.unsent.is_empty() {
                return Ok(());
            }
            if self.close_faulty(loaded, &reason).await? {
                return Ok(());
            }
        }
        Err(PortError::retry(format!("set execution {id} aside: others were faster")))
    }

    /// False: somebody else was faster.
    async fn close_faulty(&self, loaded: Loaded, reason: &str) -> Result<bool, PortError> {
        let Loaded { mut head, version, .. } = loaded;
        let now = self.platform.now().await?.max(head.now);
        let plan = self.platform.plans.get(&*self.platform.store, &head.flow_version, &head.main).await.ok();
        let records = closing(&mut head, plan.as_deref(), reason, now);
        let mut save = Save {
            head: head.clone(),
            expected: version,
            parts: BTreeMap::new(),
            records: records.clone(),
            due: Some(now),
            settled: Vec::new(),
        };
        let Saved::Version(version) = self.platform.store.save(save.clone()).await? else { return Ok(false) };
        self.publish(&records).await;
        self.tell_parent(&head).await?;
        self.admissions.ended(&head).await?;
        self.platform.charge.release(&head.id);
        save.head.unsent.clear();
        (save.expected, save.records, save.due) = (version, Vec::new(), None);
        self.platform.store.save(save).await?;
        Ok(true)
    }

    /// Not even the head can be read.
    async fn close_unread(&self, id: &ExecutionId, reason: &str) -> Result<(), PortError> {
        let now = self.platform.now().await?;
        let what = What::Finished {
            status: ExecutionStatus::Errored,
            worst: None,
            cleanup: None,
            reason: Some(format!("{reason}; its clean-up was not run")),
            counts: BTreeMap::new(),
            duration_ms: 0,
        };
        self.platform.charge.release(id);
        match self.platform.store.set_aside(id, what, now).await? {
            Some(organization) => self.admissions.ended_unread(&organization, id).await,
            None => Ok(()),
        }
    }
}

/// Ends the head and says so in its history.
fn closing(head: &mut Head, plan: Option<&Plan>, reason: &str, now: Timestamp) -> Vec<Arc<Record>> {
    let mut records = Vec::new();
    let mut tell = |head: &mut Head, what: What| {
        head.last_seq += 1;
        records.push(Arc::new(Record { execution: head.id.clone(), seq: head.last_seq, at: now, what }));
    };
    for (step, message) in not_cleaned_up(head, plan) {
        tell(head, What::Warned { step, message });
    }
    let duration = head.started_at.map_or(0, |started| now.duration_since(started).as_millis());
    let what = What::Finished {
        status: ExecutionStatus::Errored,
        worst: None,
        cleanup: None,
        reason: Some(reason.to_owned()),
        counts: counts(head),
        duration_ms: u64::try_from(duration).unwrap_or(0),
    };
    tell(head, what);
    head.status = ExecutionStatus::Errored;
    head.reason = Some(reason.to_owned());
    head.ended_at = Some(now);
    head.now = now;
    head.timers.clear();
    head.unsent = vec![Unsent::Finish];
    records
}

/// What would have been taken back or cleaned up, and was not.
fn not_cleaned_up(head: &Head, plan: Option<&Plan>) -> Vec<(Option<String>, String)> {
    let Some(plan) = plan else {
        return vec![(None, "its clean-up was not run: its flow cannot be read".to_owned())];
    };
    let id = |index: usize| plan.steps.get(index).map(|step| step.id.to_string());
    let undo = head.undo.iter().map(|entry| (id(entry.step as usize), "what it did was not taken back".to_owned()));
    let standing = plan.steps.iter().zip(&head.steps).enumerate();
    let open = standing.filter(|(_, (step, standing))| step.section == Section::Finally && !standing.ended());
    undo.chain(open.map(|(index, _)| (id(index), "this clean-up was not run".to_owned()))).collect()
}

fn counts(head: &Head) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for standing in &head.steps {
        *counts.entry(standing.status().word().to_owned()).or_default() += 1;
    }
    counts
}
