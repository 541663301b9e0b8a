//! Who may run now: asks the organization's admission machine, saves it, and tells what it decided.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assay_engine::admission::{Admission, Decision, Request};
use assay_engine::execution::{Event, Head};
use assay_engine::id::{ExecutionId, OrganizationId};
use jiff::{SignedDuration, Timestamp};

use crate::platform::Platform;
use crate::ports::{Message, PortError, QueueName};

/// Tries to save the admission state of an organization that others are changing.
const TRIES: u32 = 32;
/// How often the state is compared with the store while somebody waits.
const COMPARE_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// Admission, organization by organization.
pub(crate) struct Admissions {
    platform: Arc<Platform>,
    /// When the state of an organization was last compared with the store.
    compared: Mutex<HashMap<OrganizationId, Timestamp>>,
    /// One change at a time in this process: two would only refuse each other's save.
    changing: tokio::sync::Mutex<()>,
}

impl Admissions {
    pub(crate) fn new(platform: Arc<Platform>) -> Self {
        Self { platform, compared: Mutex::default(), changing: tokio::sync::Mutex::default() }
    }

    /// Asks for a place. Asking again changes nothing; an execution that has its place is told so again.
    pub(crate) async fn request(&self, head: &Head, request: Request) -> Result<(), PortError> {
        let runs = self
            .change(&head.organization, |admission| {
                let runs = admission.runs(&head.id);
                admission.request(head.id.clone(), request.clone());
                runs
            })
            .await?;
        if runs {
            self.tell(&head.id, Event::Admitted { width: self.platform.quota.width }).await?;
        }
        Ok(())
    }

    /// Its place is free.
    pub(crate) async fn ended(&self, head: &Head) -> Result<(), PortError> {
        if head.parent.is_some() {
            return Ok(());
        }
        self.ended_unread(&head.organization, &head.id).await
    }

    /// Its place is free, though nothing else is known of it.
    pub(crate) async fn ended_unread(&self, organization: &OrganizationId, id: &ExecutionId) -> Result<(), PortError> {
        self.change(organization, |admission| admission.ended(id)).await
    }

    /// An execution has waited for long: perhaps somebody's end was never told. Compares at most every 30 s.
    pub(crate) async fn doubt(&self, organization: &OrganizationId, now: Timestamp) -> Result<(), PortError> {
        {
            let mut compared = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
            let recent = |last: &Timestamp| now.duration_since(*last) < COMPARE_EVERY;
            if compared.get(organization).is_some_and(recent) {
                return Ok(());
            }
            compared.insert(organization.clone(), now);
        }
        let message = Message::Admit { organization: organization.clone() };
        self.platform.queue.send(&QueueName::Dispatcher, message, Duration::ZERO).await
    }

    /// Frees the places of executions that the store says have ended or are gone, and admits what may run.
    pub(crate) async fn round(&self, organization: &OrganizationId) -> Result<(), PortError> {
        let (stored, _) = self.platform.store.admission(organization).await?;
        let mut gone = Vec::new();
        for id in read(&stored)?.known() {
            let loaded = self.platform.store.load(id, &[]).await?;
            if loaded.is_none_or(|loaded| loaded.head.status.ended()) {
                gone.push(id.clone());
            }
        }
        self.change(organization, |admission| gone.iter().for_each(|id| admission.ended(id))).await
    }

    /// Changes the state, admits what may run because of it, saves, tells.
    async fn change<T>(
        &self,
        organization: &OrganizationId,
        change: impl Fn(&mut Admission) -> T,
    ) -> Result<T, PortError> {
        let store = &self.platform.store;
        for _ in 0..TRIES {
            let changing = self.changing.lock().await;
            let (stored, version) = store.admission(organization).await?;
            let mut admission = read(&stored)?;
            let answer = change(&mut admission);
            let decisions = admission.decide(self.platform.quota);
            let state = serde_json::to_value(&admission)
                .map_err(|error| PortError::bug("write the admission state").because(error))?;
            if state != stored && !store.save_admission(organization, &state, version).await? {
                continue;
            }
            drop(changing);
            for decision in decisions {
                self.carry_out(decision).await?;
            }
            return Ok(answer);
        }
        Err(PortError::retry(format!("admit executions of {organization}: others were faster, {TRIES} times")))
    }

    async fn carry_out(&self, decision: Decision) -> Result<(), PortError> {
        match decision {
            Decision::Admit { execution, width } => self.tell(&execution, Event::Admitted { width }).await,
            Decision::Cancel { execution, by } => {
                self.tell(&execution, Event::CancelRequested { by, forced: false }).await
            }
            Decision::Reject { execution, why } => {
                self.tell(&execution, Event::CancelRequested { by: why, forced: true }).await
            }
        }
    }

    pub(super) async fn tell(&self, execution: &ExecutionId, event: Event) -> Result<(), PortError> {
        let message = Message::Event { execution: execution.clone(), event: Box::new(event) };
        self.platform.queue.send(&QueueName::Dispatcher, message, Duration::ZERO).await
    }
}

fn read(stored: &serde_json::Value) -> Result<Admission, PortError> {
    if stored.is_null() {
        return Ok(Admission::default());
    }
    serde_json::from_value(stored.clone()).map_err(|error| PortError::bug("read the admission state").because(error))
}
