//! Single keys on a terminal: Enter and `q` are heard as they are pressed, and are not shown.

use std::io::{IsTerminal as _, Read as _};
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::out::Out;

/// A key that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// Run everything again.
    Again,
    /// End.
    Quit,
}

/// What a byte of the keyboard means.
fn meaning(byte: u8) -> Option<Key> {
    match byte {
        b'\r' | b'\n' => Some(Key::Again),
        b'q' | b'Q' => Some(Key::Quit),
        _ => None,
    }
}

/// Hears keys until it is dropped; then the terminal is as it was.
pub(super) struct Keys {
    pressed: UnboundedReceiver<Key>,
}

impl Keys {
    /// Hears the keys of the terminal; none where there is no terminal to read from and to show them on.
    pub(super) fn listen(out: &Out) -> Option<Self> {
        if !out.drawable() || !std::io::stdin().is_terminal() || !mode::take() {
            return None;
        }
        let (press, pressed) = unbounded_channel();
        // Reading blocks, and cannot be given up: the thread ends with the process.
        std::thread::spawn(move || {
            for byte in std::io::stdin().lock().bytes() {
                let Ok(byte) = byte else { return };
                if let Some(key) = meaning(byte)
                    && press.send(key).is_err()
                {
                    return;
                }
            }
        });
        Some(Self { pressed })
    }

    /// The next key that means something.
    pub(super) async fn next(&mut self) -> Key {
        match self.pressed.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        mode::give_back();
    }
}

/// The terminal is somebody else's for a while.
pub(crate) fn give_back() {
    mode::lend();
}

/// It is ours again.
pub(crate) fn take_again() {
    mode::retake();
}

#[cfg(unix)]
mod mode {
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    use super::{Mutex, PoisonError};

    /// How the terminal was before keys were heard.
    static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

    fn set(mode: &Termios) -> bool {
        tcsetattr(std::io::stdin(), OptionalActions::Now, mode).is_ok()
    }

    pub(super) fn take() -> bool {
        let Ok(before) = tcgetattr(std::io::stdin()) else { return false };
        let mut mode = before.clone();
        mode.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        set(&mode)
    }

    pub(super) fn give_back() {
        if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
            set(&before);
        }
    }

    pub(super) fn lend() {
        if let Some(before) = &*BEFORE.lock().unwrap_or_else(PoisonError::into_inner) {
            set(before);
        }
    }

    pub(super) fn retake() {
        let held = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if held {
            take();
        }
    }
}

#[cfg(not(unix))]
mod mode {
    /// Keys are heard line by line only, where nothing needs to be set.
    pub(super) fn take() -> bool {
        true
    }

    pub(super) fn give_back() {}

    pub(super) fn lend() {}

    pub(super) fn retake() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_runs_again_and_q_ends() {
        let heard: Vec<_> = b"x\r\nqQ\x1b".iter().map(|byte| meaning(*byte)).collect();
        let (again, quit) = (Some(Key::Again), Some(Key::Quit));
        assert_eq!(heard, [None, again, again, quit, quit, None]);
    }
}
