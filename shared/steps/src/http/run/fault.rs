//! What went wrong, as a stable code and a sentence that says what, where, and what to do.

use std::error::Error;
use std::io;
use std::time::Duration;

use assay_egress::EgressError;

use super::phase::Phase;
use crate::contract::{StepError, StepErrorClass as Class};
use crate::tls::{TlsError, what_is_wrong};

/// The request itself is wrong, which only shows once its templates are rendered.
pub(super) fn request(message: impl Into<String>) -> StepError {
    StepError::new(Class::Permanent, "http.request", message)
}

/// Out of time, in a phase.
pub(super) fn timeout(phase: Phase, host: &str, elapsed: Duration) -> StepError {
    StepError::new(
        Class::Timeout,
        "http.timeout",
        format!("{host}: out of time after {} ms while {}", elapsed.as_millis(), phase.doing()),
    )
}

/// The guard did not connect, to the target or to its proxy.
pub(super) fn egress(error: &EgressError, proxy: bool) -> StepError {
    let (class, code, message) = match error {
        EgressError::NotAllowed(denied) => (Class::Permanent, "http.egress", format!("not allowed: {denied}")),
        EgressError::BadHost(_) => (Class::Permanent, "http.request", error.to_string()),
        EgressError::Resolve { source, .. } => {
            (Class::Connect, "http.dns", format!("cannot {error}: {source}; check the name and where it is known"))
        }
        EgressError::NoAddress(_) => (Class::Connect, "http.dns", error.to_string()),
        EgressError::Refused { .. } => {
            (Class::Connect, "http.refused", format!("{error}: nothing listens there, or a firewall refuses"))
        }
        EgressError::Timeout { .. } => (Class::Timeout, "http.timeout", error.to_string()),
        EgressError::Unreachable { source, .. } => {
            let code = if is_reset(source) { "http.reset" } else { "http.unreachable" };
            (Class::Connect, code, format!("cannot {error}: {source}"))
        }
    };
    if proxy && !matches!(code, "http.egress" | "http.timeout") {
        return StepError::new(class, "http.proxy", format!("the proxy cannot be used: {message}"));
    }
    StepError::new(class, code, message)
}

/// The settings of TLS are wrong.
pub(super) fn tls(error: TlsError) -> StepError {
    error.into_step_error("http.request", "http.tls")
}

/// The TLS handshake broke off.
pub(super) fn handshake(host: &str, error: &io::Error) -> StepError {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let hint = what_is_wrong(error).unwrap_or(match tls {
        Some(rustls::Error::AlertReceived(_)) => "the target refused the handshake: it may want a client certificate",
        Some(rustls::Error::InvalidMessage(_)) => "what answered does not speak TLS: is it plain http?",
        Some(rustls::Error::NoApplicationProtocol) => "the target does not offer this `version`",
        _ => "the target broke off the handshake",
    });
    let class = if tls.is_some() { Class::Permanent } else { Class::Retry };
    StepError::new(class, "http.tls", format!("{host}: TLS handshake failed: {hint} ({error})"))
}

/// HTTP broke off. `received` says how many bytes of the answer had come.
pub(super) fn hyper(host: &str, error: &hyper::Error, received: u64, body: bool) -> StepError {
    let part = if body { "within the body of the answer" } else { "before the answer's head was complete" };
    let retry = |code, message| StepError::new(Class::Retry, code, message);
    if let Some(io) = source_of::<io::Error>(error) {
        if is_reset(io) {
            return retry("http.reset", format!("{host} reset the connection {part}"));
        }
        // An answer cut short below TLS shows as an alert or a missing farewell.
        if io.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
            return retry("http.tls", format!("{host}: TLS broke off {part}: {io}"));
        }
        if io.kind() == io::ErrorKind::UnexpectedEof {
            return retry("http.incomplete", format!("{host} closed the connection {part}"));
        }
    }
    if let Some(h2) = source_of::<h2::Error>(error) {
        let code = if h2.is_reset() && h2.is_remote() { "http.reset" } else { "http.protocol" };
        let code = if h2.is_io() { "http.incomplete" } else { code };
        return retry(code, format!("{host}: HTTP/2 broke off {part}: {h2}"));
    }
    if error.is_parse_too_large() {
        return StepError::new(
            Class::Permanent,
            "http.tooLarge",
            format!("{host}: the head of the answer is too large: 100 headers at most"),
        );
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        let message = match (received, body) {
            (0, false) => format!("{host} closed the connection without an answer"),
            _ => format!("{host} closed the connection {part}"),
        };
        return retry("http.incomplete", message);
    }
    if !body && error.is_parse() {
        return StepError::new(
            Class::Permanent,
            "http.protocol",
            format!("what {host} answered is no HTTP: {}", causes(error)),
        );
    }
    // Within a body: a chunk's length or the end of it that cannot be read, or the connection that ends within one.
    let ended = source_of::<io::Error>(error).is_none_or(|io| io.kind() == io::ErrorKind::UnexpectedEof);
    let code = if body && ended { "http.incomplete" } else { "http.protocol" };
    retry(code, format!("{host}: HTTP broke off {part}: {}", causes(error)))
}

/// An answer larger than it may be.
pub(super) fn too_large(host: &str, limit: crate::http::Size, how: &str) -> StepError {
    StepError::new(
        Class::Permanent,
        "http.tooLarge",
        format!("{host}: the body of the answer is larger than {limit}{how}: raise `maxBody`, or ask for less"),
    )
}

fn is_reset(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected)
}

fn source_of<T: Error + 'static>(error: &hyper::Error) -> Option<&T> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(found) = inner.downcast_ref::<T>() {
            return Some(found);
        }
        source = inner.source();
    }
    None
}

/// The error and its causes in one line.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}
