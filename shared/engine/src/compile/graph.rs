//! The order of steps: needs, what follows from them, and circles.

use std::collections::HashMap;
use std::sync::Arc;

use super::context::Shared;
use super::fields::cut;
use super::step::Raw;
use crate::diagnostics::Code;
use crate::plan::Section;
use crate::source::{Node, Problem, Span};

/// Who needs whom.
pub(super) struct Graph {
    pub(super) needs: Vec<Vec<usize>>,
    pub(super) dependents: Vec<Vec<usize>>,
    /// For each step a bit for each that it needs, directly or not.
    reach: Vec<Vec<u64>>,
    main: usize,
}

impl Graph {
    /// Settles the order. `main`: how many of the steps are main ones.
    pub(super) fn of(shared: &Shared<'_>, raws: &[Raw<'_>], by_id: &HashMap<Arc<str>, usize>, main: usize) -> Self {
        let needs: Vec<Vec<usize>> = raws.iter().map(|raw| needs_of(shared, raws, raw, by_id)).collect();
        let mut dependents = vec![Vec::new(); raws.len()];
        for (step, needs) in needs.iter().enumerate() {
            for need in needs {
                dependents[*need].push(step);
            }
        }
        let mut graph = Self { needs, dependents, reach: vec![vec![0; raws.len().div_ceil(64)]; raws.len()], main };
        graph.close(shared, raws);
        graph
    }

    /// Fills `reach` in an order in which every step comes after its needs, and names a circle if there is one.
    fn close(&mut self, shared: &Shared<'_>, raws: &[Raw<'_>]) {
        let mut open: Vec<usize> = self.needs.iter().map(Vec::len).collect();
        let mut ready: Vec<usize> = (0..raws.len()).filter(|step| open[*step] == 0).collect();
        let mut done = 0;
        while let Some(step) = ready.pop() {
            done += 1;
            let mut bits = std::mem::take(&mut self.reach[step]);
            for need in &self.needs[step] {
                bits[need / 64] |= 1 << (need % 64);
                for (word, more) in bits.iter_mut().zip(&self.reach[*need]) {
                    *word |= more;
                }
            }
            self.reach[step] = bits;
            for dependent in &self.dependents[step] {
                open[*dependent] -= 1;
                if open[*dependent] == 0 {
                    ready.push(*dependent);
                }
            }
        }
        if done < raws.len() {
            self.report_circle(shared, raws, &open);
            // What stands in or behind the circle may name everything: the circle itself is the one problem.
            for step in (0..raws.len()).filter(|step| open[*step] > 0) {
                self.reach[step].iter_mut().for_each(|word| *word = u64::MAX);
            }
        }
    }

    fn report_circle(&self, shared: &Shared<'_>, raws: &[Raw<'_>], open: &[usize]) {
        let Some(mut step) = (0..raws.len()).find(|step| open[*step] > 0) else { return };
        let mut seen = vec![usize::MAX; raws.len()];
        let mut way = Vec::new();
        while seen[step] == usize::MAX {
            seen[step] = way.len();
            way.push(step);
            let Some(next) = self.needs[step].iter().find(|need| open[**need] > 0) else { return };
            step = *next;
        }
        let circle: Vec<&str> = way[seen[step]..].iter().chain([&step]).map(|step| &*raws[*step].id).collect();
        let shown = match circle.len() > 12 {
            true => format!("{} -> ... -> {}", circle[..10].join(" -> "), raws[step].id),
            false => circle.join(" -> "),
        };
        let problem = Problem::new(Code::Cycle, raws[step].id_span, format!("these steps need each other: {shown}"));
        shared.report(problem.hint("take one of these needs away"));
    }

    /// Whether `step` runs only after `other` has ended.
    pub(super) fn reaches(&self, step: usize, other: usize) -> bool {
        if step >= self.main {
            return other < step;
        }
        other < self.main && self.reach[step][other / 64] >> (other % 64) & 1 == 1
    }

    /// Everything that a step needs, ascending.
    pub(super) fn transitive(&self, step: usize) -> Vec<usize> {
        (0..self.reach.len()).filter(|other| self.reach[step][other / 64] >> (other % 64) & 1 == 1).collect()
    }

    pub(super) fn is_finally(&self, step: usize) -> bool {
        step >= self.main
    }
}

fn needs_of(shared: &Shared<'_>, raws: &[Raw<'_>], raw: &Raw<'_>, by_id: &HashMap<Arc<str>, usize>) -> Vec<usize> {
    let Some(node) = raw.get("needs") else {
        let above = raw.index.checked_sub(1).filter(|above| raws[*above].section == raw.section);
        return above.into_iter().collect();
    };
    let mut needs = Vec::new();
    for name in shared.one_or_list(node) {
        if let Some(need) = need_of(shared, raws, raw, name, by_id)
            && !needs.contains(&need)
        {
            needs.push(need);
        }
    }
    needs
}

fn need_of(
    shared: &Shared<'_>,
    raws: &[Raw<'_>],
    raw: &Raw<'_>,
    node: &Node,
    by_id: &HashMap<Arc<str>, usize>,
) -> Option<usize> {
    let name = shared.literal(node, "a need")?;
    let Some(need) = by_id.get(name.as_str()).copied() else {
        unknown_step(shared, raws, &name, node.span);
        return None;
    };
    let finally = |step: &Raw<'_>| step.section == Section::Finally;
    let hint = match (finally(raw), finally(&raws[need])) {
        (true, false) => "every main step has ended when `finally` starts: leave the need out",
        (false, true) => "`finally` starts when the main steps have ended: move one of the two",
        (true, true) if need >= raw.index => "steps in `finally` run in the order of the text: need one above",
        _ => return Some(need),
    };
    shared.error_hint(Code::NeedsFinally, node.span, format!("`{}` cannot need `{name}`", raw.id), hint);
    None
}

/// Says that there is no such step.
pub(super) fn unknown_step(shared: &Shared<'_>, raws: &[Raw<'_>], name: &str, span: Span) {
    let problem = Problem::new(Code::UnknownStep, span, format!("there is no step `{}`", cut(name)));
    let hint = shared.suggest(name, raws.iter().filter(|raw| raw.named).map(|raw| &*raw.id));
    shared.report(Problem { hint, ..problem });
}
