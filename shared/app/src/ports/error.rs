//! What can go wrong behind a port; the technology's own types never cross it.

use std::time::Duration;

/// An error of a port.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct PortError {
    /// What may be done about it.
    pub class: PortErrorClass,
    /// A lowercase fragment that reads after "failed to".
    pub message: String,
    /// What the technology said.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What may be done about a [`PortError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortErrorClass {
    /// It may work later: throttled, unreachable, busy.
    Retry {
        /// Not before this.
        after: Option<Duration>,
    },
    /// It will not work: not found where it must be, refused, too large.
    Permanent,
    /// What was stored cannot be read, or our own fault.
    Bug,
}

impl PortError {
    /// An error without a cause of its own.
    pub fn new(class: PortErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), source: None }
    }

    /// With the cause.
    #[must_use]
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// It may work later.
    pub fn retry(message: impl Into<String>) -> Self {
        Self::new(PortErrorClass::Retry { after: None }, message)
    }

    /// It will not work.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(PortErrorClass::Permanent, message)
    }

    /// Our own fault.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(PortErrorClass::Bug, message)
    }
}
