//! Which queue of SQS it is, and where.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use assay_app::ports::{PortError, QueueName, Receipt};

use crate::aws::StackNames;
use crate::aws::error::failed;

/// A queue of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Physical {
    /// The one of this name.
    Live(QueueName),
    /// Delayed messages.
    Timers,
    /// The dead letters of another.
    Dead(Box<Physical>),
}

impl Physical {
    /// Where what cannot be dealt with ends up.
    pub(super) fn dead(self) -> Self {
        match self {
            Self::Dead(_) => self,
            live => Self::Dead(Box::new(live)),
        }
    }

    /// Its name on SQS.
    pub(super) fn name(&self, names: &StackNames) -> Result<String, PortError> {
        match self {
            Self::Live(queue) => {
                let every = "name the queue of every step type at once: it is several queues";
                names.queue(queue).ok_or_else(|| PortError::bug(every))
            }
            Self::Timers => Ok(names.timers()),
            Self::Dead(of) => Ok(StackNames::dead(&of.name(names)?)),
        }
    }

    /// Whether it is first in, first out.
    pub(super) fn is_fifo(&self) -> bool {
        match self {
            Self::Live(queue) => *queue == QueueName::Dispatcher,
            Self::Timers => false,
            Self::Dead(of) => of.is_fifo(),
        }
    }
}

const DEAD: &str = "dead ";
const TIMER: &str = "timer ";

/// A receipt. Its handle says which queue's it is; the port names the queue that the message was for.
pub(super) fn receipt_of(queue: &QueueName, physical: &Physical, handle: &str) -> Receipt {
    let handle = match physical {
        Physical::Live(_) => handle.to_owned(),
        Physical::Timers => format!("{TIMER}{handle}"),
        Physical::Dead(of) if **of == Physical::Timers => format!("{DEAD}{TIMER}{handle}"),
        Physical::Dead(_) => format!("{DEAD}{handle}"),
    };
    Receipt { queue: queue.clone(), handle }
}

/// The queue and SQS's own handle.
pub(super) fn read_receipt(receipt: &Receipt) -> (Physical, &str) {
    let (dead, rest) = match receipt.handle.strip_prefix(DEAD) {
        Some(rest) => (true, rest),
        None => (false, receipt.handle.as_str()),
    };
    let (physical, handle) = match rest.strip_prefix(TIMER) {
        Some(rest) => (Physical::Timers, rest),
        None => (Physical::Live(receipt.queue.clone()), rest),
    };
    (if dead { physical.dead() } else { physical }, handle)
}

/// Where the stack's queues are. All of them have the same address but for the name at its end, so one is asked for.
#[derive(Debug)]
pub(super) struct Addresses {
    client: aws_sdk_sqs::Client,
    names: StackNames,
    /// What every address begins with.
    begin: Mutex<Option<String>>,
    known: Mutex<HashMap<Physical, String>>,
}

impl Addresses {
    pub(super) fn new(client: aws_sdk_sqs::Client, names: StackNames, begin: Option<String>) -> Self {
        Self { client, names, begin: Mutex::new(begin), known: Mutex::default() }
    }

    pub(super) async fn of(&self, physical: &Physical) -> Result<String, PortError> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(physical) {
            return Ok(known.clone());
        }
        let name = physical.name(&self.names)?;
        let begin = self.begin.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let address = match begin {
            Some(begin) => format!("{begin}{name}"),
            None => self.ask(&name).await?,
        };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(physical.clone(), address.clone());
        Ok(address)
    }

    async fn ask(&self, name: &str) -> Result<String, PortError> {
        let answer = self.client.get_queue_url().queue_name(name).send().await;
        let answer = answer.map_err(|error| failed(format!("find the queue {name}"), error))?;
        let address = answer.queue_url.unwrap_or_default();
        let Some(begin) = address.strip_suffix(name) else {
            return Err(PortError::bug(format!("find the queue {name}: its address is `{address}`")));
        };
        *self.begin.lock().unwrap_or_else(PoisonError::into_inner) = Some(begin.to_owned());
        Ok(address)
    }
}

/// What the address of a queue tells of its stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The account.
    pub account: String,
    /// For [`SqsOptions::addresses`](super::SqsOptions::addresses).
    pub addresses: String,
}

/// Finds the queues of a stack.
///
/// # Errors
/// When there is no such stack, or it cannot be asked.
pub async fn find(config: &aws_config::SdkConfig, names: &StackNames) -> Result<Found, PortError> {
    let addresses = Addresses::new(aws_sdk_sqs::Client::new(config), names.clone(), None);
    let dispatcher = Physical::Live(QueueName::Dispatcher);
    let address = addresses.of(&dispatcher).await?;
    let begin = address.strip_suffix(&dispatcher.name(names)?).unwrap_or_default();
    let account = begin.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PortError::bug(format!("find the stack's account in `{address}`")));
    }
    Ok(Found { account: account.to_owned(), addresses: begin.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_says_which_queue_it_is_of() {
        let steps = QueueName::Steps { step_type: "kafka.expect".into(), pool: None };
        for queue in [QueueName::Dispatcher, steps] {
            let live = Physical::Live(queue.clone());
            for physical in [live.clone(), live.dead(), Physical::Timers, Physical::Timers.dead()] {
                let receipt = receipt_of(&queue, &physical, "AQEB dead timer");
                assert_eq!(read_receipt(&receipt), (physical, "AQEB dead timer"));
            }
        }
    }
}
