//! Letting go of an execution whose `finally` is held back.

use std::time::Duration;

use assay_engine::execution::Event;
use assay_engine::id::ExecutionId;
use assay_engine::status::Phase;

use super::{ExecutionError, Executions, StartError};

/// How often it is looked whether another process has let go.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// Longer than running undos may take to answer a stop, in looks.
const PATIENCE: u32 = 1200;

impl Executions {
    /// Asks for the `finally` of an execution that was started with `keep`: at once where it is kept, else as soon as its
    /// main steps have ended.
    ///
    /// # Errors
    /// When there is none, or nothing of it is held back.
    pub async fn finish(&self, id: &ExecutionId, by: &str) -> Result<(), ExecutionError> {
        let head = self.unfinished(id).await?;
        if head.phase == Phase::Finally || head.keep_ms.is_none() {
            return Err(ExecutionError::NotKept { id: id.clone() });
        }
        self.tell(id, Event::FinishRequested { by: by.to_owned(), left_to: None }).await
    }

    /// Ends a kept execution without its `finally`, which is left to this rerun. Done again it changes nothing. Some
    /// process must move the execution: this one, or another.
    ///
    /// # Errors
    /// When somebody else was faster.
    pub(super) async fn hand_over(&self, id: &ExecutionId, to: &ExecutionId) -> Result<(), StartError> {
        self.tell(id, Event::FinishRequested { by: to.to_string(), left_to: Some(to.clone()) }).await?;
        let platform = &self.platform;
        for _ in 0..PATIENCE {
            let loaded = platform.store.load(id, &[]).await?;
            let head = loaded.ok_or_else(|| ExecutionError::Unknown(id.clone()))?.head;
            let mine = head.left_to.as_ref() == Some(to);
            match head.phase {
                _ if mine && head.status.ended() => return Ok(()),
                _ if mine => {}
                Phase::Kept if !head.status.ended() => {}
                _ => {
                    let how = head.left_to.map_or("cleaned up".to_owned(), |other| format!("left to {other}"));
                    return Err(StartError::NotHandedOver { id: id.clone(), how });
                }
            }
            platform.clock.sleep(ASK_EVERY).await;
        }
        Err(StartError::NotHandedOver { id: id.clone(), how: "not let go of by the process that runs it".to_owned() })
    }
}
