//! After a start with a queue that did not outlive its process: everything that is outstanding is sent at once.

use assay_engine::execution::Effect;
use assay_engine::id::ExecutionId;
use assay_engine::status::ExecutionStatus;

use super::advance::Trouble;
use super::dispatcher::{Dispatcher, ShortWait};
use crate::ports::{ExecutionFilter, PortError};

/// Executions listed at once.
const PAGE: usize = 200;

impl Dispatcher {
    /// Resumes every unfinished execution of the store. Answers how many.
    ///
    /// # Errors
    /// When the store or the queue does not answer.
    pub async fn resume_all(&self) -> Result<usize, PortError> {
        let status = vec![ExecutionStatus::Queued, ExecutionStatus::Running];
        let mut filter = ExecutionFilter { status, children: true, limit: PAGE, ..ExecutionFilter::default() };
        let mut resumed = 0;
        loop {
            let page = self.platform.store.list(&filter).await?;
            for summary in page.executions {
                self.resume(&summary.id).await?;
                resumed += 1;
            }
            match page.next {
                Some(next) => filter.after = Some(next),
                None => return Ok(resumed),
            }
        }
    }

    /// Sends everything that is outstanding of this execution and its sub-flows, and takes charge of them. Jobs whose claim is alive are
    /// dropped by it, jobs whose worker is gone are reported as lost; what was never claimed is carried out.
    ///
    /// # Errors
    /// When the store or the queue does not answer.
    pub async fn resume(&self, id: &ExecutionId) -> Result<(), PortError> {
        self.platform.charge.take(id);
        match self.resume_once(id).await {
            Ok(waits) => {
                for wait in waits {
                    self.wait(wait).await;
                }
                Ok(())
            }
            Err(Trouble::Port(error)) => Err(error),
            Err(Trouble::Fault(reason)) => self.set_aside(id, &reason).await,
            Err(Trouble::Conflict) => Err(PortError::retry(format!("resume {id}: somebody else is changing it"))),
        }
    }

    async fn resume_once(&self, id: &ExecutionId) -> Result<Vec<ShortWait>, Trouble> {
        let Some(mut session) = self.at_hand(id).await? else { return Ok(Vec::new()) };
        let head = session.head();
        if head.status.ended() && head.unsent.is_empty() {
            return Ok(Vec::new());
        }
        if head.status == ExecutionStatus::Queued {
            self.ask_for_a_place(&session).await?;
        }
        let now = self.platform.now().await?.max(session.head().now);
        let effects = self.outstanding(&mut session, now).await?;
        let children = self.running_children(&effects).await?;
        let mut waits = self.perform(&session, effects).await?;
        for child in children {
            // What it had sent went with the queue, too.
            self.platform.charge.take(&child);
            waits.extend(Box::pin(self.resume_once(&child)).await?);
        }
        Ok(waits)
    }

    /// The children that run already; the others are begun, or tell their result, when they are started again.
    async fn running_children(&self, effects: &[Effect]) -> Result<Vec<ExecutionId>, PortError> {
        let mut running = Vec::new();
        for effect in effects {
            let Effect::StartChild { child } = effect else { continue };
            let loaded = self.platform.store.load(&child.id, &[]).await?;
            if loaded.is_some_and(|loaded| loaded.head.status == ExecutionStatus::Running) {
                running.push(child.id.clone());
            }
        }
        Ok(running)
    }
}
