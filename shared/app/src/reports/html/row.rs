//! Rows: a step, an instance, what is below it.

use std::cell::Cell;
use std::collections::HashMap;

use assay_engine::id::ExecutionId;
use assay_engine::status::StepStatus;

use super::super::case::{Came, Case, Suite};
use super::super::report::Report;
use super::super::text::{cut, duration};
use super::detail::detail;
use super::lane::{Span, lane};
use super::markup::Markup;
use crate::view::StepView;

/// So many steps that did not pass are open from the beginning.
const OPEN: usize = 12;
/// Beyond so many rows, what passed is shown without its details.
const DETAILED: usize = 3000;
/// A `foreach` step with more instances is folded when they passed.
const FEW: usize = 10;
/// Characters of the reason in a row.
const REASON: usize = 220;

/// What rows share.
pub(super) struct Rows<'a> {
    pub(super) report: &'a Report,
    /// The numbers of the anchors, by execution, step and instance.
    numbers: HashMap<(ExecutionId, String, Option<u32>), usize>,
    opened: Cell<usize>,
    written: Cell<usize>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        let mut numbers = HashMap::new();
        for suite in Suite::all(report) {
            for step in &suite.view.steps {
                let instances = step.instances.iter().map(|instance| Some(instance.index));
                for index in std::iter::once(None).chain(instances) {
                    let number = numbers.len() + 1;
                    numbers.insert((suite.view.id.clone(), step.id.clone(), index), number);
                }
            }
        }
        Self { report, numbers, opened: Cell::new(0), written: Cell::new(0) }
    }

    /// The number of a case's anchor.
    pub(super) fn number(&self, suite: &Suite<'_>, case: &Case<'_>) -> usize {
        let key = (suite.view.id.clone(), case.step.id.clone(), case.index);
        self.numbers.get(&key).copied().unwrap_or(0)
    }

    /// The rows of an execution, its clean-up apart.
    pub(super) fn steps(&self, out: &mut Markup, suite: &Suite<'a>, span: Option<Span>) {
        out.raw("<ol class=\"steps\">");
        let mut cleaning = false;
        for step in &suite.view.steps {
            if step.finally && !cleaning {
                cleaning = true;
                out.raw("<li class=\"part\">finally</li>");
            }
            self.step(out, suite, step, span);
        }
        out.raw("</ol>");
    }

    fn step(&self, out: &mut Markup, suite: &Suite<'a>, step: &'a StepView, span: Option<Span>) {
        let case = suite.whole(step);
        let instances: Vec<Case<'a>> = suite.cases_of(step).into_iter().filter(|case| case.index.is_some()).collect();
        let child = suite.child_of(self.report, case.place);
        if instances.is_empty() && child.is_none() {
            self.row(out, suite, &case, span, None, |_, _| {});
            return;
        }
        let troubled = case.came != Came::Passed;
        let open = troubled || instances.len() <= FEW;
        self.row(out, suite, &case, span, Some(open), |rows, out| {
            if !instances.is_empty() {
                out.raw("<ol class=\"steps\">");
                for instance in &instances {
                    let below = suite.child_of(rows.report, instance.place);
                    let open = below.is_some().then_some(instance.came != Came::Passed);
                    rows.row(out, suite, instance, span, open, |rows, out| {
                        below.iter().for_each(|below| rows.steps(out, below, span));
                    });
                }
                out.raw("</ol>");
            }
            if instances.is_empty() {
                child.iter().for_each(|child| rows.steps(out, child, span));
            }
        });
    }

    /// One row. `group`: it has rows below it; whether they are open.
    fn row(
        &self,
        out: &mut Markup,
        suite: &Suite<'a>,
        case: &Case<'a>,
        span: Option<Span>,
        group: Option<bool>,
        below: impl FnOnce(&Self, &mut Markup),
    ) {
        self.written.set(self.written.get() + 1);
        let counts = case.came.counts();
        let open = group.unwrap_or_else(|| counts && self.opened.get() < OPEN);
        if open && group.is_none() {
            self.opened.set(self.opened.get() + 1);
        }
        out.raw("<li class=\"step ").raw(class(case.came));
        out.raw(if case.flaky() { " flaky" } else { "" }).raw(if group.is_some() { " group" } else { "" });
        out.raw("\" id=\"s").number(self.number(suite, case)).raw("\"><details");
        out.raw(if open { " open" } else { "" }).raw("><summary>");
        head(out, case, span, group.is_some());
        out.raw("</summary>");
        if case.came != Came::Passed || case.flaky() || self.written.get() <= DETAILED {
            detail(out, self.report, span, case, suite.facts.map(|facts| facts.file.as_str()));
        } else {
            out.raw("<div class=\"detail\"><p class=\"faint\">It passed; details are left out beyond ");
            out.number(DETAILED).raw(" rows. <code>assay show ").text(suite.view.id.as_str()).raw("</code></p></div>");
        }
        below(self, out);
        out.raw("</details></li>");
    }
}

fn head(out: &mut Markup, case: &Case<'_>, span: Option<Span>, group: bool) {
    let place = case.place;
    out.raw("<span class=\"sign\" aria-hidden=\"true\">").raw(sign(case.came)).raw("</span><span class=\"who\"><h3>");
    out.text(&case.name()).raw("</h3>");
    let name = case.facts.and_then(|facts| facts.name.as_deref()).filter(|_| case.index.is_none());
    if let Some(facts) = case.facts.filter(|_| case.index.is_none()) {
        out.raw(" ").element("span", "type", &facts.type_name);
    }
    if let Some(name) = name {
        out.raw(" ").element("span", "faint", name);
    }
    pills(out, case, group);
    if !matches!(case.came, Came::Passed) && (!group || place.error.is_some()) {
        out.raw(" ").element("span", "why", &cut(&place.reason().unwrap_or_default(), REASON));
    }
    out.raw("</span>");
    lane(out, span, place, group);
    let took = match case.came {
        Came::Skipped => String::new(),
        _ => place.duration_ms.map(duration).unwrap_or_default(),
    };
    out.element("span", "took", &took);
}

/// What is told of a row in a word or two.
fn pills(out: &mut Markup, case: &Case<'_>, group: bool) {
    let place = case.place;
    if case.came == Came::Passed {
        out.raw(" <span class=\"hidden\">passed</span>");
    } else {
        out.raw(" ").element("span", "pill state", word(case.came, place.status.word()));
    }
    let mut pills = Vec::new();
    if case.flaky() {
        out.raw(" ").element("span", "pill state", &format!("flaky: passed at attempt {}", place.attempts.len()));
    } else if place.attempts.len() > 1 {
        pills.push(format!("{} attempts", place.attempts.len()));
    }
    if let Some(looks) = place.result().and_then(|result| result.looks.as_ref()).filter(|looks| looks.count > 1) {
        pills.push(format!("{} looks", looks.count));
    }
    if let Some(expanded) = case.step.expanded.filter(|_| group && case.index.is_none()) {
        let passed = case.step.instances.iter().filter(|one| one.place.status == StepStatus::Passed).count();
        pills.push(format!("{passed} of {expanded} passed"));
    }
    if place.carried.is_some() {
        pills.push("carried over".to_owned());
    }
    if case.soft() {
        pills.push("only soft assertions".to_owned());
    }
    for pill in &pills {
        out.raw(" ").element("span", "pill", pill);
    }
}

/// The class of what a case came to.
pub(super) fn class(came: Came) -> &'static str {
    match came {
        Came::Passed => "passed",
        Came::Failed => "failed",
        Came::Errored => "errored",
        Came::TimedOut => "timedOut",
        Came::Allowed => "allowed",
        Came::Skipped => "skipped",
        Came::Cancelled => "cancelled",
        Came::Unfinished => "unfinished",
    }
}

/// A sign that does not need colour.
pub(super) fn sign(came: Came) -> &'static str {
    match came {
        Came::Passed => "✓",
        Came::Failed => "✗",
        Came::Errored => "!",
        Came::TimedOut => "◷",
        Came::Allowed => "≈",
        Came::Skipped => "–",
        Came::Cancelled => "■",
        Came::Unfinished => "…",
    }
}

fn word(came: Came, status: &'static str) -> &'static str {
    match came {
        Came::TimedOut => "out of time",
        Came::Allowed => "allowed to fail",
        _ => status,
    }
}
