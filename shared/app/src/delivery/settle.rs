//! What becomes of a message that was dealt with.

use std::time::Duration;

use crate::ports::{PortError, Receipt, WorkQueue};

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// It was dealt with.
    Acknowledge,
    /// It comes again after this pause.
    GiveBack(Duration),
}

/// A message that was dealt with, and what is to become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The message.
    pub receipt: Receipt,
    /// What is to become of it.
    pub settle: Settle,
}

/// Tells the queue. Messages of one kind go together.
pub(super) async fn settle(queue: &dyn WorkQueue, settled: &[Settled]) {
    let mut rest = settled;
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|one| one.settle == first.settle).count();
        let (group, others) = rest.split_at(same);
        let receipts: Vec<Receipt> = group.iter().map(|one| one.receipt.clone()).collect();
        if let Err(error) = tell(queue, &receipts, first.settle).await {
            // They are delivered again: events are ignored as duplicates, and the claim of a job says that it was done.
            tracing::warn!(%error, "failed to settle messages");
        }
        rest = others;
    }
}

async fn tell(queue: &dyn WorkQueue, receipts: &[Receipt], settle: Settle) -> Result<(), PortError> {
    match settle {
        Settle::Acknowledge => queue.acknowledge(receipts).await,
        Settle::GiveBack(pause) => queue.give_back(receipts, pause).await,
    }
}
