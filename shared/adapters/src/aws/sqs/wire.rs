//! What a message looks like on the wire.

use assay_app::ports::{Message, PortError, QueueName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The form that this release writes and reads.
const FORM: u32 = 1;
/// The most that SQS takes, also of a whole batch.
pub(super) const LIMIT: usize = 1024 * 1024;
/// A longer body lies in the blob store. Requests are paid by 64 KiB; a blob costs as much as a dozen of them, and a batch
/// for a function holds 6 MB.
pub(super) const LONG: usize = 256 * 1024;

/// A body.
#[derive(Debug, Serialize, Deserialize)]
struct Body {
    /// Its form.
    assay: u32,
    /// The message; none: it lies in the blob store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
    /// Where it lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stored: Option<String>,
    /// On the queue of timers: what to do with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timer: Option<Timer>,
}

/// When a delayed message goes where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Timer {
    /// Not before this.
    pub(super) due: Timestamp,
    /// The step type whose queue it is for; none: the dispatcher's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step_type: Option<String>,
    /// The pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pool: Option<String>,
    /// The group there.
    pub(super) group: String,
}

impl Timer {
    pub(super) fn new(due: Timestamp, queue: &QueueName, group: String) -> Self {
        let (step_type, pool) = match queue {
            QueueName::Steps { step_type, pool } => (Some(step_type.clone()), pool.clone()),
            QueueName::Dispatcher | QueueName::AllSteps => (None, None),
        };
        Self { due, step_type, pool, group }
    }

    pub(super) fn queue(&self) -> QueueName {
        match &self.step_type {
            Some(step_type) => QueueName::Steps { step_type: step_type.clone(), pool: self.pool.clone() },
            None => QueueName::Dispatcher,
        }
    }
}

/// The message itself, or where it lies.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Here(Message),
    Stored(String),
}

/// A body that was read.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    pub(super) content: Content,
    pub(super) timer: Option<Timer>,
}

/// The text of a message that is here.
pub(super) fn write(message: &Message, timer: Option<Timer>) -> Result<String, PortError> {
    text(&Body { assay: FORM, message: Some(message.clone()), stored: None, timer })
}

/// The text of one that lies in the blob store.
pub(super) fn write_stored(key: &str, timer: Option<Timer>) -> Result<String, PortError> {
    text(&Body { assay: FORM, message: None, stored: Some(key.to_owned()), timer })
}

fn text(body: &Body) -> Result<String, PortError> {
    let text = serde_json::to_string(body).map_err(|error| PortError::bug("write a message").because(error))?;
    // The only two characters of JSON text that SQS does not take; they stand within strings.
    if text.contains(['\u{fffe}', '\u{ffff}']) {
        return Ok(text.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"));
    }
    Ok(text)
}

/// Reads a body; `Err` says why it cannot be read.
pub(super) fn read(text: &str) -> Result<Read, String> {
    #[derive(Deserialize)]
    struct Form {
        assay: u32,
    }
    let form: Form = serde_json::from_str(text).map_err(|error| format!("it is no message of Assay: {error}"))?;
    if form.assay != FORM {
        return Err(format!("its form is {}, and this release reads form {FORM}", form.assay));
    }
    let body: Body = serde_json::from_str(text).map_err(|error| format!("it cannot be read: {error}"))?;
    let content = match (body.message, body.stored) {
        (Some(message), None) => Content::Here(message),
        (None, Some(key)) => Content::Stored(key),
        _ => return Err("it has no message, or two".to_owned()),
    };
    Ok(Read { content, timer: body.timer })
}

/// The message of a blob.
pub(super) fn read_stored(bytes: &[u8]) -> Result<Message, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("what was stored of it cannot be read: {error}"))
}

/// The execution that a message is about, or else the organization.
pub(super) fn subject(message: &Message) -> &str {
    match message {
        Message::Event { execution, .. } | Message::Look { execution } => execution.as_str(),
        Message::Job(job) => job.execution.as_str(),
        Message::Admit { organization } => organization.as_str(),
    }
}

/// The group: on the dispatcher's queue what is one after another, on others what is fair.
pub(super) fn group(queue: &QueueName, message: &Message) -> String {
    match (queue, message) {
        (QueueName::Steps { .. } | QueueName::AllSteps, Message::Job(job)) => job.organization.to_string(),
        _ => subject(message).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use assay_engine::execution::Event;
    use assay_engine::id::ExecutionId;

    use super::*;

    fn message(text: &str) -> Message {
        let event = Event::CancelRequested { by: text.to_owned(), forced: false };
        Message::Event { execution: ExecutionId::derived(&["a"]), event: Box::new(event) }
    }

    #[test]
    fn what_is_written_is_read() {
        let steps = QueueName::Steps { step_type: "http".into(), pool: Some("lab".into()) };
        for queue in [QueueName::Dispatcher, steps] {
            let timer = Timer::new(Timestamp::UNIX_EPOCH, &queue, "exe_a".into());
            assert_eq!(timer.queue(), queue);
            let text = write(&message("x"), Some(timer.clone())).unwrap();
            let expected = Read { content: Content::Here(message("x")), timer: Some(timer) };
            assert_eq!(read(&text), Ok(expected));
        }
        let stored = read(&write_stored("org_a/exe_a/m", None).unwrap()).unwrap();
        assert_eq!(stored.content, Content::Stored("org_a/exe_a/m".into()));
    }

    #[test]
    fn every_character_is_one_that_sqs_takes() {
        let odd = "\u{0}\u{1f}\u{7f}\u{fffe}\u{ffff}\u{10ffff}\u{feff}";
        let text = write(&message(odd), None).unwrap();
        let taken = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
        assert!(text.chars().all(taken), "{text:?}");
        assert_eq!(read(&text).unwrap().content, Content::Here(message(odd)));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_reason() {
        for (text, reason) in [
            ("", "no message of Assay"),
            ("{}", "no message of Assay"),
            ("[1", "no message of Assay"),
            (r#"{"assay": 2, "message": {"unknown": 1}}"#, "its form is 2"),
            (r#"{"assay": 1, "message": {"unknown": 1}}"#, "cannot be read"),
            (r#"{"assay": 1}"#, "no message, or two"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
