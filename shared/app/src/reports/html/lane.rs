//! The timeline: when a step waited, acted, looked and waited again, beside its row.
//!
//! Places are percentages of the whole time, in attributes of SVG: they follow the width of the page without a script
//! and without inline styles.

use assay_engine::job::Outcome;
use assay_engine::status::StepStatus;
use jiff::Timestamp;

use super::super::text::{between, duration};
use super::markup::Markup;
use crate::view::{ExecutionView, PlaceView};

/// A bar is at least so wide, as a part of the whole.
const NARROWEST: f64 = 0.004;

/// From the first to the last moment of an execution.
#[derive(Clone, Copy)]
pub(super) struct Span {
    from: Timestamp,
    millis: u64,
}

impl Span {
    /// That of an execution; none when nothing happened in it.
    pub(super) fn of(view: &ExecutionView) -> Option<Self> {
        let from = view.started_at.or(view.queued_at)?;
        let places = view
            .steps
            .iter()
            .flat_map(|step| std::iter::once(&step.place).chain(step.instances.iter().map(|instance| &instance.place)));
        let last = places.filter_map(|place| place.ended_at.or(place.started_at)).max();
        let to = view.ended_at.into_iter().chain(last).max().unwrap_or(from);
        Some(Self { from, millis: between(from, to).max(1) })
    }

    /// How long after the beginning.
    pub(super) fn after(self, at: Timestamp) -> u64 {
        between(self.from, at)
    }

    fn part(self, at: Timestamp) -> f64 {
        let millis = at.duration_since(self.from).as_secs_f64() * 1000.0;
        (millis / self.millis as f64).clamp(0.0, 1.0)
    }

    /// The scale above the lanes.
    pub(super) fn axis(self, out: &mut Markup) {
        let step = self.step();
        out.raw("<svg class=\"lane axis\" aria-hidden=\"true\">");
        let mut at = 0;
        while at <= self.millis {
            let part = at as f64 / self.millis as f64;
            let class = if part > 0.9 { "<text class=\"end\" x=\"" } else { "<text x=\"" };
            out.raw("<line y1=\"12\" y2=\"18\" x1=\"").percent(part).raw("\" x2=\"").percent(part).raw("\"/>");
            out.raw(class).percent(part).raw("\" y=\"10\">").text(&tick(at)).raw("</text>");
            at += step;
        }
        out.raw("</svg>");
    }

    /// A distance of ticks that makes at most five.
    fn step(self) -> u64 {
        let least = self.millis.div_ceil(4).max(1);
        let mut unit = 1;
        loop {
            for factor in [1, 2, 5] {
                if unit * factor >= least {
                    return unit * factor;
                }
            }
            unit *= 10;
        }
    }
}

fn tick(millis: u64) -> String {
    match millis {
        0 => "0".to_owned(),
        1..1000 => format!("{millis} ms"),
        _ if millis.is_multiple_of(1000) && millis < 60_000 => format!("{} s", millis / 1000),
        _ => duration(millis),
    }
}

/// The lane of a step or an instance.
pub(super) fn lane(out: &mut Markup, span: Option<Span>, place: &PlaceView, group: bool) {
    out.raw("<svg class=\"lane\" aria-hidden=\"true\">");
    if let Some(span) = span {
        let ran = place.attempts.iter().any(|attempt| attempt.result.is_some());
        match (place.started_at, place.ended_at) {
            (Some(from), Some(to)) if group || !ran => {
                bar(out, span, from, to, if group { "group" } else { class(place.status) }, "");
            }
            _ => attempts(out, span, place),
        }
    }
    out.raw("</svg>");
}

fn attempts(out: &mut Markup, span: Span, place: &PlaceView) {
    for attempt in &place.attempts {
        let Some(result) = attempt.result.as_deref() else {
            if let Some(from) = attempt.dispatched_at.or(attempt.started_at) {
                bar(out, span, from, place.ended_at.unwrap_or(from), "waited", "handed out, no answer");
            }
            continue;
        };
        if let Some(from) = attempt.dispatched_at.filter(|from| *from < result.started_at) {
            bar(out, span, from, result.started_at, "waited", "");
        }
        let took = between(result.started_at, result.ended_at);
        let said = format!("attempt {}: {}, {}", attempt.number, said(result.outcome), duration(took));
        bar(out, span, result.started_at, result.ended_at, of(result.outcome), &said);
        if let Some(again) = attempt.retry_at {
            let (from, to) = (span.part(result.ended_at), span.part(again));
            out.raw("<line class=\"pause\" y1=\"50%\" y2=\"50%\" x1=\"").percent(from).raw("\" x2=\"").percent(to);
            out.raw("\"/>");
        }
        for look in result.looks.iter().flat_map(|looks| &looks.kept) {
            out.raw("<circle cy=\"50%\" r=\"2.5\" class=\"look ").raw(of(look.outcome)).raw("\" cx=\"");
            out.percent(span.part(look.at)).raw("\"/>");
        }
    }
}

fn bar(out: &mut Markup, span: Span, from: Timestamp, to: Timestamp, class: &'static str, title: &str) {
    let start = span.part(from).min(1.0 - NARROWEST);
    let width = (span.part(to) - start).max(NARROWEST);
    out.raw("<rect rx=\"2\" y=\"25%\" height=\"50%\" class=\"").raw(class).raw("\" x=\"").percent(start);
    out.raw("\" width=\"").percent(width);
    if title.is_empty() {
        out.raw("\"/>");
    } else {
        out.raw("\"><title>").text(title).raw("</title></rect>");
    }
}

fn of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Errored => "errored",
        Outcome::TimedOut => "timedOut",
        Outcome::Cancelled => "cancelled",
    }
}

/// The word for an outcome.
pub(super) fn said(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::TimedOut => "out of time",
        other => of(other),
    }
}

fn class(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Passed => "passed",
        StepStatus::Failed => "failed",
        StepStatus::Errored => "errored",
        StepStatus::TimedOut => "timedOut",
        StepStatus::Cancelled => "cancelled",
        _ => "waited",
    }
}
