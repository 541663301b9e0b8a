//! Standard output and standard error: masked, painted only where that is wanted, never a panic for a closed pipe and
//! never silent when the output is lost.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use assay_host::Environment;
use assay_steps::mask::Masker;

use crate::view::Paint;

/// What panics and log lines are masked with.
static MASKER: RwLock<Option<Masker>> = RwLock::new(None);

/// The text without the values of secrets that are known so far.
pub(crate) fn masked(text: &str) -> String {
    let masker = MASKER.read().unwrap_or_else(PoisonError::into_inner);
    masker.as_ref().map_or_else(|| text.to_owned(), |masker| masker.text(text).into_owned())
}

/// Where a command prints.
#[derive(Clone)]
pub(crate) struct Out {
    masker: Masker,
    stdout: Paint,
    stderr: Paint,
    closed: Arc<AtomicBool>,
    lost: Arc<AtomicBool>,
}

impl Out {
    /// Colours as the terminal and the environment want them.
    pub(crate) fn new(environment: &Environment) -> Self {
        let wants = |terminal: bool| match (environment.force_colour, environment.no_colour) {
            (true, _) => true,
            (false, true) => false,
            (false, false) => terminal,
        };
        Self {
            masker: Masker::default(),
            stdout: Paint::new(wants(std::io::stdout().is_terminal())),
            stderr: Paint::new(wants(std::io::stderr().is_terminal())),
            closed: Arc::default(),
            lost: Arc::default(),
        }
    }

    /// Masks these values from now on, in panics and log lines too.
    pub(crate) fn mask<'a>(&mut self, secrets: impl IntoIterator<Item = &'a String>) {
        self.masker = Masker::new(secrets.into_iter().cloned());
        *MASKER.write().unwrap_or_else(PoisonError::into_inner) = Some(self.masker.clone());
    }

    /// Colours of standard output.
    pub(crate) fn paint(&self) -> Paint {
        self.stdout
    }

    /// Colours of standard error.
    pub(crate) fn error_paint(&self) -> Paint {
        self.stderr
    }

    /// Whether standard output takes nothing more: whoever read it is gone, or it cannot be written.
    pub(crate) fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Whether something that was printed has not reached standard output, though somebody may wait for it.
    pub(crate) fn lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Prints to standard output. When nobody reads it any more, nothing more is printed; any other reason why it cannot
    /// be written is said once on standard error.
    pub(crate) fn print(&self, text: &str) {
        if text.is_empty() || self.closed() {
            return;
        }
        let masked = self.masker.text(text);
        let mut stdout = std::io::stdout().lock();
        let Err(error) = stdout.write_all(masked.as_bytes()).and_then(|()| stdout.flush()) else { return };
        self.closed.store(true, Ordering::Relaxed);
        if error.kind() != std::io::ErrorKind::BrokenPipe {
            self.lost.store(true, Ordering::Relaxed);
            self.error(&format!("standard output cannot be written, the rest of it is lost: {error}"));
        }
    }

    /// Prints to standard error.
    pub(crate) fn note(&self, text: &str) {
        let masked = self.masker.text(text);
        let mut stderr = std::io::stderr().lock();
        let _ = stderr.write_all(masked.as_bytes()).and_then(|()| stderr.flush());
    }

    /// Prints an error to standard error.
    pub(crate) fn error(&self, text: &str) {
        self.note(&format!("{} {}\n", self.stderr.red("error:"), text.trim_end()));
    }
}

/// A panic is our fault and says so, without secrets.
pub(crate) fn mask_panics() {
    std::panic::set_hook(Box::new(|info| {
        let masked = masked(&info.to_string());
        let mut stderr = std::io::stderr().lock();
        let _ = writeln!(stderr, "fault in assay, please report it: {masked}");
    }));
}
