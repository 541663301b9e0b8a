//! Starting: the flow version is kept, the execution accepted and created, a place asked for. Each may be done twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_engine::bundle::Bundle;
use assay_engine::execution::{
    Acceptance, Carried, Execution, NoRequest, NotCarried, Part, PartId, Refusal, RerunOptions, plan_rerun,
};
use assay_engine::id::{ExecutionId, OrganizationId, ProjectId};
use assay_engine::job::{Captured, Mask};
use assay_engine::plan::Plan;

use super::{ExecutionError, Executions, StartError};
use crate::delivery::first;

/// What to start.
#[derive(Debug, Clone)]
pub struct StartExecution {
    /// For whom.
    pub organization: OrganizationId,
    /// In which project.
    pub project: ProjectId,
    /// The same key of the same organization starts the same execution once.
    pub key: String,
    /// The flow with everything that belongs to it.
    pub bundle: Arc<Bundle>,
    /// The inputs that are given.
    pub inputs: BTreeMap<String, Captured>,
    /// Labels beside the flow's own.
    pub labels: BTreeMap<String, String>,
    /// From which `uuid()` and `fake.*` derive.
    pub seed: u64,
    /// Go on from an earlier execution.
    pub rerun: Option<RerunOf>,
}

/// The earlier execution to go on from.
#[derive(Debug, Clone)]
pub struct RerunOf {
    /// Which; its inputs hold unless others are given.
    pub execution: ExecutionId,
    /// What the user wants of it.
    pub options: RerunOptions,
}

/// What was started.
#[derive(Debug, Clone)]
pub struct Started {
    /// The execution.
    pub id: ExecutionId,
    /// False: the key was used before, and this is what it started.
    pub created: bool,
    /// Of a rerun: steps that had passed and run again, and why.
    pub not_carried: Vec<NotCarried>,
}

impl Executions {
    /// The execution that this key starts.
    #[must_use]
    pub fn id_of(organization: &OrganizationId, key: &str) -> ExecutionId {
        ExecutionId::derived(&[organization.as_str(), key])
    }

    /// Starts an execution, unless its key was used before.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(&self, asked: StartExecution) -> Result<Started, StartError> {
        let id = Self::id_of(&asked.organization, &asked.key);
        let platform = &self.platform;
        let plan = platform.plans.compile(&asked.bundle, &asked.bundle.main)?;
        if let Some(there) = platform.store.load(&id, &[]).await? {
            if there.head.flow_version != plan.version {
                return Err(StartError::KeyReused(id));
            }
            return Ok(Started { id, created: false, not_carried: Vec::new() });
        }
        let (inputs, carried) = match &asked.rerun {
            Some(rerun) => self.carry(rerun, &plan, &asked.inputs).await?,
            None => (asked.inputs.clone(), None),
        };
        let not_carried = carried.as_ref().map(|carried| carried.not_carried.clone()).unwrap_or_default();
        let acceptance = Acceptance {
            id: id.clone(),
            organization: asked.organization,
            project: asked.project,
            parent: None,
            depth: 0,
            seed: asked.seed,
            mask: Mask::default(),
            inputs,
            labels: asked.labels,
            carried: carried.map(Box::new),
            now: platform.now().await?,
        };
        let created = self.create(&asked.bundle, &plan, acceptance).await?;
        Ok(Started { id, created, not_carried })
    }

    async fn create(&self, bundle: &Bundle, plan: &Plan, asked: Acceptance) -> Result<bool, StartError> {
        let platform = &self.platform;
        let now = asked.now;
        let (execution, change) = Execution::accept(plan, asked)?;
        let request = execution.request(plan).map_err(|why| match why {
            NoRequest::Group(_) | NoRequest::Missing(_) => Refusal { problems: vec![why.to_string()] },
        })?;
        platform.store.put_flow_version(&plan.version, bundle).await?;
        let new = first(&execution, plan, change, now);
        let records = new.records.clone();
        platform.charge.take(&execution.head().id);
        let created = platform.store.create(new).await?;
        if created {
            self.dispatcher.publish(&records).await;
        }
        self.dispatcher.ask_admission(execution.head(), request).await?;
        Ok(created)
    }

    /// What the new execution need not do again, and its inputs.
    async fn carry(
        &self,
        rerun: &RerunOf,
        plan: &Plan,
        given: &BTreeMap<String, Captured>,
    ) -> Result<(BTreeMap<String, Captured>, Option<Carried>), StartError> {
        let store = &*self.platform.store;
        let loaded = store.load_whole(&rerun.execution).await?;
        let loaded = loaded.ok_or_else(|| ExecutionError::Unknown(rerun.execution.clone()))?;
        let (version, main) = (&loaded.head.flow_version, &loaded.head.main);
        let earlier_plan = self.platform.plans.get(store, version, main).await.map_err(ExecutionError::from)?;
        let mut inputs = match loaded.parts.get(&PartId::Start) {
            Some(Part::Start(start)) => start.inputs.clone(),
            _ => BTreeMap::new(),
        };
        // An input that the flow does not have any more is nobody's.
        inputs.retain(|name, _| plan.inputs.iter().any(|input| input.name == *name));
        inputs.extend(given.clone());
        let earlier = Execution::restore(loaded.head, loaded.parts, loaded.absent);
        let carried = plan_rerun(&earlier_plan, &earlier, plan, &inputs, &rerun.options).map_err(StartError::Rerun)?;
        Ok((inputs, Some(carried)))
    }
}
