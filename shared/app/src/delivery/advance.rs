//! One batch of one execution: load, perform what is unsent, apply, save once, perform.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use assay_engine::execution::{Change, Effect, Event, Head, Ignored, PartId, Token, Transition};
use assay_engine::id::ExecutionId;
use assay_engine::record::Record;
use assay_engine::status::ExecutionStatus;
use jiff::Timestamp;

use super::dispatcher::{Asked, Dispatcher, ShortWait};
use super::due::{NEAR, RESEND, has_child, next_look};
use super::session::{Session, distinct};
use crate::plans::PlanError;
use crate::ports::{ClaimKey, Message, PortError, PortErrorClass, QueueName, Save, Saved};

/// Batches begun anew because somebody else was faster, before the messages go back to the queue.
const MAX_CONFLICTS: u32 = 8;
/// Loads for one event before the state counts as broken.
const MAX_LOADS: u32 = 64;

/// Why a batch did not go through.
#[derive(Debug)]
pub(super) enum Trouble {
    /// A port said no; the messages come again.
    Port(PortError),
    /// Somebody else changed the execution: begin anew.
    Conflict,
    /// The state cannot be loaded or applied: no repetition helps.
    Fault(String),
}

impl From<PortError> for Trouble {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

/// What a batch has come to so far, before it is saved.
#[derive(Default)]
struct Draft {
    change: Option<Change>,
    /// Claims that the state has seen the end of.
    settled: Vec<ClaimKey>,
    /// To perform besides the change's own effects.
    effects: Vec<Effect>,
}

impl Dispatcher {
    /// Deals with what was received for one execution.
    pub(super) async fn advance(&self, id: &ExecutionId, asked: &Asked) -> Result<Vec<ShortWait>, PortError> {
        for _ in 0..MAX_CONFLICTS {
            match self.advance_once(id, asked, true).await {
                Ok(waits) => return Ok(waits),
                Err(Trouble::Conflict) => {}
                Err(Trouble::Fault(reason)) => {
                    self.set_aside(id, &reason).await?;
                    return Ok(Vec::new());
                }
                Err(Trouble::Port(error)) => return Err(error),
            }
        }
        Err(PortError::retry(format!("save execution {id}: others were faster, {MAX_CONFLICTS} times")))
    }

    /// See [`Dispatcher::leave`].
    pub(super) async fn leave_saved(&self, id: &ExecutionId, event: Event) -> Result<(), PortError> {
        let asked = Asked { events: vec![event], look: false };
        for _ in 0..MAX_CONFLICTS {
            match self.advance_once(id, &asked, false).await {
                Ok(_) => return Ok(()),
                Err(Trouble::Conflict) => {}
                Err(Trouble::Fault(reason)) => return Err(PortError::bug(reason)),
                Err(Trouble::Port(error)) => return Err(error),
            }
        }
        Err(PortError::retry(format!("save execution {id}: others were faster, {MAX_CONFLICTS} times")))
    }

    /// `perform`: effects are performed here; else they stay unsent, due at once.
    async fn advance_once(&self, id: &ExecutionId, asked: &Asked, perform: bool) -> Result<Vec<ShortWait>, Trouble> {
        let Some(mut session) = self.at_hand(id).await? else {
            tracing::warn!(execution = %id, "messages for an execution that is not there: dropped");
            return Ok(Vec::new());
        };
        let mut waits = Vec::new();
        let unsent = perform && !session.sent;
        if unsent {
            let effects = self.unsent(&mut session).await?;
            waits = self.perform(&session, effects).await?;
            self.sessions.note_sent(&mut session);
        }
        let now = self.platform.now().await?.max(session.head().now);
        let mut draft = Draft::default();
        for event in &asked.events {
            self.take_in(&mut session, event, now, &mut draft).await?;
        }
        if asked.look {
            self.look(&mut session, now, &mut draft).await?;
        }
        let ended = session.head().status.ended();
        if draft.change.is_none() && ended && unsent {
            self.close(session, draft.settled).await?;
        } else if draft.change.is_none() && (ended || !asked.look) {
            waits.extend(self.nothing_new(session, draft).await?);
        } else {
            waits.extend(self.save_and_perform(session, draft, now, perform).await?);
        }
        Ok(waits)
    }

    /// The session kept from before, or one loaded now.
    pub(super) async fn at_hand(&self, id: &ExecutionId) -> Result<Option<Session>, Trouble> {
        if let Some(session) = self.sessions.take(id) {
            return Ok(Some(session));
        }
        let loaded = match self.platform.store.load(id, &[PartId::Start]).await {
            Err(error) if error.class == PortErrorClass::Bug => return Err(Trouble::Fault(error.to_string())),
            loaded => loaded?,
        };
        let Some(loaded) = loaded else { return Ok(None) };
        let plan = self.platform.plans.get(&*self.platform.store, &loaded.head.flow_version, &loaded.head.main).await;
        match plan {
            Ok(plan) => Ok(Some(self.sessions.known(Session::of(loaded, plan)))),
            Err(PlanError::Store(error)) if error.class != PortErrorClass::Bug => Err(Trouble::Port(error)),
            Err(fault) => Err(Trouble::Fault(fault.to_string())),
        }
    }

    /// Loads parts into the session; a conflict when the execution has moved on since its head was loaded.
    pub(super) async fn fetch(&self, session: &mut Session, parts: Vec<PartId>) -> Result<(), Trouble> {
        let loaded = match self.platform.store.load(&session.head().id, &distinct(parts)).await {
            Err(error) if error.class == PortErrorClass::Bug => return Err(Trouble::Fault(error.to_string())),
            loaded => loaded?,
        };
        match loaded {
            Some(loaded) if loaded.version == session.version => {
                session.provide(loaded);
                Ok(())
            }
            _ => Err(Trouble::Conflict),
        }
    }

    async fn unsent(&self, session: &mut Session) -> Result<Vec<Effect>, Trouble> {
        for _ in 0..MAX_LOADS {
            match session.execution.unsent(&session.plan, session.head().now) {
                Ok(effects) => return Ok(effects),
                Err(parts) => self.fetch(session, parts).await?,
            }
        }
        Err(Trouble::Fault("make the unsent effects again: parts are missing".to_owned()))
    }

    pub(super) async fn outstanding(&self, session: &mut Session, now: Timestamp) -> Result<Vec<Effect>, Trouble> {
        for _ in 0..MAX_LOADS {
            match session.execution.outstanding(&session.plan, now) {
                Ok(effects) => return Ok(effects),
                Err(parts) => self.fetch(session, parts).await?,
            }
        }
        Err(Trouble::Fault("find what is outstanding: parts are missing".to_owned()))
    }

    async fn take_in(
        &self,
        session: &mut Session,
        event: &Event,
        now: Timestamp,
        draft: &mut Draft,
    ) -> Result<(), Trouble> {
        if let Event::TimerFired { token } = event
            && let Some(early) = session.head().timers.iter().find(|timer| timer.token == *token && timer.at > now)
        {
            draft.effects.push(Effect::ArmTimer { token: token.clone(), at: early.at });
            return Ok(());
        }
        if let Some(fence) = ends_a_claim(event) {
            draft.settled.push(ClaimKey { execution: session.head().id.clone(), fence: fence.clone() });
        }
        if session.fresh {
            let parts = session.execution.needs(&session.plan, event);
            if !parts.is_empty() {
                self.fetch(session, parts).await?;
            }
        }
        if session.head().goes_in_circles() {
            let made = session.head().transitions;
            return Err(Trouble::Fault(format!("go on: after {made} transitions it goes round in circles")));
        }
        for _ in 0..MAX_LOADS {
            match applied(session, event, now)? {
                Transition::Applied(change) => {
                    draft.change = Some(match draft.change.take() {
                        Some(before) => before.merge(*change),
                        None => *change,
                    });
                    return Ok(());
                }
                Transition::Ignored(why) => {
                    tracing::debug!(execution = %session.head().id, ?event, ?why, "an event changes nothing");
                    debug_assert!(matches!(why, Ignored::Stale | Ignored::Duplicate));
                    return Ok(());
                }
                Transition::Missing(parts) => self.fetch(session, parts).await?,
            }
        }
        Err(Trouble::Fault("apply an event: parts are missing".to_owned()))
    }

    /// Fires what is due, arms what is near, and sends again what may have got lost.
    async fn look(&self, session: &mut Session, now: Timestamp, draft: &mut Draft) -> Result<(), Trouble> {
        let timers = session.head().timers.clone();
        for timer in timers.iter().filter(|timer| timer.at <= now) {
            self.take_in(session, &Event::TimerFired { token: timer.token.clone() }, now, draft).await?;
        }
        let near = now.checked_add(NEAR).unwrap_or(now);
        for timer in timers.iter().filter(|timer| timer.at > now && timer.at <= near) {
            draft.effects.push(Effect::ArmTimer { token: timer.token.clone(), at: timer.at });
        }
        if session.head().status == ExecutionStatus::Queued {
            self.ask_for_a_place(session).await?;
            self.admissions.doubt(&session.head().organization, now).await?;
        }
        let head = session.head();
        let quiet = now.duration_since(head.now);
        let between = head.stop.is_some() || has_child(head, &session.plan);
        if head.status != ExecutionStatus::Running || (quiet < RESEND && !between) {
            return Ok(());
        }
        for effect in self.outstanding(session, now).await? {
            let again = match &effect {
                Effect::Dispatch { job } => self.long_unclaimed(&job.step_type, job.runs_on.clone(), quiet).await?,
                Effect::ArmTimer { .. } => false,
                _ => true,
            };
            if again {
                draft.effects.push(effect);
            }
        }
        Ok(())
    }

    /// A top-level execution asks admission; a child has its places from its parent, who tells it again.
    pub(super) async fn ask_for_a_place(&self, session: &Session) -> Result<(), Trouble> {
        let head = session.head();
        if let Some(parent) = &head.parent {
            let look = Message::Look { execution: parent.execution.clone() };
            self.platform.queue.send(&QueueName::Dispatcher, look, Duration::ZERO).await?;
            return Ok(());
        }
        let request = session.execution.request(&session.plan).map_err(|why| Trouble::Fault(why.to_string()))?;
        Ok(self.admissions.request(head, request).await?)
    }

    /// Whether a job that was sent this long ago would have been claimed by now: for max(15 minutes, twice the age of
    /// the queue's oldest message) it is merely waiting. When it was claimed, the claim refuses the second one.
    async fn long_unclaimed(
        &self,
        step_type: &str,
        pool: Option<String>,
        quiet: jiff::SignedDuration,
    ) -> Result<bool, Trouble> {
        let queue = QueueName::Steps { step_type: step_type.to_owned(), pool };
        let oldest = self.platform.queue.oldest(&queue).await?;
        Ok(quiet >= RESEND && quiet.unsigned_abs() >= oldest.saturating_mul(2))
    }

    /// Every event was ignored. What is at hand may be older than what they speak of: then begin anew.
    async fn nothing_new(&self, session: Session, draft: Draft) -> Result<Vec<ShortWait>, Trouble> {
        if !session.fresh {
            let stored = self.platform.store.load(&session.head().id, &[]).await?;
            if stored.is_none_or(|stored| stored.version != session.version) {
                return Err(Trouble::Conflict);
            }
        }
        if !draft.settled.is_empty() {
            self.platform.store.settle_claims(&draft.settled).await?;
        }
        let waits = self.perform(&session, draft.effects).await?;
        self.sessions.put(session);
        Ok(waits)
    }

    async fn save_and_perform(
        &self,
        mut session: Session,
        draft: Draft,
        now: Timestamp,
        perform: bool,
    ) -> Result<Vec<ShortWait>, Trouble> {
        let Change { head, parts, records, mut effects } = draft.change.unwrap_or_default();
        let head = head.unwrap_or_else(|| session.head().clone());
        let due = if perform { next_look(&head, Some(&session.plan), now) } else { Some(now) };
        let records: Vec<Arc<Record>> = records.into_iter().map(Arc::new).collect();
        session.weight += parts.len();
        let save =
            Save { head, expected: session.version, parts, records: records.clone(), due, settled: draft.settled };
        match self.platform.store.save(save).await {
            Ok(Saved::Version(version)) => session.version = version,
            Ok(Saved::Conflict) => return Err(Trouble::Conflict),
            Err(error) if matches!(error.class, PortErrorClass::Retry { .. }) => return Err(Trouble::Port(error)),
            Err(error) => return Err(Trouble::Fault(error.to_string())),
        }
        self.publish(&records).await;
        if !perform {
            return Ok(Vec::new());
        }
        effects.extend(draft.effects);
        let waits = self.perform(&session, effects).await?;
        self.sessions.note_sent(&mut session);
        if session.head().status.ended() {
            self.close(session, Vec::new()).await?;
        } else {
            self.sessions.put(session);
        }
        Ok(waits)
    }

    /// The end was told: nobody needs to look at the execution again.
    async fn close(&self, session: Session, settled: Vec<ClaimKey>) -> Result<(), Trouble> {
        let head: Head = session.head().clone();
        self.platform.charge.release(&head.id);
        let save = Save {
            head,
            expected: session.version,
            parts: Default::default(),
            records: Vec::new(),
            due: None,
            settled,
        };
        // When somebody else was faster, it is looked at once more.
        self.platform.store.save(save).await?;
        Ok(())
    }

    /// Tells whoever watches; they read the store after a gap.
    pub(crate) async fn publish(&self, records: &[Arc<Record>]) {
        if records.is_empty() {
            return;
        }
        if let Err(error) = self.platform.notifier.publish(records).await {
            tracing::debug!(%error, "failed to tell watchers");
        }
    }

    /// How long until then, from now.
    pub(super) async fn until(&self, at: Timestamp) -> Result<Duration, PortError> {
        let left = at.duration_since(self.platform.now().await?);
        Ok(Duration::try_from(left).unwrap_or(Duration::ZERO))
    }

    /// The message that fires a timer.
    pub(super) fn firing(id: &ExecutionId, token: Token) -> Message {
        Message::Event { execution: id.clone(), event: Box::new(Event::TimerFired { token }) }
    }
}

/// Applies the event; a fault of the engine breaks off this execution and no other.
fn applied(session: &mut Session, event: &Event, now: Timestamp) -> Result<Transition, Trouble> {
    let (execution, plan) = (&mut session.execution, &session.plan);
    let outcome = catch_unwind(AssertUnwindSafe(|| execution.apply(plan, event.clone(), now)));
    outcome.map_err(|_| Trouble::Fault("apply an event: the engine broke off".to_owned()))
}

/// The fence of the claim whose end the event tells.
fn ends_a_claim(event: &Event) -> Option<&assay_engine::job::Fence> {
    match event {
        Event::StepPrepared { .. }
        | Event::StepContinued { .. }
        | Event::StepFinished { .. }
        | Event::StepUndone { .. }
        | Event::WorkerLost { .. } => event.fence(),
        _ => None,
    }
}
