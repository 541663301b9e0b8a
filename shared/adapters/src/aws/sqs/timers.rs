//! Delays that the queue itself does not have: a FIFO queue has none, no queue has one of more than 15 minutes.

use std::time::Duration;

use super::dead::Unreadable;
use super::name::Physical;
use super::queue::{SqsWorkQueue, Wire};
use super::send::Outgoing;
use super::wire::{self, Content, Read, Timer};

impl Wire {
    pub(super) async fn forward(&self, body: &str) -> Result<(), Unreadable> {
        let read = wire::read(body).map_err(Unreadable::Malformed)?;
        let Read { content, timer: Some(timer) } = read else {
            return Err(Unreadable::Malformed("it does not say when it is due".to_owned()));
        };
        let left = timer.due.duration_since(self.clock.now());
        let delay = Duration::try_from(left).unwrap_or(Duration::ZERO);
        let (queue, group) = (timer.queue(), timer.group.clone());
        let (physical, timer): (_, Option<Timer>) =
            if delay.is_zero() { (Physical::Live(queue), None) } else { (Physical::Timers, Some(timer)) };
        let body = match &content {
            Content::Here(message) => wire::write(message, timer),
            Content::Stored(key) => wire::write_stored(key, timer),
        };
        let body = body.map_err(Unreadable::Unavailable)?;
        self.send_one(&physical, Outgoing { body, group, delay }).await.map_err(Unreadable::Unavailable)
    }
}

impl SqsWorkQueue {
    /// Deals with a message of the queue of timers: what is due goes to the queue that it is for, what is not yet waits
    /// another hop. Whoever receives calls this by itself; it is for functions, to which messages are pushed.
    ///
    /// # Errors
    /// When it is no such message: then it is for [`SqsWorkQueue::set_aside_timer`]; or when it cannot be sent now.
    pub async fn forward(&self, body: &str) -> Result<(), Unreadable> {
        self.wire.forward(body).await
    }
}
