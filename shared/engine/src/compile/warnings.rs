//! What only all of a flow tells, and what may be a mistake but need not be.

use std::time::Duration;

use super::flow::Scene;
use super::headings::Headings;
use super::inputs::Declared;
use super::secrets;
use super::step::{Kind, Raw};
use crate::diagnostics::Code;
use crate::duration;
use crate::job::Looks;
use crate::source::{Problem, Span};

impl Scene<'_> {
    /// A time that a step waits by itself.
    pub(super) fn note_wait(&self, time: Duration, span: Span) {
        let mut longest = self.longest.borrow_mut();
        if longest.is_none_or(|(known, _)| time > known) {
            *longest = Some((time, span));
        }
    }

    /// The place of a step's `with`, or of its type when it has none.
    pub(super) fn with_span(&self, raw: &Raw<'_>) -> Span {
        raw.node.entry("with").map_or_else(|| raw.type_node.unwrap_or(raw.node).span, |entry| entry.key_span)
    }
}

/// A wait longer than the execution's default time.
pub(super) fn timeout(scene: &Scene<'_>, headings: &Headings) {
    if let Some((time, span)) = *scene.longest.borrow()
        && !headings.timeout_given
        && time >= headings.timeout
    {
        let message = format!("{} are more than the hour that an execution may take", duration::text(time));
        let hint = format!("give the flow a `timeout` of more than {}", duration::text(time));
        scene.shared.error_hint(Code::NeedsTimeout, span, message, hint);
    }
}

/// What a step seems to lack.
pub(super) fn step(scene: &Scene<'_>, raw: &Raw<'_>, assertions: usize, looks: Option<Looks>) {
    let Kind::Job(spec) = raw.kind else { return };
    if assertions > 0 || raw.get("assert").is_some() || raw.section == crate::plan::Section::Finally {
        return;
    }
    if looks.is_some() {
        let message = format!("`{}` looks again and asserts nothing: the first look decides", raw.id);
        let problem = Problem::new(Code::LooksWithoutAssertion, raw.id_span, message);
        return scene.shared.report(problem.hint("add `assert`"));
    }
    // A type that waits for something fails by itself when it does not come.
    let judges = spec.arming().is_some() || spec.name().ends_with(".expect");
    let asked = raw.get("capture").is_some();
    if !judges && !asked && !spec.outputs().is_empty() {
        let message = format!("`{}` passes whatever is answered", raw.id);
        scene.shared.report(Problem::new(Code::NoAssertion, raw.id_span, message).hint("add `assert`"));
    }
}

/// Inputs and secrets that nothing names.
pub(super) fn unused(scene: &Scene<'_>, declared: &[Declared], secrets: &[secrets::Declared]) {
    if scene.shared.errors() > 0 {
        // A mistyped name would be told twice.
        return;
    }
    let named = scene.names.found.borrow();
    for input in declared.iter().filter(|declared| !named.inputs.contains(&declared.input.name)) {
        let problem =
            Problem::new(Code::UnusedInput, input.span, format!("nothing names the input `{}`", input.input.name));
        scene.shared.report(problem.hint("take it away"));
    }
    for secret in secrets.iter().filter(|secret| !named.secrets.contains(&secret.name)) {
        let problem =
            Problem::new(Code::UnusedSecret, secret.span, format!("nothing names the secret `{}`", secret.name));
        scene.shared.report(problem.hint("take it away"));
    }
}
