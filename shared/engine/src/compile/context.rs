//! What compiling one bundle shares: its texts, and the list of problems.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use super::children::Child;
use super::environment::Environment;
use crate::bundle::{Bundle, RunsAt};
use crate::diagnostics::{Code, Diagnostics, Severity};
use crate::expr::Programs;
use crate::id::FlowVersionId;
use crate::source::{self, MAX_BYTES, Node, Problem, Source, Span};
use crate::types::StepTypes;

/// More problems than this are only counted.
const KEPT: usize = 2000;
/// Nearest words are looked for so many times; a text with more mistakes has other worries.
const SUGGESTIONS: usize = 200;

/// What all flows of a bundle share while they are compiled.
pub(super) struct Shared<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) version: FlowVersionId,
    pub(super) types: &'a dyn StepTypes,
    pub(super) programs: &'a Programs,
    pub(super) environment: Environment,
    pub(super) children: RefCell<HashMap<String, Child>>,
    sources: RefCell<Vec<Arc<Source>>>,
    problems: RefCell<Vec<Problem>>,
    total: Cell<usize>,
    errors: Cell<usize>,
    suggestions: Cell<usize>,
}

impl<'a> Shared<'a> {
    pub(super) fn new(bundle: &'a Bundle, types: &'a dyn StepTypes, programs: &'a Programs) -> Self {
        let mut shared = Self {
            bundle,
            version: bundle.id(),
            types,
            programs,
            environment: Environment::default(),
            children: RefCell::default(),
            sources: RefCell::default(),
            problems: RefCell::default(),
            total: Cell::new(0),
            errors: Cell::new(0),
            suggestions: Cell::new(0),
        };
        if let Some(environment) = &bundle.environment {
            let (_, root) = shared.read(&environment.file, environment.text.as_bytes());
            shared.environment = root.map(|root| Environment::read(&shared, &root)).unwrap_or_default();
            shared.environment.name = Some(environment.name.clone());
        }
        shared
    }

    fn next_source(&self) -> u32 {
        u32::try_from(self.sources.borrow().len()).unwrap_or(u32::MAX)
    }

    pub(super) fn adopt(&self, source: Source, problems: Vec<Problem>) {
        self.sources.borrow_mut().push(Arc::new(source));
        problems.into_iter().for_each(|problem| self.report(problem));
    }

    /// Reads a text of the bundle; what is wrong with it is reported. Also the place where the text begins.
    pub(super) fn read(&self, name: &str, bytes: &[u8]) -> (Span, Option<Node>) {
        let number = self.next_source();
        let (source, root, problems) = source::read(name, bytes, number, MAX_BYTES);
        self.adopt(source, problems);
        (Span::new(number, 0, 0), root)
    }

    pub(super) fn source(&self, span: Span) -> Option<Arc<Source>> {
        self.sources.borrow().get(span.source as usize).cloned()
    }

    /// The text of a span as it was written.
    pub(super) fn written(&self, span: Span) -> String {
        self.source(span).map(|source| source.slice(span).to_owned()).unwrap_or_default()
    }

    /// The line in its text where a span begins, from 1.
    pub(super) fn line(&self, span: Span) -> usize {
        self.source(span).map_or(1, |source| source.line_of(span.start))
    }

    pub(super) fn on_server(&self) -> bool {
        self.bundle.runs_at == RunsAt::Server
    }

    pub(super) fn report(&self, problem: Problem) {
        if problem.code.severity() == Severity::Error {
            self.errors.set(self.errors.get() + 1);
        }
        self.total.set(self.total.get() + 1);
        let mut problems = self.problems.borrow_mut();
        if problems.len() < KEPT {
            problems.push(problem);
        }
    }

    pub(super) fn error(&self, code: Code, span: Span, message: impl Into<String>) {
        self.report(Problem::new(code, span, message));
    }

    pub(super) fn error_hint(&self, code: Code, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.report(Problem::new(code, span, message).hint(hint));
    }

    /// How many errors there are so far.
    pub(super) fn errors(&self) -> usize {
        self.errors.get()
    }

    /// Whether another nearest word may be looked for.
    pub(super) fn may_suggest(&self) -> bool {
        self.suggestions.set(self.suggestions.get() + 1);
        self.suggestions.get() <= SUGGESTIONS
    }

    /// Everything in the order of the texts; what is found twice is said once.
    pub(super) fn into_diagnostics(self) -> Diagnostics {
        let mut problems = self.problems.into_inner();
        let found = problems.len();
        problems.sort();
        problems.dedup();
        let total = self.total.get() - (found - problems.len());
        let sources = self.sources.into_inner();
        let mut list = source::shown(problems, &|number| sources.get(number as usize).map(|source| &**source));
        list.set_total(total);
        list
    }
}
