//! Compiled expressions, and a cache of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::{EvalError, ExprError, Limits};
use super::evaluation::{Evaluation, Scope};
use super::evidence::{Explanation, Recorder};
use super::lower::lower;
use super::parse::parse;
use super::references::References;
use super::run::Run;
use super::tree::{NodeKind, Tree};
use super::value::Value;

/// A compiled expression. Cheap to clone, shared between threads as it is.
#[derive(Debug, Clone)]
pub struct Program(Arc<Compiled>);

#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) text: Arc<str>,
    pub(super) tree: Tree,
}

impl Program {
    /// Compiles a text.
    ///
    /// # Errors
    ///
    /// When the text is no expression, is beyond `limits`, or calls a function that does not exist.
    pub fn compile(text: &str, limits: Limits) -> Result<Self, ExprError> {
        let tree = lower(&parse(text, limits)?)?;
        Ok(Self(Arc::new(Compiled { text: Arc::from(text), tree })))
    }

    /// The text it was compiled from.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// What it names.
    pub fn references(&self) -> &References {
        &self.0.tree.references
    }

    /// What must all hold for it to be true: the operands of `&&` at its top, each an expression by itself, or the
    /// whole text. Whoever looks for a near miss asks them one by one.
    pub fn conjuncts(&self) -> Vec<&str> {
        let tree = &self.0.tree;
        let NodeKind::And(parts) = &tree.get(tree.top).kind else { return vec![self.text()] };
        let texts: Option<Vec<&str>> =
            parts.iter().map(|part| self.text().get(tree.get(*part).range.clone()).map(str::trim)).collect();
        texts.unwrap_or_else(|| vec![self.text()])
    }

    /// Its value in a scope.
    ///
    /// # Errors
    ///
    /// When a part of it has no value; the error says which.
    pub fn evaluate(&self, scope: &dyn Scope, cx: &mut Evaluation<'_>) -> Result<Value, EvalError> {
        self.run(scope, cx, None).0
    }

    /// Its value, together with the values of its parts.
    pub fn explain(&self, scope: &dyn Scope, cx: &mut Evaluation<'_>) -> Explanation {
        let recorder = Recorder::new(&self.0.tree.sights);
        let (result, recorder) = self.run(scope, cx, Some(recorder));
        let parts = recorder.map(|recorder| recorder.parts(&self.0)).unwrap_or_default();
        Explanation { result, parts }
    }

    fn run(
        &self,
        scope: &dyn Scope,
        cx: &mut Evaluation<'_>,
        recorder: Option<Recorder>,
    ) -> (Result<Value, EvalError>, Option<Recorder>) {
        cx.drawn.clear();
        let mut run = Run { program: &self.0, scope, cx, locals: vec![Value::Null; self.0.tree.slots], recorder };
        let result = run.eval(self.0.tree.top).map_err(|error| *error);
        (result, run.recorder)
    }
}

/// Compiled expressions by text, so that each is compiled once. Bounded: what was not asked for lately is dropped.
#[derive(Debug)]
pub struct Programs {
    generations: Mutex<Generations>,
    capacity: usize,
    limits: Limits,
}

type Cached = HashMap<Arc<str>, Program>;

#[derive(Debug, Default)]
struct Generations {
    young: Cached,
    old: Cached,
}

impl Default for Programs {
    fn default() -> Self {
        Self::new(4096, Limits::default())
    }
}

impl Programs {
    /// A cache of at most `capacity` expressions.
    pub fn new(capacity: usize, limits: Limits) -> Self {
        Self { generations: Mutex::default(), capacity, limits }
    }

    /// The program of a text, compiled now unless it is known.
    ///
    /// # Errors
    ///
    /// As [`Program::compile`]; errors are not kept.
    pub fn get(&self, text: &str) -> Result<Program, ExprError> {
        if let Some(known) = self.known(text) {
            return Ok(known);
        }
        let program = Program::compile(text, self.limits)?;
        self.keep(&program);
        Ok(program)
    }

    fn known(&self, text: &str) -> Option<Program> {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = generations.young.get(text) {
            return Some(program.clone());
        }
        let program = generations.old.get(text).cloned()?;
        drop(generations);
        self.keep(&program);
        Some(program)
    }

    fn keep(&self, program: &Program) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.young.len() * 2 >= self.capacity {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(program.0.text.clone(), program.clone());
    }
}
