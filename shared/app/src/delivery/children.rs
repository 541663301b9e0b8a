//! Between a parent and its children: a child is started once, and its verdict told as often as anybody asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assay_engine::execution::{
    Acceptance, Carried, Change, ChildStart, Earlier, Event, Execution, Head, Later, Parent, Part, PartId,
    RerunOptions, Values, plan_rerun,
};
use assay_engine::id::ExecutionId;
use assay_engine::job::{Captured, Deferred, LateTemplate, ScopeValue};
use assay_engine::plan::{Plan, StepKind};
use assay_engine::record::{Rerun, RerunHow};
use assay_engine::status::ExecutionStatus;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::dispatcher::Dispatcher;
use super::due::next_look;
use super::session::Session;
use crate::plans::PlanError;
use crate::ports::{Loaded, Message, NewExecution, PortError, QueueName};

/// Why there is no child.
enum NoChild {
    /// Never: the child would be refused again.
    Refused(String),
    /// Perhaps later.
    Port(PortError),
}

impl From<PortError> for NoChild {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl Dispatcher {
    /// Starts the child; when it has ended already, its result is told again.
    pub(super) async fn start_child(&self, session: &Session, child: ChildStart) -> Result<(), PortError> {
        let head = session.head();
        let parent = Parent { execution: head.id.clone(), fence: child.fence.clone() };
        let (id, width) = (child.id.clone(), child.width);
        self.platform.charge.take(&id);
        match self.create_child(session, parent.clone(), child).await {
            // Its places are its parent's: it waits for nobody.
            Ok(true) => self.admissions.tell(&id, Event::Admitted { width }).await,
            Ok(false) => self.ask_child(&id, width).await,
            Err(NoChild::Port(error)) => Err(error),
            Err(NoChild::Refused(reason)) => {
                let (status, captures) = (ExecutionStatus::Errored, BTreeMap::new());
                self.tell(&parent, &id, status, captures, Some(reason)).await
            }
        }
    }

    /// Creates the child; false: it is there already.
    async fn create_child(&self, session: &Session, parent: Parent, child: ChildStart) -> Result<bool, NoChild> {
        let head = session.head();
        let plan = self.child_plan(session, &child).await?;
        let now = self.platform.now().await?;
        let carried = match &child.rerun_of {
            Some(earlier) => self.carried(earlier, &plan, &child, now).await?,
            None => None,
        };
        let (attempt, carried) = carried.map_or((1, None), |(attempt, carried)| (attempt + 1, Some(carried)));
        let rerun = carried.as_ref().map(|carried| Rerun { of: carried.of.clone(), how: RerunHow::FromFailed });
        let asked = Acceptance {
            id: child.id.clone(),
            organization: head.organization.clone(),
            project: head.project.clone(),
            parent: Some(parent),
            depth: child.depth,
            seed: seed_of(&child.id, head.seed),
            inputs: child.inputs,
            mask: child.mask,
            labels: BTreeMap::new(),
            rerun,
            attempt,
            carried,
            only: None,
            keep: None,
            file: None,
            now,
        };
        let (execution, change) =
            Execution::accept(&plan, asked).map_err(|refusal| NoChild::Refused(refusal.to_string()))?;
        let new = first(&execution, &plan, change, now);
        let records = new.records.clone();
        let created = self.platform.store.create(new).await?;
        if created {
            self.publish(&records).await;
        }
        Ok(created)
    }

    /// The attempt of the child's predecessor, and what need not be done again; nothing when its predecessor cannot be gone on from.
    async fn carried(
        &self,
        earlier: &ExecutionId,
        plan: &Plan,
        child: &ChildStart,
        now: Timestamp,
    ) -> Result<Option<(u32, Box<Carried>)>, PortError> {
        let Some(loaded) = self.platform.store.load_whole(earlier).await? else { return Ok(None) };
        let plans = &self.platform.plans;
        let earlier_plan = plans.get(&*self.platform.store, &loaded.head.flow_version, &loaded.head.main).await;
        let earlier_plan = match earlier_plan {
            Ok(plan) => plan,
            Err(PlanError::Store(error)) => return Err(error),
            Err(PlanError::Unknown(_) | PlanError::Compile { .. }) => return Ok(None),
        };
        let earlier = Execution::restore(loaded.head, loaded.parts, loaded.absent);
        // One that has cleaned up after itself is begun anew, unless the rerun insisted.
        let options = RerunOptions { after_finally: child.after_finally, ..RerunOptions::default() };
        let later = Later { plan, id: &child.id, inputs: &child.inputs, now };
        let carried = plan_rerun(Earlier { plan: &earlier_plan, execution: &earlier }, later, &options).ok();
        Ok(carried.map(|carried| (earlier.head().attempt, Box::new(carried))))
    }

    /// The child's plan came with its parent's.
    async fn child_plan(&self, session: &Session, child: &ChildStart) -> Result<Arc<Plan>, NoChild> {
        let step = session.plan.step_index(&child.fence.step).map(|index| &session.plan.steps[index].kind);
        if let Some(StepKind::Flow { plan, .. }) = step {
            self.platform.plans.keep(plan.clone());
            return Ok(plan.clone());
        }
        let version = &session.head().flow_version;
        self.platform.plans.get(&*self.platform.store, version, &child.main).await.map_err(|error| match error {
            PlanError::Store(error) => NoChild::Port(error),
            PlanError::Unknown(_) | PlanError::Compile { .. } => NoChild::Refused(error.to_string()),
        })
    }

    /// The child is there: an ended one tells its result, a waiting one asks for its place again.
    async fn ask_child(&self, id: &ExecutionId, width: u32) -> Result<(), PortError> {
        let Some(loaded) = self.platform.store.load(id, &[]).await? else { return Ok(()) };
        match loaded.head.status {
            ExecutionStatus::Queued => self.admissions.tell(id, Event::Admitted { width }).await,
            ExecutionStatus::Running => Ok(()),
            _ => self.tell_parent(&loaded.head).await,
        }
    }

    /// The verdict: its slot is free, its parent is told.
    pub(super) async fn finish(&self, session: &Session, _verdict: ExecutionStatus) -> Result<(), PortError> {
        let head = session.head();
        self.tell_parent(head).await?;
        self.admissions.ended(head).await
    }

    pub(super) async fn tell_parent(&self, head: &Head) -> Result<(), PortError> {
        let Some(parent) = &head.parent else { return Ok(()) };
        let plans = &self.platform.plans;
        // A child whose flow or state cannot be read any more has a verdict all the same.
        let plan = plans.get(&*self.platform.store, &head.flow_version, &head.main).await.ok();
        let loaded = self.platform.store.load_whole(&head.id).await;
        let captures = match (plan, loaded) {
            (Some(plan), Ok(Some(loaded))) => captures_of(&plan, &loaded),
            (_, Err(error)) if matches!(error.class, crate::ports::PortErrorClass::Retry { .. }) => return Err(error),
            _ => BTreeMap::new(),
        };
        self.tell(parent, &head.id, head.status, captures, head.reason.clone()).await
    }

    async fn tell(
        &self,
        parent: &Parent,
        child: &ExecutionId,
        status: ExecutionStatus,
        captures: BTreeMap<String, Captured>,
        reason: Option<String>,
    ) -> Result<(), PortError> {
        let event =
            Event::ChildFinished { fence: parent.fence.clone(), child: child.clone(), status, captures, reason };
        let message = Message::Event { execution: parent.execution.clone(), event: Box::new(event) };
        self.platform.queue.send(&QueueName::Dispatcher, message, Duration::ZERO).await
    }
}

/// What a store creates of an accepted execution.
pub(crate) fn first(execution: &Execution, plan: &Plan, change: Change, now: Timestamp) -> NewExecution {
    let head = change.head.unwrap_or_else(|| execution.head().clone());
    let labels = match change.parts.get(&PartId::Start) {
        Some(Part::Start(start)) => start.labels.clone(),
        _ => plan.labels.clone(),
    };
    let due = next_look(&head, Some(plan), now);
    NewExecution { head, parts: change.parts, records: change.records.into_iter().map(Arc::new).collect(), labels, due }
}

/// A child has a seed of its own, the same each time it is started.
fn seed_of(child: &ExecutionId, parents_seed: u64) -> u64 {
    // FNV-1a over the id, begun with the parent's seed.
    child.as_str().bytes().fold(parents_seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The captures of the main steps by name; later steps win. Of a `foreach` step the list in index order.
fn captures_of(plan: &Plan, loaded: &Loaded) -> BTreeMap<String, Captured> {
    let mut all = BTreeMap::new();
    for (index, step) in plan.steps.iter().enumerate().take(plan.main_steps) {
        let Some(Part::Step(state)) = loaded.parts.get(&PartId::Step(index as u32)) else { continue };
        let Some(expansion) = &state.foreach else {
            let values = values_of(&state.alone.values, loaded, PartId::StepValues(index as u32));
            all.extend(values.captures.clone());
            continue;
        };
        for capture in &step.captures {
            let items = (0..expansion.count).map(|instance| captured_of(loaded, index as u32, instance, &capture.name));
            all.insert(capture.name.clone(), listed(items.collect(), loaded.head.now));
        }
    }
    all
}

fn values_of<'a>(inline: &'a Values, loaded: &'a Loaded, apart: PartId) -> &'a Values {
    match loaded.parts.get(&apart) {
        Some(Part::Values(values)) => values,
        _ => inline,
    }
}

fn captured_of<'a>(loaded: &'a Loaded, step: u32, instance: u32, name: &str) -> Option<&'a Captured> {
    let block = assay_engine::execution::BLOCK;
    let Some(Part::Block(states)) = loaded.parts.get(&PartId::Block(step, instance / block)) else { return None };
    let state = states.get((instance % block) as usize)?;
    values_of(&state.values, loaded, PartId::InstanceValues(step, instance)).captures.get(name)
}

/// A list of values; when some are sealed or not made yet, a value that a step function makes of them.
fn listed(items: Vec<Option<&Captured>>, now: Timestamp) -> Captured {
    let mut values = Vec::with_capacity(items.len());
    let (mut late, mut deferred) = (Vec::new(), Vec::new());
    for (index, item) in items.into_iter().enumerate() {
        values.push(item.and_then(Captured::clear).cloned().unwrap_or(Json::Null));
        if let Some(hidden @ (Captured::Sealed(_) | Captured::Deferred(_))) = item {
            late.push(LateTemplate { at: format!("/{index}"), template: format!("${{item[{index}]}}") });
            deferred.push(ScopeValue { at: format!("/item/{index}"), value: hidden.clone() });
        }
    }
    if late.is_empty() {
        return Captured::Clear(Json::Array(values));
    }
    let nulls = vec![Json::Null; values.len()];
    let scope = [("item".to_owned(), json!(nulls))].into_iter().collect();
    Captured::Deferred(Box::new(Deferred {
        value: Json::Array(values),
        late,
        scope,
        deferred,
        salt: String::new(),
        now,
    }))
}
