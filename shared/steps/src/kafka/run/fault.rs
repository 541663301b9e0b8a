//! What went wrong, as a stable code and a sentence that says what, where, and what to do.

use assay_egress::EgressError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::ear::Ear;
use crate::contract::{StepError, StepErrorClass as Class};

/// What stands in `with` is wrong, which only shows once its templates are rendered.
pub(super) fn request(message: impl Into<String>) -> StepError {
    StepError::new(Class::Permanent, "kafka.request", message)
}

pub(super) fn stopped() -> StepError {
    StepError::new(Class::Stopped, "step.stopped", "stopped on request")
}

/// The guard does not let a broker be reached, or there is no way to find it.
pub(super) fn egress(error: &EgressError) -> StepError {
    match error {
        EgressError::NotAllowed(denied) => {
            StepError::new(Class::Permanent, "kafka.egress", format!("not allowed: {denied}"))
        }
        EgressError::BadHost(_) => request(error.to_string()),
        EgressError::Resolve { source, .. } => {
            StepError::new(Class::Connect, "kafka.dns", format!("cannot {error}: {source}; check the name"))
        }
        other => StepError::new(Class::Connect, "kafka.dns", other.to_string()),
    }
}

/// What cannot get better by waiting: credentials that are refused, and TLS that does not come about.
pub(super) fn hopeless(ear: &Ear) -> Option<StepError> {
    let heard = ear.heard();
    if let Some(words) = heard.refused {
        let message = format!("the broker does not accept `sasl`: {words}");
        return Some(StepError::new(Class::Permanent, "kafka.auth", message));
    }
    let words = heard.tls?;
    let lower = words.to_lowercase();
    let hint = if lower.contains("verify") {
        "nobody trusted has issued the certificate, or it is for another name: give its authority as `tls.ca`"
    } else if lower.contains("plaintext") || lower.contains("wrong version") || lower.contains("disconnected") {
        "what answered does not speak TLS: is it another listener?"
    } else {
        "the broker broke off the handshake: it may want a client certificate"
    };
    Some(StepError::new(Class::Permanent, "kafka.tls", format!("TLS did not come about: {hint} ({words})")))
}

/// No broker could be reached for as long as it was tried.
pub(super) fn unreachable(ear: &Ear, what: &str) -> StepError {
    if let Some(error) = hopeless(ear) {
        return error;
    }
    let words = ear.heard().last.unwrap_or_else(|| "no broker answers".to_owned());
    let (code, hint) = if words.contains("refused") {
        ("kafka.refused", "nothing listens there, or a firewall refuses")
    } else if words.contains("resolve") {
        ("kafka.dns", "check the name and where it is known")
    } else if words.contains("SSL listener") {
        ("kafka.unreachable", "the listener may want `tls` or `sasl`")
    } else {
        ("kafka.unreachable", "the broker did not answer in time, or hung up")
    };
    StepError::new(Class::Connect, code, format!("{what}: {words}: {hint}"))
}

pub(super) fn unknown_topic(topic: &str) -> StepError {
    let message = format!("there is no topic `{topic}`: create it, or check its name; this step never creates one");
    StepError::new(Class::Permanent, "kafka.topic", message)
}

pub(super) fn truncated(message: impl Into<String>) -> StepError {
    StepError::new(Class::Permanent, "kafka.truncated", message)
}

/// What a broker answered about a topic or a record.
pub(super) fn answered(code: Code, topic: &str, what: &str) -> StepError {
    let new = |class, name, message: String| StepError::new(class, name, message);
    match code {
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::InvalidTopic => unknown_topic(topic),
        Code::TopicAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => {
            new(Class::Permanent, "kafka.denied", format!("{what}: the broker does not permit it ({code})"))
        }
        Code::UnknownPartition => {
            new(Class::Permanent, "kafka.partition", format!("{what}: there is no such partition in `{topic}`"))
        }
        Code::MessageSizeTooLarge | Code::InvalidMessageSize => {
            let message = format!("{what}: the record is larger than the broker or the topic takes");
            new(Class::Permanent, "kafka.tooLarge", message)
        }
        Code::MessageTimedOut | Code::RequestTimedOut | Code::OperationTimedOut => unacknowledged(what),
        other => new(Class::Retry, "kafka.broker", format!("{what}: {other}")),
    }
}

/// A record was handed over, and nobody said what became of it.
pub(super) fn unacknowledged(what: &str) -> StepError {
    let message = format!("{what}: no acknowledgement came in time; it may have been written");
    StepError::new(Class::Retry, "kafka.unacknowledged", message)
}

/// A client could not be made: something in `with` is wrong.
pub(super) fn client(error: &KafkaError) -> StepError {
    let message = match error {
        KafkaError::ClientConfig(_, why, key, _) => format!("`{key}`: {why}"),
        other => other.to_string(),
    };
    let code = if message.contains("ssl") { "kafka.tls" } else { "kafka.request" };
    StepError::new(Class::Permanent, code, format!("the connection cannot be set up: {message}"))
}
