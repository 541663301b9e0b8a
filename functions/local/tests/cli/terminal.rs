//! On a terminal: the tree that is drawn again and again, and how the terminal is left.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::pty::{Winsize, openpty};

use crate::typed::{Place, signal};

const PATIENCE: Duration = Duration::from_secs(30);
const HIDE: &str = "\u{1b}[?25l";
const SHOW: &str = "\u{1b}[?25h";

const FLOW: &str = "\
name: \"shown \\u001b[2J\\u202e\"
steps:
  - {id: first, type: http, with: {url: URL/one}, assert: status == 200}
  - {id: hang, type: http, with: {url: URL/hang}, assert: status == 200}
finally:
  - {id: clean, type: http, with: {url: URL/clean}, assert: status == 200}
";

/// A command on a terminal of its own.
pub(crate) struct Terminal {
    pub(crate) child: Child,
    keyboard: std::fs::File,
    reading: JoinHandle<()>,
    printed: Arc<(Mutex<String>, Condvar)>,
}

impl Terminal {
    pub(crate) fn start(mut command: Command, columns: u16, rows: u16) -> Self {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(Some(&size), None).unwrap();
        let end = || pair.slave.try_clone().unwrap();
        command.env("TERM", "xterm-256color").stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().unwrap();
        drop(command);
        drop(pair.slave);
        let keyboard = std::fs::File::from(pair.master);
        let mut screen = keyboard.try_clone().unwrap();
        let printed: Arc<(Mutex<String>, Condvar)> = Arc::default();
        let shared = printed.clone();
        let reading = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end of the last process on it is an error here.
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                shared.0.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
                shared.1.notify_all();
            }
        });
        Self { child, keyboard, reading, printed }
    }

    pub(crate) fn wait_for(&self, text: &str, times: usize) {
        let printed = self.printed.0.lock().unwrap();
        let missing = |printed: &mut String| printed.matches(text).count() < times;
        let (printed, waited) = self.printed.1.wait_timeout_while(printed, PATIENCE, missing).unwrap();
        assert!(!waited.timed_out(), "no {text} {times} times within {PATIENCE:?}: {printed}");
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) fn ends_with(mut self, code: i32) -> String {
        let status = self.child.wait().unwrap();
        drop(self.keyboard);
        self.reading.join().unwrap();
        let printed = self.printed.0.lock().unwrap().clone();
        assert_eq!(status.code(), Some(code), "{printed}");
        printed
    }
}

#[test]
fn the_tree_is_drawn_in_frames_and_the_cursor_comes_back() {
    let place = Place::new(&[("flow.yaml", FLOW)]);
    let terminal = Terminal::start(place.command(&["run", "flow.yaml"]), 60, 20);
    place.server.wait_for("GET /hang", 1);
    terminal.wait_for("1 of 3 steps", 1);
    signal(&terminal.child, "INT");
    terminal.wait_for("told to stop", 1);
    let printed = terminal.ends_with(4);
    assert!(printed.contains(HIDE), "{printed:?}");
    assert!(printed.rfind(SHOW) > printed.rfind(HIDE), "the cursor is back: {printed:?}");
    assert_eq!(printed.matches("\u{1b}[?2026h").count(), printed.matches("\u{1b}[?2026l").count() - 1, "{printed:?}");
    assert!(!printed.contains("\u{1b}[2J") && !printed.contains('\u{202e}'), "the name steers nothing: {printed:?}");
    assert!(printed.contains("cancelled"), "{printed:?}");
}

#[test]
fn a_flow_that_passes_is_shown_to_its_end() {
    let flow = FLOW.replace("/hang", "/two");
    let place = Place::new(&[("flow.yaml", &flow)]);
    let terminal = Terminal::start(place.command(&["run", "flow.yaml"]), 60, 20);
    let printed = terminal.ends_with(0);
    assert!(printed.contains("3 passed"), "{printed:?}");
}

#[test]
fn lines_are_printed_where_a_tree_is_not_wanted() {
    let place = Place::new(&[("flow.yaml", &FLOW.replace("/hang", "/two"))]);
    let run = |change: &dyn Fn(&mut Command), words: &[&str]| {
        let mut command = place.command(words);
        command.env("TERM", "xterm");
        change(&mut command);
        let terminal = Terminal::start(command, 60, 20);
        terminal.ends_with(0)
    };
    let ci = run(&|command| _ = command.env("CI", "true"), &["run", "flow.yaml"]);
    let plain = run(&|_| {}, &["run", "flow.yaml", "--plain"]);
    for printed in [ci, plain] {
        assert!(!printed.contains("\u{1b}[?"), "{printed:?}");
        assert!(printed.contains("  first"), "{printed:?}");
    }
    let bare = run(&|command| _ = command.env("NO_COLOR", "1"), &["run", "flow.yaml"]);
    assert!(!bare.contains("\u{1b}[3") && !bare.contains("\u{1b}[2m") && bare.contains("✓ first"), "{bare:?}");
}
