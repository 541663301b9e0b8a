//! What went wrong, as a stable code and a sentence that says what, where, and what to do.

use std::io;
use std::time::Duration;

use assay_egress::EgressError;

use super::reader::Broken;
use crate::contract::{StepError, StepErrorClass as Class};
use crate::redis::target::Target;
use crate::tls::{TlsError, what_is_wrong};

/// The request itself is wrong, which only shows once its templates are rendered.
pub(super) fn request(message: impl Into<String>) -> StepError {
    StepError::new(Class::Permanent, "redis.request", message)
}

/// Out of time.
pub(super) fn timeout(place: &str, doing: &str, elapsed: Duration) -> StepError {
    let message = format!("{place}: out of time after {} ms while {doing}", elapsed.as_millis());
    StepError::new(Class::Timeout, "redis.timeout", message)
}

/// The guard did not connect.
pub(super) fn egress(error: &EgressError) -> StepError {
    let (class, code, message) = match error {
        EgressError::NotAllowed(denied) => (Class::Permanent, "redis.egress", format!("not allowed: {denied}")),
        EgressError::BadHost(_) => (Class::Permanent, "redis.request", error.to_string()),
        EgressError::Resolve { source, .. } => {
            (Class::Connect, "redis.dns", format!("cannot {error}: {source}; check the name and where it is known"))
        }
        EgressError::NoAddress(_) => (Class::Connect, "redis.dns", error.to_string()),
        EgressError::Refused { .. } => {
            (Class::Connect, "redis.refused", format!("{error}: nothing listens there, or a firewall refuses"))
        }
        EgressError::Timeout { .. } => (Class::Timeout, "redis.timeout", error.to_string()),
        EgressError::Unreachable { source, .. } => {
            let code = if is_reset(source) { "redis.closed" } else { "redis.unreachable" };
            (Class::Connect, code, format!("cannot {error}: {source}"))
        }
    };
    StepError::new(class, code, message)
}

/// The settings of TLS are wrong.
pub(super) fn tls(error: TlsError) -> StepError {
    error.into_step_error("redis.request", "redis.tls")
}

/// The TLS handshake broke off.
pub(super) fn handshake(target: &Target, error: &io::Error) -> StepError {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let hint = what_is_wrong(error).unwrap_or(match tls {
        Some(rustls::Error::AlertReceived(_)) => "the target refused the handshake: it may want a client certificate",
        Some(rustls::Error::InvalidMessage(_)) => "what answered does not speak TLS: write redis:// in `url`",
        _ => "the target broke off the handshake",
    });
    let class = if tls.is_some() { Class::Permanent } else { Class::Retry };
    StepError::new(class, "redis.tls", format!("{}: TLS handshake failed: {hint} ({error})", target.place()))
}

/// There is no reply. `what` was asked for.
pub(super) fn broken(target: &Target, broken: Broken, what: &str) -> StepError {
    let place = target.place();
    let (class, code, message) = match broken {
        Broken::Closed { within } => {
            let part = if within { "within the reply to" } else { "instead of an answer to" };
            (Class::Retry, "redis.closed", format!("{place} closed the connection {part} {what}"))
        }
        // A client certificate that is missing shows only here under TLS 1.3: the handshake was over for this side.
        Broken::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
            let hint = "the target may want a client certificate";
            (Class::Permanent, "redis.tls", format!("{place}: TLS broke off at {what}: {error}; {hint}"))
        }
        Broken::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            (Class::Retry, "redis.closed", format!("{place} closed the connection at {what}"))
        }
        Broken::Io(error) => {
            (Class::Retry, "redis.closed", format!("{place}: the connection broke at {what}: {error}"))
        }
        Broken::Protocol(shown) => {
            let hint = "is it Redis, and does it want TLS?";
            (
                Class::Permanent,
                "redis.protocol",
                format!("{place} answered {what} with what is no reply: {shown}; {hint}"),
            )
        }
        Broken::TooLarge => {
            let hint = "raise `maxBytes`, or ask for less";
            (Class::Permanent, "redis.tooLarge", format!("{place}: the reply to {what} is larger than allowed: {hint}"))
        }
    };
    StepError::new(class, code, message)
}

/// Redis answered with an error. `what` was asked for.
pub(super) fn refused(target: &Target, what: &str, message: &str) -> StepError {
    let place = target.place();
    let shown: String = message.chars().filter(|c| !c.is_control()).take(300).collect();
    let word = message.split([' ', '\r', '\n']).next().unwrap_or_default();
    let (class, code, hint) = match word {
        "NOAUTH" => (Class::Permanent, "redis.auth", "; give `password`, and `username` for an ACL user"),
        "WRONGPASS" => (Class::Permanent, "redis.auth", "; check `username` and `password`"),
        "DENIED" => (Class::Permanent, "redis.auth", ""),
        "LOADING" | "BUSY" | "TRYAGAIN" | "MASTERDOWN" | "CLUSTERDOWN" | "READONLY" | "NOREPLICAS" => {
            (Class::Retry, "redis.unready", "")
        }
        "ERR" if message.contains("max number of clients") => (Class::Retry, "redis.unready", ""),
        "ERR" if what == "AUTH" => (Class::Permanent, "redis.auth", "; check `username` and `password`"),
        "MOVED" | "ASK" | "CROSSSLOT" => (
            Class::Permanent,
            "redis.cluster",
            "; this is a node of a cluster, and redirects are not followed: name the node that has the key",
        ),
        _ => (Class::Permanent, "redis.command", ""),
    };
    StepError::new(class, code, format!("{place} refused {what}: {shown}{hint}"))
}

/// Whether this is how a server without RESP3 answers HELLO.
pub(super) fn is_too_old(message: &str) -> bool {
    let lower = message.to_ascii_lowercase();
    lower.starts_with("err unknown command") || lower.starts_with("noproto") || lower.starts_with("noperm")
}

fn is_reset(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected)
}
