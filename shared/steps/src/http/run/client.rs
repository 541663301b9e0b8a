//! What a process keeps between two requests.

use super::oauth::Tokens;
use super::pool::Pool;
use crate::tls::TlsSettings;

/// Connections at rest, TLS settings, tokens.
#[derive(Default)]
pub(crate) struct Client {
    pub(super) pool: Pool,
    pub(super) settings: TlsSettings,
    pub(super) tokens: Tokens,
}
