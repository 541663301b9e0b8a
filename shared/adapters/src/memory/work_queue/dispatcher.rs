//! The dispatcher's queue: in order within a group, one receiver at a time for each group.

use std::collections::{HashMap, VecDeque};

use assay_app::ports::Message;
use assay_engine::id::{ExecutionId, OrganizationId};
use tokio::time::Instant;

use super::mischief::Mischief;
use super::state::{Delayed, Item, take_due};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Group {
    Execution(ExecutionId),
    Organization(OrganizationId),
}

fn group(message: &Message) -> Group {
    match message {
        Message::Event { execution, .. } | Message::Look { execution } => Group::Execution(execution.clone()),
        Message::Job(job) => Group::Execution(job.execution.clone()),
        Message::Admit { organization } => Group::Organization(organization.clone()),
    }
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Item>,
    unsettled: usize,
}

/// Groups with messages whose turn it is, and groups that somebody works on.
#[derive(Default)]
pub(super) struct DispatcherQueue {
    delayed: Delayed,
    /// No lane is empty and idle.
    lanes: HashMap<Group, Lane>,
    /// Idle groups with messages, each once.
    turns: VecDeque<Group>,
}

impl DispatcherQueue {
    pub(super) fn put(&mut self, item: Item) {
        if item.due > Instant::now() {
            self.delayed.insert((item.due, item.number), item);
        } else {
            self.put_due(item);
        }
    }

    fn put_due(&mut self, item: Item) {
        let group = group(&item.message);
        let lane = self.lanes.entry(group.clone()).or_default();
        if lane.unsettled == 0 && lane.waiting.is_empty() {
            self.turns.push_back(group);
        }
        // nearly always the last
        let place = lane.waiting.iter().rposition(|other| other.number < item.number).map_or(0, |before| before + 1);
        lane.waiting.insert(place, item);
    }

    pub(super) fn take(&mut self, limit: usize, now: Instant, mut mischief: Option<&mut Mischief>) -> Vec<Item> {
        let due: Vec<_> = take_due(&mut self.delayed, now).collect();
        due.into_iter().for_each(|item| self.put_due(item));
        let mut taken = Vec::new();
        while taken.len() < limit {
            if let Some(mischief) = &mut mischief {
                mischief.first(&mut self.turns);
            }
            let Some(lane) = self.turns.pop_front().and_then(|group| self.lanes.get_mut(&group)) else { break };
            while let Some(item) = (taken.len() < limit).then(|| lane.waiting.pop_front()).flatten() {
                lane.unsettled += 1;
                taken.push(item);
            }
        }
        if let Some(mischief) = mischief {
            mischief.shuffle(&mut taken);
        }
        taken
    }

    /// One of the group's deliveries is settled.
    pub(super) fn settled(&mut self, item: &Item) {
        let group = group(&item.message);
        let Some(lane) = self.lanes.get_mut(&group) else { return };
        lane.unsettled = lane.unsettled.saturating_sub(1);
        match (lane.unsettled, lane.waiting.is_empty()) {
            (0, true) => drop(self.lanes.remove(&group)),
            (0, false) => self.turns.push_back(group),
            _ => {}
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.delayed.first_key_value().map(|((due, _), _)| *due)
    }

    pub(super) fn oldest(&self) -> Option<Instant> {
        self.lanes.values().filter_map(|lane| lane.waiting.front()).map(|item| item.due).min()
    }
}
