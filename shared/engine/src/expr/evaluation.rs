//! What an evaluation is given from outside, and what it has left to spend.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::error::Fault;
use super::map::Map;
use super::meter::Meter;
use super::value::Value;

/// Units of work an evaluation may count unless told otherwise.
pub const DEFAULT_BUDGET: u64 = 1_000_000;

/// Where an expression's root names come from.
pub trait Scope {
    /// The value of a root, e.g. `inputs` or `steps`; none when there is no such name.
    fn root(&self, name: &str) -> Option<Value>;
}

/// The empty scope.
impl Scope for () {
    fn root(&self, _name: &str) -> Option<Value> {
        None
    }
}

impl Scope for Map {
    fn root(&self, name: &str) -> Option<Value> {
        self.field(name)
    }
}

impl Scope for BTreeMap<String, Value> {
    fn root(&self, name: &str) -> Option<Value> {
        self.get(name).cloned()
    }
}

/// The answers to `success() failed() always() cancelled()`; none where the function has no meaning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Status {
    /// `success()`
    pub success: Option<bool>,
    /// `failed()`
    pub failed: Option<bool>,
    /// `always()`
    pub always: Option<bool>,
    /// `cancelled()`
    pub cancelled: Option<bool>,
}

/// The impure inputs of an evaluation, and its budget. One may serve several expressions, which then share the budget.
#[derive(Debug, Clone)]
pub struct Evaluation<'a> {
    pub(super) meter: Meter,
    pub(super) now: Timestamp,
    pub(super) seed: u64,
    pub(super) salt: String,
    pub(super) place: String,
    pub(super) env: Option<&'a BTreeMap<String, String>>,
    pub(super) schemas: Option<&'a BTreeMap<String, Json>>,
    pub(super) status: Status,
    /// The byte offset of the call being made, within the text that `place` names.
    pub(super) offset: usize,
    /// Where the expression starts within that text.
    pub(super) base: usize,
    /// How often each call has drawn random values so far.
    pub(super) drawn: BTreeMap<usize, u32>,
    /// Schemas compiled so far, by file.
    pub(super) validators: BTreeMap<String, Arc<jsonschema::Validator>>,
    /// Regular expressions compiled so far.
    pub(super) patterns: BTreeMap<String, super::functions::Pattern>,
}

impl<'a> Evaluation<'a> {
    /// With the time that `now()` tells, and the seed from which `uuid()` and `fake.*` derive.
    pub fn new(now: Timestamp, seed: u64) -> Self {
        Self {
            meter: Meter::new(DEFAULT_BUDGET),
            now,
            seed,
            salt: String::new(),
            place: String::new(),
            env: None,
            schemas: None,
            status: Status::default(),
            offset: 0,
            base: 0,
            drawn: BTreeMap::new(),
            patterns: BTreeMap::new(),
            validators: BTreeMap::new(),
        }
    }

    /// Names what is evaluated, e.g. `step/instance`: other salts draw other values from the same seed.
    #[must_use]
    pub fn salted(mut self, salt: impl Into<String>) -> Self {
        self.salt = salt.into();
        self
    }

    /// The variables that `env()` reads.
    #[must_use]
    pub fn with_env(mut self, env: &'a BTreeMap<String, String>) -> Self {
        self.env = Some(env);
        self
    }

    /// The schemas that `matchesSchema()` uses, by file name.
    #[must_use]
    pub fn with_schemas(mut self, schemas: &'a BTreeMap<String, Json>) -> Self {
        self.schemas = Some(schemas);
        self
    }

    /// The answers to `success()` and its siblings.
    #[must_use]
    pub fn with_status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// Another budget than [`DEFAULT_BUDGET`].
    #[must_use]
    pub fn with_budget(mut self, units: u64) -> Self {
        self.meter = Meter::new(units);
        self
    }

    /// Units of work that are left.
    pub fn budget_left(&self) -> u64 {
        self.meter.left()
    }

    /// Names the text that is evaluated next, among those of one salt (e.g. its JSON pointer), so that the same
    /// expression at another place draws other values.
    pub fn set_place(&mut self, place: impl Into<String>) {
        self.place = place.into();
    }

    pub(super) fn charge(&mut self, units: usize) -> Result<(), Fault> {
        self.meter.charge(units)
    }

    pub(super) fn bytes(&mut self, bytes: usize) -> Result<(), Fault> {
        self.meter.bytes(bytes)
    }
}
