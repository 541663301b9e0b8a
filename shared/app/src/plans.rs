//! Compiled flows: a flow version is compiled once for as long as it is in use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assay_engine::bundle::Bundle;
use assay_engine::id::FlowVersionId;
use assay_engine::plan::Plan;

use crate::ports::{ExecutionStore, PortError};

/// Plans kept at once; the ones beyond are compiled again when they are needed.
const KEPT: usize = 256;

/// Makes plans of flow versions: what the host makes of the engine's compiler and its step types.
pub trait Compiler: Send + Sync {
    /// Compiles the flow at this path of the bundle.
    ///
    /// # Errors
    /// Every problem that the flow has.
    fn compile(&self, version: &FlowVersionId, bundle: &Bundle, main: &str) -> Result<Arc<Plan>, FlowFault>;
}

/// What is wrong with a flow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.join("; "))]
pub struct FlowFault {
    /// For people, one each, with the place where they are known.
    pub problems: Vec<String>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The store did not answer.
    #[error("load the flow version")]
    Store(#[from] PortError),
    /// The store does not have it.
    #[error("find flow version {0}")]
    Unknown(FlowVersionId),
    /// It does not compile, though it did when it was accepted.
    #[error("compile flow version {version}: {fault}")]
    Compile {
        /// The flow version.
        version: FlowVersionId,
        /// What is wrong.
        fault: FlowFault,
    },
}

type Key = (FlowVersionId, String);

/// Plans by flow version and path.
pub struct Plans {
    compiler: Arc<dyn Compiler>,
    kept: Mutex<HashMap<Key, Arc<Plan>>>,
}

impl Plans {
    /// An empty collection.
    pub fn new(compiler: Arc<dyn Compiler>) -> Self {
        Self { compiler, kept: Mutex::new(HashMap::new()) }
    }

    /// The plan of a stored flow version.
    pub async fn get(
        &self,
        store: &dyn ExecutionStore,
        version: &FlowVersionId,
        main: &str,
    ) -> Result<Arc<Plan>, PlanError> {
        let key = (version.clone(), main.to_owned());
        if let Some(plan) = self.kept().get(&key) {
            return Ok(plan.clone());
        }
        let bundle = store.flow_version(version).await?.ok_or_else(|| PlanError::Unknown(version.clone()))?;
        let compiled = self.compiler.compile(version, &bundle, main);
        let plan = compiled.map_err(|fault| PlanError::Compile { version: version.clone(), fault })?;
        self.keep(plan.clone());
        Ok(plan)
    }

    /// Compiles a flow that is not stored yet, and keeps the plan.
    pub fn compile(&self, bundle: &Bundle, main: &str) -> Result<Arc<Plan>, FlowFault> {
        let version = bundle.id();
        if let Some(plan) = self.kept().get(&(version.clone(), main.to_owned())) {
            return Ok(plan.clone());
        }
        let plan = self.compiler.compile(&version, bundle, main)?;
        self.keep(plan.clone());
        Ok(plan)
    }

    /// Keeps a plan that came with another one: that of a sub-flow.
    pub fn keep(&self, plan: Arc<Plan>) {
        let mut kept = self.kept();
        if kept.len() >= KEPT
            && let Some(key) = kept.keys().next().cloned()
        {
            kept.remove(&key);
        }
        kept.insert((plan.version.clone(), plan.main_path.clone()), plan);
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Key, Arc<Plan>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
