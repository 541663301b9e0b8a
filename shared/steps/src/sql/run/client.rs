//! What a process keeps between two steps.

use super::pool::Pool;
use crate::tls::TlsSettings;

/// Connections at rest, and TLS settings.
#[derive(Default)]
pub(in crate::sql) struct Client {
    pub(super) pool: Pool,
    pub(super) settings: TlsSettings,
}
