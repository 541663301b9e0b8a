//! What a step asks of messages, compiled.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use assay_engine::expr::{Limits, Program, References, Value};
use serde_json::{Map, Value as Json};

use super::count::Count;
use super::error::ExpectError;
use super::pick::Picks;

/// How many matching messages are kept unless the step says otherwise, and at most.
pub(super) const DEFAULT_COLLECT: u32 = 20;
pub(super) const LARGEST_COLLECT: u32 = 1000;

/// The words of `with`.
#[derive(Debug, Clone, Default)]
pub struct Asked<'a> {
    /// Which messages count; all of them unless given.
    pub matches: Option<&'a str>,
    /// How many must come.
    pub count: Count,
    /// How long they may take.
    pub within: Duration,
    /// How long it must have been quiet for an earlier decision.
    pub settle: Option<Duration>,
    /// What must not decrease within a partition.
    pub ordered_by: Option<&'a str>,
    /// What makes two messages one.
    pub distinct_by: Option<&'a str>,
    /// How many are kept.
    pub collect: Option<u32>,
}

/// What a step asks of messages, ready to be evaluated.
#[derive(Debug)]
pub struct Rules {
    /// All must hold.
    pub(super) matches: Vec<Program>,
    pub(super) ordered_by: Option<Program>,
    pub(super) distinct_by: Option<Program>,
    pub(super) count: Count,
    pub(super) within: Duration,
    pub(super) settle: Option<Duration>,
    pub(super) collect: usize,
    /// The execution's values.
    pub(super) given: HashMap<String, Value>,
    pub(super) schemas: BTreeMap<String, Json>,
    pub(super) seed: u64,
}

impl Rules {
    /// Compiles the expressions. `scope` holds the execution's values, `seed` is what `uuid()` draws from.
    ///
    /// # Errors
    /// When a text is no expression.
    pub fn compile(asked: &Asked<'_>, scope: &Map<String, Json>, seed: u64) -> Result<Self, ExpectError> {
        let whole = asked.matches.map(|text| compile("match", text)).transpose()?;
        let parts = whole.as_ref().map(Program::conjuncts).unwrap_or_default();
        let matches = parts.into_iter().map(|part| compile("match", part)).collect::<Result<_, _>>()?;
        let collect = asked.collect.unwrap_or(DEFAULT_COLLECT).clamp(1, LARGEST_COLLECT);
        Ok(Self {
            matches,
            ordered_by: asked.ordered_by.map(|text| compile("orderedBy", text)).transpose()?,
            distinct_by: asked.distinct_by.map(|text| compile("distinctBy", text)).transpose()?,
            count: asked.count,
            within: asked.within,
            settle: asked.settle,
            collect: usize::try_from(collect).unwrap_or(usize::MAX),
            given: scope.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect(),
            schemas: BTreeMap::new(),
            seed,
        })
    }

    fn references(&self) -> impl Iterator<Item = &References> {
        let others = self.ordered_by.iter().chain(&self.distinct_by);
        self.matches.iter().chain(others).map(Program::references)
    }

    /// The files that the expressions name as schemas.
    #[must_use]
    pub fn schema_files(&self) -> Vec<String> {
        self.references().flat_map(References::schema_files).map(str::to_owned).collect()
    }

    /// With these schemas, by file.
    #[must_use]
    pub fn with_schemas(mut self, schemas: BTreeMap<String, Json>) -> Self {
        self.schemas = schemas;
        self
    }

    /// Which parts of a message's field the expressions name; none when they do not name it.
    #[must_use]
    pub fn picks(&self, field: &str) -> Option<Picks> {
        Picks::of(self.references(), field)
    }

    /// How long the messages may take.
    #[must_use]
    pub fn within(&self) -> Duration {
        self.within
    }
}

fn compile(key: &'static str, text: &str) -> Result<Program, ExpectError> {
    Program::compile(text, Limits::default()).map_err(|error| ExpectError::Invalid {
        key,
        text: text.chars().take(200).collect(),
        why: error.to_string(),
    })
}
