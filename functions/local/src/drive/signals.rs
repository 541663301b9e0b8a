//! Ctrl-C and the polite kill.

use crate::error::CommandError;

/// Hears them from the moment it is made.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Listens.
    #[cfg(unix)]
    pub(crate) fn listen() -> Result<Self, CommandError> {
        use tokio::signal::unix::{SignalKind, signal};
        let fault = |error: std::io::Error| CommandError::fault("listen for Ctrl-C", error);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(fault)?,
            terminate: signal(SignalKind::terminate()).map_err(fault)?,
        })
    }

    /// Listens.
    #[cfg(not(unix))]
    pub(crate) fn listen() -> Result<Self, CommandError> {
        Ok(Self {})
    }

    /// Comes back with the name of the next one.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }

    /// Comes back with the name of the next one.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> &'static str {
        let _ = tokio::signal::ctrl_c().await;
        "Ctrl-C"
    }
}
