//! One execution in memory, with its history and its claims.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use assay_app::ports::{Claim, ExecutionFilter, ExecutionSummary, Loaded, NewExecution, Owner, PortError, Save};
use assay_engine::execution::{Head, Part, PartId};
use assay_engine::job::Fence;
use assay_engine::record::{Record, What};
use jiff::Timestamp;

use crate::claim::{Stage, StoredClaim, View};
use crate::lifetime;

/// An execution as it is kept.
pub(super) struct Execution {
    pub(super) head: Head,
    pub(super) version: u64,
    pub(super) parts: BTreeMap<PartId, Part>,
    pub(super) records: Vec<Arc<Record>>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) due: Option<Timestamp>,
    pub(super) claims: HashMap<Fence, StoredClaim>,
}

impl Execution {
    pub(super) fn new(new: NewExecution) -> Result<Self, PortError> {
        lifetime::check_numbers(0, &new.head.id, &new.records)?;
        let due = lifetime::first_due(&new.head, new.due);
        let NewExecution { head, parts, records, labels, .. } = new;
        Ok(Self { head, version: 1, parts, records, labels, due, claims: HashMap::new() })
    }

    pub(super) fn load(&self, parts: &[PartId]) -> Loaded {
        let mut loaded = self.without_parts();
        for id in parts {
            match self.parts.get(id) {
                Some(part) => drop(loaded.parts.insert(*id, part.clone())),
                None => drop(loaded.absent.insert(*id)),
            }
        }
        loaded
    }

    pub(super) fn load_whole(&self) -> Loaded {
        Loaded { parts: self.parts.clone(), ..self.without_parts() }
    }

    fn without_parts(&self) -> Loaded {
        Loaded { head: self.head.clone(), version: self.version, parts: BTreeMap::new(), absent: BTreeSet::new() }
    }

    /// Saves everything; the caller has compared the version.
    pub(super) fn save(&mut self, save: Save) -> Result<u64, PortError> {
        lifetime::check_numbers(self.last_seq(), &save.head.id, &save.records)?;
        self.due = lifetime::next_due(&save.head, save.due);
        self.head = save.head;
        self.version += 1;
        self.parts.extend(save.parts);
        self.records.extend(save.records);
        save.settled.iter().for_each(|key| self.settle(&key.fence));
        Ok(self.version)
    }

    pub(super) fn last_seq(&self) -> u64 {
        self.records.len() as u64
    }

    pub(super) fn ended(&self) -> bool {
        self.head.status.ended()
    }

    /// Ends it as errored with a closing record.
    pub(super) fn set_aside(&mut self, closing: What, now: Timestamp) -> Arc<Record> {
        let at = self.records.last().map_or(now, |last| last.at.max(now));
        let record = Arc::new(Record { execution: self.head.id.clone(), seq: self.last_seq() + 1, at, what: closing });
        self.records.push(Arc::clone(&record));
        lifetime::set_aside(&mut self.head, record.seq, at);
        self.version += 1;
        self.due = None;
        record
    }

    pub(super) fn claim(&mut self, fence: &Fence, owner: &Owner, until: Timestamp, view: &View<'_>) -> Claim {
        if self.ended() {
            return Claim::Held;
        }
        let (answer, kept) = StoredClaim::claim(self.claims.get(fence).cloned(), owner, until, view);
        if let Some(kept) = kept {
            self.claims.insert(fence.clone(), kept);
        }
        answer
    }

    pub(super) fn stop(&mut self, fence: &Fence) {
        if let Some(kept) = StoredClaim::stop(self.claims.get(fence).cloned()).filter(|_| !self.ended()) {
            self.claims.insert(fence.clone(), kept);
        }
    }

    pub(super) fn settle(&mut self, fence: &Fence) {
        self.claims.insert(fence.clone(), StoredClaim::settled());
    }

    /// Claims that are over and not settled, soonest over first.
    pub(super) fn expired<'a>(&'a self, view: &'a View<'_>) -> impl Iterator<Item = (&'a Fence, &'a StoredClaim)> {
        let open = |claim: &StoredClaim| matches!(claim.stage, Stage::Held | Stage::Done) && claim.over(view);
        let claims = (!self.ended()).then_some(&self.claims).into_iter().flatten();
        claims.filter(move |(_, claim)| open(claim))
    }

    pub(super) fn matches(&self, filter: &ExecutionFilter) -> bool {
        let head = &self.head;
        filter.organization.as_ref().is_none_or(|wanted| *wanted == head.organization)
            && filter.project.as_ref().is_none_or(|wanted| *wanted == head.project)
            && (filter.status.is_empty() || filter.status.contains(&head.status))
            && filter.flow.as_ref().is_none_or(|wanted| *wanted == head.flow)
            && (filter.children || head.parent.is_none())
            && filter.labels.iter().all(|(name, value)| self.labels.get(name) == Some(value))
    }

    pub(super) fn summary(&self) -> ExecutionSummary {
        ExecutionSummary {
            id: self.head.id.clone(),
            flow: self.head.flow.clone(),
            status: self.head.status,
            created_at: self.head.created_at,
            ended_at: lifetime::ended_at(&self.head),
            parent: self.head.parent.as_ref().map(|parent| parent.execution.clone()),
            labels: self.labels.clone(),
        }
    }
}
