//! What a TLS handshake shows.

use jiff::Timestamp;
use rustls::{ClientConnection, ProtocolVersion};

use super::x509;

/// What a handshake showed.
#[derive(Debug, Clone, Copy)]
pub(super) struct TlsFacts {
    pub(super) version: &'static str,
    pub(super) not_after: Option<Timestamp>,
}

impl TlsFacts {
    pub(super) fn of(connection: &ClientConnection) -> Self {
        let version = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "1.2",
            _ => "1.3",
        };
        let leaf = connection.peer_certificates().and_then(<[_]>::first);
        Self { version, not_after: leaf.and_then(|leaf| x509::not_after(leaf)) }
    }
}
