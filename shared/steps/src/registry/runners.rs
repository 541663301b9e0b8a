//! Runners by name: the typed config is read here, once for all types.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize as _;
use serde_json::Value as Json;

use crate::contract::{Prepared, StepContext, StepError, StepErrorClass, StepOutcome, StepRunner};

/// The runners that a process has, by the name of their step type.
#[derive(Clone, Default)]
pub struct Runners {
    by_name: BTreeMap<&'static str, Arc<dyn ErasedRunner>>,
}

impl Runners {
    /// No runner at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// With one more; it takes the place of one with the same name.
    #[must_use]
    pub fn with<R: StepRunner>(mut self, runner: R) -> Self {
        self.by_name.insert(R::NAME, Arc::new(runner));
        self
    }

    /// The names, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.by_name.keys().copied().collect()
    }

    /// Those of one family: the word before the dot.
    #[must_use]
    pub fn of(mut self, family: &str) -> Self {
        self.by_name.retain(|name, _| name.split('.').next() == Some(family));
        self
    }

    /// The runners that resources of this kind may be checked with: those of the family, or the one of that name.
    pub(crate) fn serving(&self, kind: &str) -> Vec<Arc<dyn ErasedRunner>> {
        let serves = |name: &str| name == kind || name.split('.').next() == Some(kind);
        self.by_name.iter().filter(|(name, _)| serves(name)).map(|(_, runner)| runner.clone()).collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<dyn ErasedRunner>> {
        self.by_name.get(name)
    }
}

impl std::fmt::Debug for Runners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Runners").field(&self.names()).finish()
    }
}

/// A runner without its config's type.
#[async_trait]
pub(crate) trait ErasedRunner: Send + Sync {
    /// Whether the type evaluates expressions itself, and so needs the scope.
    fn wants_scope(&self) -> bool;
    /// Whether the rendered `with` is a config.
    fn check_config(&self, with: &Json) -> Result<(), StepError>;
    async fn prepare(&self, with: &Json, cx: &StepContext) -> Result<Prepared, StepError>;
    async fn run(&self, with: &Json, cx: &StepContext) -> Result<StepOutcome, StepError>;
    async fn undo(&self, undo: Json, cx: &StepContext) -> Result<(), StepError>;
    async fn probe(&self, resource: &Json, cx: &StepContext) -> Result<Option<String>, StepError>;
}

#[async_trait]
impl<R: StepRunner> ErasedRunner for R {
    fn wants_scope(&self) -> bool {
        !R::EXPRESSIONS.is_empty()
    }

    fn check_config(&self, with: &Json) -> Result<(), StepError> {
        read_config::<R>(with).map(|_| ())
    }

    async fn prepare(&self, with: &Json, cx: &StepContext) -> Result<Prepared, StepError> {
        let config = read_config::<R>(with)?;
        StepRunner::prepare(self, config, cx).await
    }

    async fn run(&self, with: &Json, cx: &StepContext) -> Result<StepOutcome, StepError> {
        let config = read_config::<R>(with)?;
        StepRunner::run(self, config, cx).await
    }

    async fn undo(&self, undo: Json, cx: &StepContext) -> Result<(), StepError> {
        StepRunner::undo(self, undo, cx).await
    }

    async fn probe(&self, resource: &Json, cx: &StepContext) -> Result<Option<String>, StepError> {
        StepRunner::probe(self, resource, cx).await
    }
}

/// Reads the config; only when it cannot be read is it read again, to learn where.
fn read_config<R: StepRunner>(with: &Json) -> Result<R::Config, StepError> {
    if let Ok(config) = R::Config::deserialize(with) {
        return Ok(config);
    }
    serde_path_to_error::deserialize(with).map_err(|error| {
        let at = pointer(error.path());
        let message = format!("`with{at}` does not fit `{}`: {}", R::NAME, error.inner());
        StepError::new(StepErrorClass::Permanent, "step.config", message)
    })
}

/// The path as a JSON pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("/{index}")),
            Segment::Map { key } => text.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    text
}
