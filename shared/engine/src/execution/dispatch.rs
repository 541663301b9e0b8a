//! Making jobs: rendering what a step function is given.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::draft::{At, Draft, Draw, Missing};
use super::event::Effect;
use super::parts::{Active, ActiveState};
use super::scope::Seen;
use super::state::Unsent;
use crate::expr::References;
use crate::job::{
    AssertionSpec, CONTRACT, CaptureSpec, Captured, Cookie, Fence, Job, JobPhase, LateTemplate, ScopeValue,
};
use crate::plan::{RetryOn, Step, StepKind};
use crate::record::What;
use crate::types::StepSpec;

/// Why a job could not be made; the step ends with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RenderFault {
    pub(super) message: String,
    /// A value that was never captured: a `finally` step is skipped for it.
    pub(super) undelivered: Option<String>,
}

/// A rendered `with`.
pub(super) struct Rendered {
    pub(super) with: Json,
    pub(super) late: Vec<LateTemplate>,
    pub(super) hash: String,
}

impl Draft<'_> {
    /// Renders a step's `with` as it was or will be: the same every time.
    pub(super) fn rendered(&self, at: At) -> Draw<Result<Rendered, RenderFault>> {
        let step = self.plan_step(at.step);
        let seen = self.see(step.with.references(), at)?;
        let now = self.rendered_at(at)?;
        let undelivered = seen.undelivered.first().cloned();
        let mut cx = self.evaluation(self.place(at).to_string(), now);
        Ok(match self.render(&step.with, &seen, &mut cx) {
            Ok((with, late)) => {
                let hash = hash_of(&with, &late, &seen.deferred, step);
                match undelivered.filter(|_| at.step >= self.plan.main_steps) {
                    Some(name) => {
                        Err(RenderFault { message: format!("{name} was never captured"), undelivered: Some(name) })
                    }
                    None => Ok(Rendered { with, late, hash }),
                }
            }
            Err(message) => Err(RenderFault { message: format!("with{message}"), undelivered }),
        })
    }

    fn rendered_at(&self, at: At) -> Draw<Timestamp> {
        Ok(self.instance(at)?.rendered_at.unwrap_or(self.now))
    }

    /// The job of what is under way at this place, as it was first sent.
    pub(super) fn job(&self, at: At) -> Draw<Option<Job>> {
        let Some(active) = self.active(at)?.cloned() else { return Ok(None) };
        let StepKind::Job { spec } = &self.plan_step(at.step).kind else { return Ok(None) };
        let rendered = self.rendered(at)?;
        let Ok(rendered) = rendered else { return Ok(None) };
        let attempt = self.instance(at)?.attempt;
        self.make_job(at, *spec, &active, attempt, rendered).map(Some)
    }

    /// Sends the next attempt of a job; an attempt number is already set.
    pub(super) fn send_job(&mut self, at: At, phase: JobPhase) -> Draw<Result<(), RenderFault>> {
        let rendered = match self.rendered(at)? {
            Ok(rendered) => rendered,
            Err(fault) => return Ok(Err(fault)),
        };
        let StepKind::Job { spec } = &self.plan_step(at.step).kind else { return Ok(Ok(())) };
        // To record a position does nothing; any other preparation may have acted.
        let repeatable = match phase {
            JobPhase::Prepare if self.plan_step(at.step).arm_before.is_some() => true,
            JobPhase::Prepare | JobPhase::Run => spec.repeatable(&rendered.with),
            JobPhase::Undo => true,
        };
        let now = self.now;
        let state = self.instance_mut(at)?;
        state.rendered_at.get_or_insert(now);
        state.with_hash = Some(rendered.hash.clone());
        let attempt = state.attempt;
        let active = Active {
            phase,
            turn: 0,
            state: ActiveState::Dispatched,
            repeatable,
            deadline: None,
            checkpoint: None,
            places: 1,
            stopping: false,
        };
        state.active = Some(active.clone());
        let job = self.make_job(at, *spec, &active, attempt, rendered)?;
        let place = self.place(at);
        self.record(What::Dispatched { place, phase, attempt });
        self.dispatch(job);
        Ok(Ok(()))
    }

    /// Sends the next turn of an attempt.
    pub(super) fn send_turn(&mut self, at: At) -> Draw<()> {
        if let Some(job) = self.job(at)? {
            self.dispatch(job);
        }
        Ok(())
    }

    fn dispatch(&mut self, job: Job) {
        let unsent = Unsent::Dispatch { fence: job.fence.clone() };
        self.unsent(unsent, Effect::Dispatch { job: Box::new(job) });
    }

    fn make_job(&self, at: At, spec: &dyn StepSpec, active: &Active, attempt: u32, rendered: Rendered) -> Draw<Job> {
        let step = self.plan_step(at.step);
        let runs = active.phase == JobPhase::Run;
        let seen = self.job_scope(at, step, &rendered.late, runs)?;
        let state = self.instance(at)?;
        let window_from = self.window_from(step)?;
        let mut secrets = if runs || !rendered.late.is_empty() { step.secrets.clone() } else { Vec::new() };
        // An input that a parent made from a secret is finished here too.
        let mut more = BTreeSet::new();
        seen.deferred.iter().for_each(|deferred| deferred.value.secrets(&mut more));
        secrets.extend(more.into_iter().filter(|name| !step.secrets.contains(name)));
        let mut mask = self.mask(at.step)?;
        mask.secrets.retain(|name| !secrets.contains(name));
        mask.sealed.retain(|text| !seen.deferred.iter().any(|named| named.value.is_sealed_as(text)));
        let head = &self.head;
        Ok(Job {
            contract: CONTRACT,
            organization: head.organization.clone(),
            project: head.project.clone(),
            execution: head.id.clone(),
            flow_version: head.flow_version.clone(),
            fence: self.fence(at, active.phase, attempt, active.turn),
            step_type: spec.name().to_owned(),
            runs_on: step.runs_on.clone(),
            with: rendered.with,
            late: rendered.late,
            scope: seen.values,
            deferred: seen.deferred,
            secrets,
            mask,
            env: if runs { (*self.plan.env).clone() } else { BTreeMap::new() },
            files: step.files.clone(),
            assertions: if runs { assertions(step) } else { Vec::new() },
            captures: if runs { captures(step) } else { Vec::new() },
            hidden: if runs { step.hidden.clone() } else { Vec::new() },
            retry_on: if runs { retry_on(step) } else { Vec::new() },
            looks: step.looks.filter(|_| runs),
            timeout_ms: u64::try_from(step.timeout.as_millis()).unwrap_or(u64::MAX),
            deadline: active.deadline,
            rendered_at: self.rendered_at(at)?,
            seed: head.seed,
            prepared: state.prepared.clone(),
            undo: state.undo.clone().filter(|_| active.phase == JobPhase::Undo),
            checkpoint: active.checkpoint.clone(),
            cookies: if active.phase == JobPhase::Undo { Vec::new() } else { self.cookies(step)? },
            window_from,
            execution_started_at: head.started_at.unwrap_or(head.created_at),
        })
    }

    fn job_scope(&self, at: At, step: &Step, late: &[LateTemplate], runs: bool) -> Draw<Seen> {
        let mut wanted = References::default();
        if runs {
            wanted.roots.extend(step.scope.iter().cloned());
        }
        for (pointer, template) in step.with.templates() {
            if late.iter().any(|one| one.at == pointer) {
                wanted.roots.extend(template.references().roots.iter().cloned());
            }
        }
        self.see(&wanted, at)
    }

    fn window_from(&self, step: &Step) -> Draw<Option<Timestamp>> {
        let Some(target) = step.arm_before else { return Ok(None) };
        Ok(self.instance(At::step(target))?.ended_at)
    }

    fn cookies(&self, step: &Step) -> Draw<Vec<Cookie>> {
        let mut cookies = Vec::new();
        let mut missing = BTreeSet::new();
        for leaver in self.head.cookie_steps.iter().map(|index| *index as usize) {
            let seen = step.transitive.binary_search(&leaver).is_ok()
                || (leaver < self.plan.main_steps && step.section == crate::plan::Section::Finally);
            if !seen {
                continue;
            }
            match self.cookies_of(leaver) {
                Ok(found) => cookies.extend(found),
                Err(Missing(parts)) => missing.extend(parts),
            }
        }
        if !missing.is_empty() {
            return Err(Missing(missing));
        }
        cookies.sort_by_key(|cookie: &Cookie| cookie.at);
        Ok(cookies)
    }

    fn cookies_of(&self, step: usize) -> Draw<Vec<Cookie>> {
        let Some(expansion) = self.foreach(step)? else {
            return Ok(self.values(At::step(step))?.cookies.clone());
        };
        let mut cookies = Vec::new();
        for index in 0..expansion.next {
            cookies.extend(self.values(At { step, instance: Some(index) })?.cookies.iter().cloned());
        }
        Ok(cookies)
    }

    /// What an unsent entry stands for; none when the state has moved on.
    pub(super) fn effect_of(&self, unsent: &Unsent) -> Draw<Option<Effect>> {
        Ok(match unsent {
            Unsent::Dispatch { fence } => {
                let Some(at) = self.current(fence)? else { return Ok(None) };
                self.job(at)?.map(|job| Effect::Dispatch { job: Box::new(job) })
            }
            Unsent::Proceed { fence } => {
                let Some(at) = self.current(fence)? else { return Ok(None) };
                self.job(at)?.map(|job| Effect::Proceed { job: Box::new(job) })
            }
            Unsent::StartChild { fence } => {
                let Some(at) = self.current(fence)? else { return Ok(None) };
                self.child_start(at)?.map(|child| Effect::StartChild { child: Box::new(child) })
            }
            Unsent::Stop { fence } => Some(Effect::Stop { fence: fence.clone() }),
            Unsent::StopChild { fence, forced } => {
                let Some(at) = self.at(fence) else { return Ok(None) };
                let child = self.instance(at)?.child.clone();
                child.map(|child| Effect::StopChild { child, forced: *forced })
            }
            Unsent::Finish => Some(Effect::Finish { status: self.head.status }),
        })
    }

    pub(super) fn at(&self, fence: &Fence) -> Option<At> {
        self.plan.step_index(&fence.step).map(|step| At { step, instance: fence.instance })
    }

    /// The place of a fence that is under way.
    pub(super) fn current(&self, fence: &Fence) -> Draw<Option<At>> {
        let Some(at) = self.at(fence) else { return Ok(None) };
        let foreach = self.plan_step(at.step).foreach.is_some();
        if foreach != at.instance.is_some() {
            return Ok(None);
        }
        Ok((self.active_fence(at)?.as_ref() == Some(fence)).then_some(at))
    }
}

fn hash_of(with: &Json, late: &[LateTemplate], deferred: &[ScopeValue], step: &Step) -> String {
    let mut hash = Sha256::new();
    hash.update(with.to_string());
    for one in late {
        hash.update([0]);
        hash.update(&one.at);
        hash.update([0]);
        hash.update(&one.template);
    }
    // What a template is left over of says only what it names: an input made from a secret has a text of its own.
    for one in deferred {
        if let Captured::Deferred(made) = &one.value {
            hash.update([2]);
            hash.update(&one.at);
            hash.update(json!([made.value, made.late, made.scope]).to_string());
        }
    }
    for (name, file) in &step.files {
        hash.update([1]);
        hash.update(name);
        hash.update(&file.sha256);
    }
    hex::encode(&hash.finalize()[..12])
}

fn assertions(step: &Step) -> Vec<AssertionSpec> {
    let spec = |one: &crate::plan::Assertion| AssertionSpec {
        that: one.that.text().to_owned(),
        message: one.message.clone(),
        soft: one.soft,
    };
    step.assertions.iter().map(spec).collect()
}

fn captures(step: &Step) -> Vec<CaptureSpec> {
    let spec = |one: &crate::plan::Capture| CaptureSpec {
        name: one.name.clone(),
        value: one.value.text().to_owned(),
        secret: one.secret,
    };
    step.captures.iter().map(spec).collect()
}

fn retry_on(step: &Step) -> Vec<String> {
    let text = |on: &RetryOn| match on {
        RetryOn::Expression(program) => Some(program.text().to_owned()),
        _ => None,
    };
    step.retry.on.iter().filter_map(text).collect()
}
