//! Standard output and standard error: masked, painted only where that is wanted, never a panic for a closed pipe and
//! never silent when the output is lost.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use assay_host::Environment;
use assay_steps::mask::Masker;

use crate::view::{Paint, SHOW, Signs, Size};

/// What panics and log lines are masked with.
static MASKER: RwLock<Option<Masker>> = RwLock::new(None);

/// A frame stands on the terminal, and its cursor is hidden.
static FRAME: AtomicBool = AtomicBool::new(false);
/// What a terminal is taken for that does not tell its size.
const USUAL: Size = Size { columns: 80, rows: 24 };

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
    /// Standard output is a terminal on which lines can be drawn again.
    drawable: bool,
    signs: Signs,
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
        let (stdout, stderr) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        // Log lines would fall into the frame.
        let logs = environment.log.is_some() && stderr;
        Self {
            masker: Masker::default(),
            stdout: Paint::new(wants(stdout)),
            stderr: Paint::new(wants(stderr)),
            drawable: stdout && !logs && moves_its_cursor(environment),
            signs: signs(environment),
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

    /// Whether standard output is a terminal on which lines can be drawn again.
    pub(crate) fn drawable(&self) -> bool {
        self.drawable
    }

    /// The signs that the terminal can show.
    pub(crate) fn signs(&self) -> Signs {
        self.signs
    }

    /// The terminal's size as it is now.
    pub(crate) fn size(&self) -> Size {
        terminal_size::terminal_size_of(std::io::stdout())
            .map_or(USUAL, |(columns, rows)| Size { columns: usize::from(columns.0), rows: usize::from(rows.0) })
    }

    /// Sends a frame to the terminal, in one write. `stands`: the cursor is hidden afterwards.
    pub(crate) fn draw(&self, frame: &str, stands: bool) {
        if frame.is_empty() || self.closed() {
            return;
        }
        FRAME.store(stands, Ordering::Relaxed);
        if let Err(error) = write_at_once(self.masker.text(frame).as_bytes()) {
            self.give_up(&error);
        }
    }

    /// Prints to standard output. When nobody reads it any more, nothing more is printed; any other reason why it cannot
    /// be written is said once on standard error.
    pub(crate) fn print(&self, text: &str) {
        if text.is_empty() || self.closed() {
            return;
        }
        let masked = self.masker.text(text);
        let mut stdout = std::io::stdout().lock();
        if let Err(error) = stdout.write_all(masked.as_bytes()).and_then(|()| stdout.flush()) {
            self.give_up(&error);
        }
    }

    /// Nothing more is printed. That it is lost is said where somebody may wait for it.
    fn give_up(&self, error: &std::io::Error) {
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

/// Whether the terminal is one whose cursor can be moved, and somebody looks at it.
fn moves_its_cursor(environment: &Environment) -> bool {
    let dumb = match environment.variable("TERM") {
        None | Some("") => cfg!(unix),
        Some(name) => name == "dumb",
    };
    let ci = environment.variable("CI").is_some_and(|value| !matches!(value, "" | "0" | "false"));
    !dumb && !ci
}

/// Signs beyond ASCII, unless the terminal or its locale is known for having none.
fn signs(environment: &Environment) -> Signs {
    let said = |name: &&str| environment.variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(said).unwrap_or_default().to_ascii_lowercase();
    let other = locale.contains('.') && !locale.contains("utf");
    if other || environment.variable("TERM") == Some("linux") { Signs::Ascii } else { Signs::Unicode }
}

/// Standard output is line by line elsewhere: a frame must not be seen half.
#[cfg(unix)]
fn write_at_once(bytes: &[u8]) -> std::io::Result<()> {
    use std::os::fd::AsFd as _;
    let stdout = std::io::stdout().lock();
    let mut terminal = std::fs::File::from(stdout.as_fd().try_clone_to_owned()?);
    terminal.write_all(bytes)
}

#[cfg(not(unix))]
fn write_at_once(bytes: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush())
}

/// A panic is our fault and says so, without secrets.
pub(crate) fn mask_panics() {
    std::panic::set_hook(Box::new(|info| {
        let masked = masked(&info.to_string());
        if FRAME.swap(false, Ordering::Relaxed) {
            let _ = write_at_once(SHOW.as_bytes());
        }
        let mut stderr = std::io::stderr().lock();
        let _ = writeln!(stderr, "fault in assay, please report it: {masked}");
    }));
}
