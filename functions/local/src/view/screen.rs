//! The last lines of a terminal, drawn again in place: what is done with is printed above them and stays.
//!
//! Each frame is one write between the marks of a synchronized update, and only lines that changed are sent. The cursor
//! waits below the last line, so that a line that somebody else prints does not land within the frame.

use super::cells::width;

const BEGIN: &str = "\u{1b}[?2026h";
const END: &str = "\u{1b}[?2026l";
const HIDE: &str = "\u{1b}[?25l";
/// Puts a terminal back into the state in which it is expected: also sent when nothing was hidden.
pub(crate) const SHOW: &str = "\u{1b}[?2026l\u{1b}[?25h";
const CLEAR_LINE: &str = "\u{1b}[K";
const CLEAR_BELOW: &str = "\u{1b}[J";

/// What the terminal shows of the frame.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    lines: Vec<String>,
    columns: usize,
}

impl Screen {
    /// What to write so that `above` is printed for good and `frame` stands below it; nothing when nothing changed.
    /// Lines of the frame must be narrower than the terminal, and fewer than its rows.
    pub(crate) fn draw(&mut self, above: &str, frame: Vec<String>, columns: usize) -> String {
        if above.is_empty() && frame == self.lines && columns == self.columns {
            return String::new();
        }
        let mut out = format!("{BEGIN}{HIDE}\r");
        out.push_str(&up(self.rows(columns)));
        if columns != self.columns || !above.is_empty() {
            // What is printed for good may be broken over several rows: they must be empty.
            out.push_str(CLEAR_BELOW);
            for line in above.lines() {
                out.push_str(&format!("{line}\r\n"));
            }
            self.lines.clear();
            self.columns = columns;
        }
        let mut same = 0;
        for (index, line) in frame.iter().enumerate() {
            if self.lines.get(index) == Some(line) {
                same += 1;
                continue;
            }
            out.push_str(&down(std::mem::take(&mut same)));
            out.push_str(&format!("{line}{CLEAR_LINE}\r\n"));
        }
        out.push_str(&down(same));
        out.push_str(CLEAR_BELOW);
        out.push_str(END);
        self.lines = frame;
        out
    }

    /// What to write to leave the terminal as it was found, with the frame gone and `last` printed for good.
    pub(crate) fn leave(&mut self, last: &str) -> String {
        let columns = self.columns;
        let mut out = self.draw(last, Vec::new(), columns);
        out.push_str(SHOW);
        out
    }

    /// Rows that the frame takes now. A terminal that became narrower has broken its lines.
    fn rows(&self, columns: usize) -> usize {
        self.lines.iter().map(|line| width(line).div_ceil(columns.max(1)).max(1)).sum()
    }
}

fn up(rows: usize) -> String {
    if rows == 0 { String::new() } else { format!("\u{1b}[{rows}A") }
}

fn down(rows: usize) -> String {
    if rows == 0 { String::new() } else { format!("\u{1b}[{rows}B") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enough of a terminal to see what a frame does: rows that scroll out are kept.
    struct Terminal {
        rows: Vec<String>,
        row: usize,
        column: usize,
        hidden: bool,
    }

    impl Terminal {
        fn new() -> Self {
            Self { rows: vec![String::new()], row: 0, column: 0, hidden: false }
        }

        fn write(&mut self, text: &str) {
            let mut rest = text;
            while let Some(c) = rest.chars().next() {
                rest = &rest[c.len_utf8()..];
                match c {
                    '\u{1b}' => {
                        let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                        self.control(&rest[1..end], &rest[end..=end]);
                        rest = &rest[end + 1..];
                    }
                    '\r' => self.column = 0,
                    '\n' => {
                        self.row += 1;
                        if self.row == self.rows.len() {
                            self.rows.push(String::new());
                        }
                    }
                    c => {
                        let mut cells: Vec<char> = self.rows[self.row].chars().collect();
                        cells.resize(cells.len().max(self.column + 1), ' ');
                        cells[self.column] = c;
                        self.rows[self.row] = cells.into_iter().collect();
                        self.column += 1;
                    }
                }
            }
        }

        fn control(&mut self, number: &str, end: &str) {
            match (number, end) {
                ("?25", "l") => self.hidden = true,
                ("?25", "h") => self.hidden = false,
                ("?2026", "h" | "l") => {}
                (count, "A") => self.row -= count.parse::<usize>().unwrap(),
                (count, "B") => {
                    self.row += count.parse::<usize>().unwrap();
                    assert!(self.row < self.rows.len(), "the cursor does not scroll by moving");
                }
                ("", "K") => self.rows[self.row] = self.rows[self.row].chars().take(self.column).collect(),
                ("", "J") => {
                    self.control("", "K");
                    self.rows.truncate(self.row + 1);
                }
                other => panic!("{other:?} is not expected"),
            }
        }

        fn shown(&self) -> Vec<&str> {
            let mut rows: Vec<&str> = self.rows.iter().map(String::as_str).collect();
            while rows.last().is_some_and(|row| row.is_empty()) {
                rows.pop();
            }
            rows
        }
    }

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn whatever_frames_follow_each_other_the_terminal_shows_the_last_below_all_that_was_printed() {
        let frames = [
            ("", "a\nb\nc"),
            ("", "a\nB is longer\nc"),
            ("one\n", "a\nc"),
            ("", "a\nc\nd\ne"),
            ("two\nthree\n", "x"),
            ("", "x"),
            ("four\n", ""),
            ("", "y\nz"),
        ];
        let (mut screen, mut terminal) = (Screen::default(), Terminal::new());
        let mut printed: Vec<String> = Vec::new();
        for (above, frame) in frames {
            terminal.write(&screen.draw(above, lines(frame), 40));
            printed.extend(lines(above));
            let expected: Vec<String> = printed.iter().cloned().chain(lines(frame)).collect();
            assert_eq!(terminal.shown(), expected);
            assert!(terminal.hidden);
        }
        terminal.write(&screen.leave("the end\n"));
        assert_eq!(terminal.shown().last(), Some(&"the end"));
        assert!(!terminal.hidden, "the cursor is back");
    }

    #[test]
    fn a_frame_is_written_only_where_it_changed() {
        let mut screen = Screen::default();
        let _ = screen.draw("", lines("first\nsecond\nthird"), 40);
        assert_eq!(screen.draw("", lines("first\nsecond\nthird"), 40), "");
        let second = screen.draw("", lines("first\nSECOND\nthird"), 40);
        assert!(second.contains("SECOND") && !second.contains("first") && !second.contains("third"), "{second:?}");
    }

    #[test]
    fn a_terminal_that_became_narrower_is_cleared_from_where_the_frame_now_begins() {
        let mut screen = Screen::default();
        let _ = screen.draw("", lines("0123456789\nab"), 40);
        let narrow = screen.draw("", lines("0123…\nab"), 5);
        assert!(narrow.contains("\u{1b}[3A"), "two rows of the first line and one of the second: {narrow:?}");
    }
}
