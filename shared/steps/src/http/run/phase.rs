//! Which phase a request is in, so that running out of time can say where.

use std::sync::atomic::{AtomicU8, Ordering};

/// The phases in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Preparing,
    Token,
    Resolving,
    Connecting,
    Tunnel,
    Handshake,
    Sending,
    Waiting,
    Reading,
}

const ALL: [Phase; 9] = [
    Phase::Preparing,
    Phase::Token,
    Phase::Resolving,
    Phase::Connecting,
    Phase::Tunnel,
    Phase::Handshake,
    Phase::Sending,
    Phase::Waiting,
    Phase::Reading,
];

impl Phase {
    /// What the request was doing, after "while".
    pub(super) fn doing(self) -> &'static str {
        match self {
            Self::Preparing => "preparing the request",
            Self::Token => "fetching the OAuth2 token",
            Self::Resolving => "resolving the host name (dns)",
            Self::Connecting => "connecting",
            Self::Tunnel => "asking the proxy for a tunnel",
            Self::Handshake => "shaking hands (tls)",
            Self::Sending => "sending the request",
            Self::Waiting => "waiting for the first byte of the answer",
            Self::Reading => "reading the body of the answer",
        }
    }
}

/// Where a request is; shared with the body that is being sent.
#[derive(Debug, Default)]
pub(super) struct PhaseMark(AtomicU8);

impl PhaseMark {
    pub(super) fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Phase {
        ALL.get(usize::from(self.0.load(Ordering::Relaxed))).copied().unwrap_or(Phase::Preparing)
    }
}
