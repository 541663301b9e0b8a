//! Starting: the flow version is kept, the execution accepted and created, a place asked for. Each may be done twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use assay_engine::bundle::Bundle;
use assay_engine::execution::{Acceptance, Execution, NoRequest, NotCarried, Refusal};
use assay_engine::id::{ExecutionId, OrganizationId, ProjectId};
use assay_engine::job::{Captured, Mask};
use assay_engine::plan::Plan;
use assay_engine::record::Rerun;

use super::rerun::{GoneOn, RerunOf};
use super::{Executions, StartError};
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
    /// Repeat an earlier execution, or go on from it.
    pub rerun: Option<RerunOf>,
    /// Ids of main steps: only these and what they need run; none: all.
    pub only: Option<BTreeSet<String>>,
    /// How long `finally` is held back when the main steps have ended.
    pub keep: Option<Duration>,
    /// Where the flow was found, for people.
    pub file: Option<String>,
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
        let gone_on = match &asked.rerun {
            Some(rerun) => Box::pin(self.go_on_from(rerun, &id, &plan, &asked.inputs)).await?,
            None => GoneOn { attempt: 1, inputs: asked.inputs.clone(), carried: None },
        };
        let not_carried = gone_on.carried.as_ref().map(|carried| carried.not_carried.clone()).unwrap_or_default();
        let acceptance = Acceptance {
            id: id.clone(),
            organization: asked.organization,
            project: asked.project,
            parent: None,
            depth: 0,
            seed: gone_on.carried.as_ref().map_or(asked.seed, |carried| carried.seed),
            mask: Mask::default(),
            inputs: gone_on.inputs,
            labels: asked.labels,
            rerun: asked.rerun.map(|rerun| Rerun { of: rerun.execution, how: rerun.how }),
            attempt: gone_on.attempt,
            carried: gone_on.carried.map(Box::new),
            only: asked.only,
            keep: asked.keep,
            file: asked.file,
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
}
