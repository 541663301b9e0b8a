//! Whether a session speaks TLS, and whom it trusts.

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::contract::{Files, StepError};
use crate::sql::address::TlsMode;
use crate::tls::{Tls, TlsError, TlsId, TlsOptions, TlsSettings};

/// What is asked of a server.
#[derive(Debug, Clone)]
pub(super) struct Trust {
    pub(super) mode: TlsMode,
    pub(super) config: Arc<ClientConfig>,
    id: TlsId,
}

/// By what two sessions trust in the same way.
pub(super) type TrustId = (TlsMode, TlsId);

fn wrong(error: TlsError) -> StepError {
    error.into_step_error("sql.request", "sql.tls")
}

impl Trust {
    /// Reads what the step says, and if it says nothing what its URL says.
    pub(super) async fn read(
        settings: &TlsSettings,
        tls: Option<&Tls>,
        mode: TlsMode,
        files: &dyn Files,
    ) -> Result<Self, StepError> {
        let from_url = Tls { verify: mode == TlsMode::Verified, ..Tls::default() };
        let (tls, mode) = match tls {
            Some(tls) if tls.verify => (tls, TlsMode::Verified),
            Some(tls) => (tls, TlsMode::Any),
            None => (&from_url, mode),
        };
        let options = TlsOptions::read(tls, files).await.map_err(wrong)?;
        let config = settings.get(&options, &[]).await.map_err(wrong)?;
        Ok(Self { mode, config, id: options.id() })
    }

    pub(super) fn id(&self) -> TrustId {
        (self.mode, self.id)
    }

    /// Whether a server without TLS will do.
    pub(super) fn is_optional(&self) -> bool {
        matches!(self.mode, TlsMode::Off | TlsMode::Offered)
    }

    /// Speaks TLS on a connection whose server has agreed to it.
    pub(super) async fn handshake(&self, host: &str, tcp: TcpStream) -> io::Result<Box<TlsStream<TcpStream>>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(Arc::clone(&self.config)).connect(name, tcp).await.map(Box::new)
    }
}
