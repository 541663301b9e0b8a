//! Admission: which executions of an organization may run. A second small machine, as pure as the first.
//!
//! What waits is ordered by priority, then time; a concurrency group lets only so many run at once. The slot of an
//! ended execution is free, also when its end is told twice or not at all: `reconcile` takes the store's word.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{ExecutionId, ProjectId};
use crate::plan::{OnConflict, Priority};

/// The admission state of one organization.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Admission {
    /// What runs.
    #[serde(default)]
    running: BTreeMap<ExecutionId, Running>,
    /// What waits.
    #[serde(default)]
    waiting: BTreeMap<ExecutionId, Request>,
}

/// What an organization may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    /// Top-level executions at once.
    pub slots: u32,
    /// Top-level executions that wait at once.
    pub waiting: u32,
    /// Jobs that one execution may have in flight.
    pub width: u32,
}

/// An execution that wants to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Its project, to which its group belongs.
    pub project: ProjectId,
    /// Its priority.
    pub priority: Priority,
    /// Since when it waits.
    pub since: Timestamp,
    /// Its concurrency group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
}

/// A concurrency group, as one execution names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its name, rendered.
    pub name: String,
    /// How many may run at once.
    pub max: u32,
    /// What happens to one too many.
    pub on_conflict: OnConflict,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Running {
    project: ProjectId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// A newer execution of its group has asked it to end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    asked_to_end: bool,
}

/// What admission wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Tell the execution that it is admitted.
    Admit {
        /// Which.
        execution: ExecutionId,
        /// Jobs it may have in flight.
        width: u32,
    },
    /// Cancel it: a newer one of its group takes its place.
    Cancel {
        /// Which.
        execution: ExecutionId,
        /// Why.
        by: String,
    },
    /// Cancel it: there is no place for it.
    Reject {
        /// Which.
        execution: ExecutionId,
        /// Why.
        why: String,
    },
}

impl Admission {
    /// An execution wants to run. Asking twice changes nothing.
    pub fn request(&mut self, execution: ExecutionId, request: Request) {
        if !self.running.contains_key(&execution) {
            self.waiting.entry(execution).or_insert(request);
        }
    }

    /// An execution has ended, or never will run.
    pub fn ended(&mut self, execution: &ExecutionId) {
        self.running.remove(execution);
        self.waiting.remove(execution);
    }

    /// Everything that runs or waits here, to compare with the store.
    pub fn known(&self) -> impl Iterator<Item = &ExecutionId> {
        self.running.keys().chain(self.waiting.keys())
    }

    /// Whether the execution has a slot.
    #[must_use]
    pub fn runs(&self, execution: &ExecutionId) -> bool {
        self.running.contains_key(execution)
    }

    /// Decides about everything that waits: by priority, then time, then id.
    pub fn decide(&mut self, quota: Quota) -> Vec<Decision> {
        let mut decisions = Vec::new();
        let mut order: Vec<(ExecutionId, Request)> =
            self.waiting.iter().map(|(id, request)| (id.clone(), request.clone())).collect();
        order.sort_by(|(a, left), (b, right)| (left.priority, left.since, a).cmp(&(right.priority, right.since, b)));
        for (execution, request) in order {
            match self.conflict(&request) {
                Conflict::None => {}
                Conflict::Reject(why) => {
                    self.waiting.remove(&execution);
                    decisions.push(Decision::Reject { execution, why });
                    continue;
                }
                Conflict::Cancel(others) => {
                    for other in others {
                        let by = format!("{execution} of the same concurrency group");
                        decisions.push(Decision::Cancel { execution: other, by });
                    }
                    continue;
                }
                Conflict::Wait => continue,
            }
            if self.running.len() >= quota.slots as usize {
                continue;
            }
            self.waiting.remove(&execution);
            let group = request.group.map(|group| group.name);
            self.running.insert(execution.clone(), Running { project: request.project, group, asked_to_end: false });
            decisions.push(Decision::Admit { execution, width: quota.width });
        }
        self.reject_overflow(quota, &mut decisions);
        decisions
    }

    fn conflict(&mut self, request: &Request) -> Conflict {
        let Some(group) = &request.group else { return Conflict::None };
        let same = |one: &&mut Running| one.project == request.project && one.group.as_ref() == Some(&group.name);
        let count = self.running.values_mut().filter(same).count();
        if count < group.max as usize {
            return Conflict::None;
        }
        match group.on_conflict {
            OnConflict::Queue => Conflict::Wait,
            OnConflict::Reject => {
                Conflict::Reject(format!("the concurrency group `{}` has {count} of {}", group.name, group.max))
            }
            OnConflict::CancelRunning => {
                let excess = count + 1 - group.max as usize;
                let mut asked = 0;
                let mut others = Vec::new();
                for (id, one) in &mut self.running {
                    if one.project != request.project || one.group.as_ref() != Some(&group.name) || asked == excess {
                        continue;
                    }
                    asked += 1;
                    if !std::mem::replace(&mut one.asked_to_end, true) {
                        others.push(id.clone());
                    }
                }
                Conflict::Cancel(others)
            }
        }
    }

    /// Those that wait longest stay; the newest beyond the quota are refused.
    fn reject_overflow(&mut self, quota: Quota, decisions: &mut Vec<Decision>) {
        let excess = self.waiting.len().saturating_sub(quota.waiting as usize);
        let mut newest: Vec<(Timestamp, ExecutionId)> =
            self.waiting.iter().map(|(id, request)| (request.since, id.clone())).collect();
        newest.sort();
        for (_, execution) in newest.into_iter().rev().take(excess) {
            self.waiting.remove(&execution);
            let why = format!("{} executions wait already", quota.waiting);
            decisions.push(Decision::Reject { execution, why });
        }
    }
}

enum Conflict {
    None,
    Wait,
    Cancel(Vec<ExecutionId>),
    Reject(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { slots: 2, waiting: 3, width: 4 };

    fn id(name: &str) -> ExecutionId {
        format!("exe_{name}").parse().unwrap()
    }

    fn request(priority: Priority, second: i64, group: Option<(&str, u32, OnConflict)>) -> Request {
        let group = group.map(|(name, max, on_conflict)| Group { name: name.into(), max, on_conflict });
        let since = Timestamp::from_second(second).unwrap();
        Request { project: "prj_p".parse().unwrap(), priority, since, group }
    }

    fn admitted(decisions: &[Decision]) -> Vec<String> {
        let name = |one: &Decision| match one {
            Decision::Admit { execution, .. } => Some(execution.to_string()),
            _ => None,
        };
        decisions.iter().filter_map(name).collect()
    }

    #[test]
    fn the_rest_waits_by_priority_then_time() {
        let mut admission = Admission::default();
        admission.request(id("late"), request(Priority::P1, 3, None));
        admission.request(id("low"), request(Priority::P2, 1, None));
        admission.request(id("early"), request(Priority::P1, 2, None));
        assert_eq!(admitted(&admission.decide(QUOTA)), ["exe_early", "exe_late"]);
        assert_eq!(admission.decide(QUOTA), []);
        admission.ended(&id("early"));
        assert_eq!(admitted(&admission.decide(QUOTA)), ["exe_low"]);
    }

    #[test]
    fn a_group_holds_whatever_slots_are_free() {
        let mut admission = Admission::default();
        for (name, second) in [("a", 1), ("b", 2)] {
            admission.request(id(name), request(Priority::P1, second, Some(("db", 1, OnConflict::Queue))));
        }
        assert_eq!(admitted(&admission.decide(QUOTA)), ["exe_a"]);
        admission.ended(&id("a"));
        admission.ended(&id("a"));
        assert_eq!(admitted(&admission.decide(QUOTA)), ["exe_b"]);
    }

    #[test]
    fn a_newer_execution_cancels_the_running_one_once() {
        let mut admission = Admission::default();
        let group = Some(("db", 1, OnConflict::CancelRunning));
        admission.request(id("a"), request(Priority::P1, 1, group));
        admission.decide(QUOTA);
        admission.request(id("b"), request(Priority::P1, 2, group));
        assert!(matches!(&admission.decide(QUOTA)[..], [Decision::Cancel { execution, .. }] if *execution == id("a")));
        assert_eq!(admission.decide(QUOTA), []);
        admission.ended(&id("a"));
        assert_eq!(admitted(&admission.decide(QUOTA)), ["exe_b"]);
    }

    #[test]
    fn a_full_group_or_a_full_queue_rejects() {
        let mut admission = Admission::default();
        let group = Some(("db", 1, OnConflict::Reject));
        admission.request(id("a"), request(Priority::P1, 1, group));
        admission.decide(QUOTA);
        admission.request(id("b"), request(Priority::P1, 2, group));
        assert!(matches!(&admission.decide(QUOTA)[..], [Decision::Reject { .. }]));
        for second in 3..10 {
            admission.request(id(&format!("w{second}")), request(Priority::P1, second, None));
        }
        let decisions = admission.decide(QUOTA);
        assert_eq!(admitted(&decisions), ["exe_w3"]);
        assert_eq!(decisions.len(), 4, "three wait, three are refused");
    }
}
