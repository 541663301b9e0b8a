//! Ctrl-C, the polite kill, and the end of the terminal.

use crate::error::CommandError;

/// Hears them from the moment it is made.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// None where it is ignored, as below `nohup`: it stays so.
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
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
            hangup: if ends_at_hangup() { Some(signal(SignalKind::hangup()).map_err(fault)?) } else { None },
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
            () = heard(&mut self.hangup) => "SIGHUP",
        }
    }

    /// Comes back with the name of the next one.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> &'static str {
        let _ = tokio::signal::ctrl_c().await;
        "Ctrl-C"
    }
}

#[cfg(unix)]
async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Whether a hangup would end this process. Who started it with the signal ignored wants it to outlive its terminal.
#[cfg(unix)]
fn ends_at_hangup() -> bool {
    use std::io::IsTerminal as _;
    /// The mask's lowest bit is signal 1, which SIGHUP is on every Unix.
    const HANGUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    match ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()) {
        Some(mask) => mask & HANGUP == 0,
        // Where the system does not tell: `nohup` takes the terminal away from both.
        None => std::io::stdout().is_terminal() || std::io::stderr().is_terminal(),
    }
}

/// Ctrl-Z: heard, so that the terminal can be given back before the process stops.
pub(crate) struct Suspends {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Suspends {
    /// Listens, where `wanted`; elsewhere Ctrl-Z does what it always does.
    #[cfg(unix)]
    pub(crate) fn listen(wanted: bool) -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kind = SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw());
        Self { signal: if wanted { signal(kind).ok() } else { None } }
    }

    /// Listens.
    #[cfg(not(unix))]
    pub(crate) fn listen(_wanted: bool) -> Self {
        Self {}
    }

    /// Comes back when the process is asked to stop for a while.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        return heard(&mut self.signal).await;
        #[cfg(not(unix))]
        std::future::pending().await
    }
}

/// Stops this process until it is continued.
pub(crate) fn stop_here() {
    // It cannot be refused; if it fails all the same, the process goes on.
    #[cfg(unix)]
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
}
