//! Writes of one moment share a transaction: whoever finds nobody writing writes for all who wait.
//!
//! A write is put into the queue, its caller lets the others of its thread go first, and then leads if nobody does. So a
//! write that is alone waits for nobody, and many at once cost one lock, one commit and each page once. Each write has
//! a savepoint of its own: one that fails takes back only what it did. Nobody is answered before the commit.

use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use assay_app::ports::{Failing, PortError};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{Notify, oneshot};

use super::error::{again, failing, port_error, taken_back};

/// A write that waits for its turn.
trait Waiting: Send {
    /// Whether anybody waits for the answer.
    fn is_wanted(&self) -> bool;
    /// Does it; false: it failed, and what it did is to be taken back.
    fn perform(&mut self, transaction: &Transaction<'_>) -> bool;
    /// What it says about the store, when it failed.
    fn failing(&self) -> Option<Failing>;
    /// Answers, once it is known whether the transaction was committed.
    fn answer(self: Box<Self>, committed: Result<(), &rusqlite::Error>);
}

struct Write<T, F> {
    doing: &'static str,
    act: Option<F>,
    came_to: Option<Result<T, PortError>>,
    answer: oneshot::Sender<Result<T, PortError>>,
}

impl<T: Send, F> Waiting for Write<T, F>
where
    F: FnOnce(&Transaction<'_>) -> Result<T, PortError> + Send,
{
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn perform(&mut self, transaction: &Transaction<'_>) -> bool {
        self.came_to = self.act.take().map(|act| act(transaction));
        matches!(self.came_to, Some(Ok(_)))
    }

    fn failing(&self) -> Option<Failing> {
        let Some(Err(error)) = &self.came_to else { return None };
        error.source.as_ref()?.downcast_ref().and_then(failing)
    }

    fn answer(self: Box<Self>, committed: Result<(), &rusqlite::Error>) {
        let came_to = match (self.came_to, committed) {
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(port_error(self.doing, again(error))),
            (Some(done), Ok(())) => done,
            (None, Ok(())) => Err(unanswered(self.doing)),
        };
        // whoever has gone away does not hear it
        let _ = self.answer.send(came_to);
    }
}

fn unanswered(doing: &str) -> PortError {
    PortError::retry(format!("{doing}: the write was broken off"))
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Box<dyn Waiting>>,
    /// Somebody writes.
    led: bool,
}

/// Who wants to write.
#[derive(Default)]
pub(super) struct Group {
    queue: Mutex<Queue>,
    /// What the last writes say about the store.
    failing: Mutex<Option<Failing>>,
    /// Told to one who waits when somebody has written and others have come meanwhile.
    turn: Notify,
}

/// Gives the lead back, also when a write panics.
struct Lead<'a>(&'a Group);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.led = false;
        if !queue.waiting.is_empty() {
            self.0.turn.notify_one();
        }
    }
}

impl Group {
    /// Does all of it in one transaction or nothing. A call that is dropped may have written or not.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        connection: &Mutex<Connection>,
        doing: &'static str,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let (answer, mut answered) = oneshot::channel();
        self.queue().waiting.push(Box::new(Write { doing, act: Some(act), came_to: None, answer }));
        let_others_go_first().await;
        loop {
            self.lead(connection);
            tokio::select! {
                biased;
                answer = &mut answered => return answer.unwrap_or_else(|_| Err(unanswered(doing))),
                () = self.turn.notified() => {}
            }
        }
    }

    /// Writes what waits, unless somebody does that already.
    fn lead(&self, connection: &Mutex<Connection>) {
        let mut queue = self.queue();
        if queue.led || queue.waiting.is_empty() {
            return;
        }
        queue.led = true;
        drop(queue);
        let lead = Lead(self);
        let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        // those that came while another process or a reader held the file are taken along
        let mut batch = std::mem::take(&mut self.queue().waiting);
        batch.retain(|write| write.is_wanted());
        let committed = write_all(&mut connection, &mut batch);
        drop(connection);
        self.note(&committed, &batch);
        drop(lead);
        batch.into_iter().for_each(|write| write.answer(committed.as_ref().copied()));
    }

    /// What has kept the last writes from going through.
    pub(super) fn failing(&self) -> Option<Failing> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, committed: &Result<(), rusqlite::Error>, batch: &[Box<dyn Waiting>]) {
        let told = committed.as_ref().err().and_then(failing);
        let told = told.or_else(|| batch.iter().find_map(|write| write.failing()));
        if told.is_some() || committed.is_ok() {
            *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = told;
        }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets whatever else the thread has ready go first, once.
async fn let_others_go_first() {
    let mut gone = false;
    poll_fn(|context| {
        if std::mem::replace(&mut gone, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn write_all(connection: &mut Connection, batch: &mut [Box<dyn Waiting>]) -> Result<(), rusqlite::Error> {
    if batch.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let [only] = batch {
        if !only.perform(&transaction) {
            return transaction.rollback();
        }
        return transaction.commit();
    }
    for write in batch {
        transaction.prepare_cached("SAVEPOINT one")?.execute([])?;
        if !write.perform(&transaction) {
            if transaction.is_autocommit() {
                // after some errors SQLite takes everything back by itself
                return Err(taken_back());
            }
            transaction.prepare_cached("ROLLBACK TO one")?.execute([])?;
        }
        transaction.prepare_cached("RELEASE one")?.execute([])?;
    }
    transaction.commit()
}
