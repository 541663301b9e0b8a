//! What an execution looks like now, and which there are.

use std::future::Future;
use std::pin::Pin;

use assay_engine::id::ExecutionId;

use super::{ExecutionError, Executions};
use crate::ports::{ExecutionFilter, Page};
use crate::view::ExecutionView;

/// Records read at once.
const PAGE: usize = 500;

impl Executions {
    /// The execution as its records tell it; `children`: with the executions of its `flow` steps, at any depth.
    ///
    /// # Errors
    /// When there is none.
    pub async fn show(&self, id: &ExecutionId, children: bool) -> Result<ExecutionView, ExecutionError> {
        let mut view = ExecutionView::new(id.clone());
        loop {
            let records = self.platform.store.records(id, view.last_seq, PAGE).await?;
            for record in &records {
                let _ = view.apply(record);
            }
            if records.len() < PAGE {
                break;
            }
        }
        if view.last_seq == 0 {
            return Err(ExecutionError::Unknown(id.clone()));
        }
        if children {
            self.add_children(&mut view).await?;
        }
        Ok(view)
    }

    /// Loads the executions of the view's `flow` steps into it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn add_children(&self, view: &mut ExecutionView) -> Result<(), ExecutionError> {
        view.children.clear();
        for id in view.child_ids() {
            // A child that was never created, or is removed already, is no reason to show nothing.
            match self.show_boxed(&id).await {
                Ok(child) => view.children.push(child),
                Err(ExecutionError::Unknown(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn show_boxed<'a>(
        &'a self,
        id: &'a ExecutionId,
    ) -> Pin<Box<dyn Future<Output = Result<ExecutionView, ExecutionError>> + Send + 'a>> {
        Box::pin(self.show(id, true))
    }

    /// Executions, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list(&self, filter: &ExecutionFilter) -> Result<Page, ExecutionError> {
        Ok(self.platform.store.list(filter).await?)
    }
}
