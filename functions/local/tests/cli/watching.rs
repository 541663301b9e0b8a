//! `assay run --watch`: again when something changes, and what is carried over.

use std::io::{BufRead as _, BufReader};
use std::process::Child;

use crate::terminal::Terminal;
use crate::typed::{Place, signal};

const FLOW: &str = "\
name: watched
steps:
  - {id: first, type: http, with: {url: URL/one}, assert: status == 200}
  - {id: second, type: http, with: {url: URL/two}, assert: \"body.state == 'PAID'\"}
";

/// Reads lines until one contains the text; answers all of them.
fn until(lines: &mut impl Iterator<Item = std::io::Result<String>>, text: &str) -> String {
    let mut read = String::new();
    for line in lines {
        let line = line.unwrap();
        let found = line.contains(text);
        read.push_str(&line);
        read.push('\n');
        if found {
            return read;
        }
    }
    panic!("no {text}: {read}");
}

fn lines(child: &mut Child) -> impl Iterator<Item = std::io::Result<String>> + use<> {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

#[test]
fn a_changed_step_runs_again_and_what_stands_above_it_is_carried_over() {
    let place = Place::new(&[("flow.yaml", FLOW)]);
    let mut child = place.start(&["run", "flow.yaml", "--watch"]);
    let mut lines = lines(&mut child);
    let first = until(&mut lines, "watching 1 file: Ctrl-C ends");
    assert!(first.contains("watched failed: 1 passed, 1 failed"), "{first}");
    place.write("flow.yaml", &FLOW.replace("PAID", "NEW"));
    let second = until(&mut lines, "watching ");
    assert!(second.contains("again: flow.yaml changed"), "{second}");
    assert!(second.contains("carried over from exe_"), "{second}");
    assert!(second.contains("watched passed: 2 passed"), "{second}");
    assert_eq!(place.server.seen(), ["GET /one", "GET /two", "GET /two"]);
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0), "the exit code is that of the last time");
}

#[test]
fn a_flow_that_does_not_compile_is_shown_and_waited_out() {
    let place = Place::new(&[("flow.yaml", &FLOW.replace("type: http", "type: htp"))]);
    let mut child = place.start(&["run", "flow.yaml", "--watch"]);
    let mut lines = lines(&mut child);
    until(&mut lines, "watching ");
    assert!(place.server.seen().is_empty());
    place.write("flow.yaml", &FLOW.replace("PAID", "NEW"));
    let fixed = until(&mut lines, "watching ");
    assert!(fixed.contains("watched passed: 2 passed"), "{fixed}");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn when_finally_has_cleaned_up_everything_runs_again() {
    let flow =
        format!("{FLOW}finally:\n  - {{id: clean, type: http, with: {{url: URL/clean}}, assert: status == 200}}\n");
    let place = Place::new(&[("flow.yaml", &flow)]);
    let mut child = place.start(&["run", "flow.yaml", "--watch"]);
    let mut lines = lines(&mut child);
    until(&mut lines, "watching ");
    place.write("flow.yaml", &flow.replace("PAID", "NEW"));
    let second = until(&mut lines, "watching ");
    assert!(second.contains("`finally` has cleaned up, so every step runs"), "{second}");
    assert_eq!(place.server.count("GET /one"), 2);
    assert_eq!(place.server.count("GET /clean"), 2);
    signal(&child, "INT");
    child.wait().unwrap();
}

#[test]
fn on_a_terminal_enter_runs_all_of_it_again_and_q_ends() {
    let place = Place::new(&[("flow.yaml", &FLOW.replace("PAID", "NEW"))]);
    let mut terminal = Terminal::start(place.command(&["run", "flow.yaml", "--watch"]), 80, 24);
    terminal.wait_for("Enter runs it all again, q ends", 1);
    terminal.press("\n");
    terminal.wait_for("Enter runs it all again, q ends", 2);
    assert_eq!(place.server.count("GET /one"), 2, "nothing is carried over");
    terminal.press("q");
    terminal.ends_with(0);
}

#[test]
fn a_change_while_steps_run_stops_them_and_begins_again() {
    let hangs = FLOW.replace("URL/two", "URL/hang");
    let place = Place::new(&[("flow.yaml", &hangs)]);
    let mut child = place.start(&["run", "flow.yaml", "--watch"]);
    let mut lines = lines(&mut child);
    place.server.wait_for("GET /hang", 1);
    place.write("flow.yaml", &FLOW.replace("PAID", "NEW"));
    let all = until(&mut lines, "watching ");
    assert!(all.contains("watched cancelled") && all.contains("watched passed: 2 passed"), "{all}");
    assert_eq!(place.server.seen(), ["GET /one", "GET /hang", "GET /two"]);
    signal(&child, "INT");
    child.wait().unwrap();
}
