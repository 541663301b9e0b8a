//! What ends a round before its time, or begins the next.

use std::path::PathBuf;

use super::files::Watched;
use super::keys::{Key, Keys};

/// Why another round begins, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// These files have changed.
    Changed(Vec<PathBuf>),
    /// Somebody wants everything to run again.
    Again,
    /// Somebody has had enough.
    Quit,
}

impl Interrupt {
    /// Who asks, as a stop says it.
    pub(crate) fn by(&self) -> String {
        match self {
            Self::Changed(paths) => format!("a change of {}", named(paths)),
            Self::Again => "Enter".to_owned(),
            Self::Quit => "q".to_owned(),
        }
    }
}

/// Files, by their names.
pub(super) fn named(paths: &[PathBuf]) -> String {
    let first = paths.first().map(|path| path.display().to_string()).unwrap_or_default();
    let first = first.strip_prefix("./").unwrap_or(&first);
    match paths.len() {
        0 | 1 => first.to_owned(),
        more => format!("{first} and {} more", more - 1),
    }
}

/// Files and keys.
pub(crate) struct Interrupts {
    pub(super) watched: Watched,
    keys: Option<Keys>,
    /// The one that has come while flows ran.
    pub(super) came: Option<Interrupt>,
}

impl Interrupts {
    pub(super) fn new(watched: Watched, keys: Option<Keys>) -> Self {
        Self { watched, keys, came: None }
    }

    /// Whether single keys are heard.
    pub(super) fn hears_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// The next one. May be dropped while it waits.
    pub(crate) async fn next(&mut self) -> Interrupt {
        let keys = async {
            match &mut self.keys {
                Some(keys) => keys.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            key = keys => match key {
                Key::Again => Interrupt::Again,
                Key::Quit => Interrupt::Quit,
            },
            paths = self.watched.change() => Interrupt::Changed(paths),
        }
    }

    /// Remembers why the flows are being stopped.
    pub(crate) fn keep(&mut self, interrupt: Interrupt) {
        // Who wants to leave is not kept by a file that changes.
        if self.came != Some(Interrupt::Quit) {
            self.came = Some(interrupt);
        }
    }
}
