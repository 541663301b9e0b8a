//! The end of a command that ran flows: what to look at first, and the counts.

use assay_engine::id::ExecutionId;
use assay_engine::status::{ExecutionStatus, worst_exit_code};

use super::paint::Paint;
use super::text::{clean, duration, name};

/// What one flow came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Its name.
    pub(crate) flow: String,
    /// Its execution.
    pub(crate) execution: ExecutionId,
    /// Its verdict.
    pub(crate) status: ExecutionStatus,
    /// The first step that explains the verdict, and why, in one line.
    pub(crate) first: Option<(String, String)>,
}

/// What can be typed next about an execution that is kept: words before its id, and behind it.
pub(crate) type Next = (&'static str, &'static str);

/// The closing lines. `next`: what can be typed about the execution to look at first; nothing when it is not kept.
pub(crate) fn summary(outcomes: &[Outcome], not_started: usize, millis: u64, next: &[Next], paint: Paint) -> String {
    let mut out = String::new();
    let worst = worst_exit_code(outcomes.iter().map(|outcome| outcome.status.exit_code()));
    // Whoever cancelled it knows why.
    let telling = worst != 0 && worst != ExecutionStatus::Cancelled.exit_code();
    let first = outcomes.iter().find(|outcome| telling && outcome.status.exit_code() == worst);
    if let Some(outcome) = first {
        let (step, why) = outcome.first.clone().unwrap_or_default();
        let place = match (outcomes.len(), step.is_empty()) {
            (1, true) => outcome.flow.clone(),
            (1, false) => step,
            (_, true) => outcome.flow.clone(),
            (_, false) => format!("{step} of {}", outcome.flow),
        };
        let why = if why.is_empty() { outcome.status.word().to_owned() } else { why };
        out.push_str(&format!("\n{} {}: {}\n", paint.bold("Look first at"), paint.bold(&name(&place)), clean(&why)));
        for (before, behind) in next {
            out.push_str(&format!("  {}\n", paint.faint(&format!("assay {before} {}{behind}", outcome.execution))));
        }
    }
    if outcomes.len() != 1 || not_started > 0 {
        out.push_str(&counts(outcomes, not_started, millis, paint));
    }
    out
}

fn counts(outcomes: &[Outcome], not_started: usize, millis: u64, paint: Paint) -> String {
    let order = [
        ExecutionStatus::Passed,
        ExecutionStatus::Failed,
        ExecutionStatus::Errored,
        ExecutionStatus::TimedOut,
        ExecutionStatus::Cancelled,
    ];
    let mut parts: Vec<String> = order
        .iter()
        .map(|status| (status, outcomes.iter().filter(|outcome| outcome.status == *status).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| paint.execution(*status, &format!("{count} {}", status.word())))
        .collect();
    if not_started > 0 {
        parts.push(paint.yellow(&format!("{not_started} not started")));
    }
    let total = outcomes.len() + not_started;
    let flows = if total == 1 { "1 flow".to_owned() } else { format!("{total} flows") };
    format!("\n{flows}: {}  {}\n", parts.join(", "), paint.faint(&duration(millis)))
}
