//! Text as a terminal shows it: how many cells it takes, cut to a width, broken into lines.
//!
//! What comes in was made by [`super::text::clean`] and [`super::Paint`]: the only escape sequences are our own colours,
//! which take no cells and are closed again when the text is cut between them.

use unicode_width::UnicodeWidthChar as _;

/// What stands where something was left out.
const LEFT_OUT: char = '…';
const RESET: &str = "\u{1b}[0m";
/// Marks that stand on one letter; no language needs more, and more would reach into the lines around.
const MARKS: usize = 4;

/// A piece that is shown as one: a colour, or a letter with the marks on it.
struct Piece<'a> {
    text: &'a str,
    cells: usize,
    colour: bool,
}

/// Cells that the text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    pieces(text).map(|piece| piece.cells).sum()
}

/// The text in at most this many cells; what does not fit is left out at its end, visibly.
pub(crate) fn fit(text: &str, cells: usize) -> String {
    if width(text) <= cells && !text.contains('\n') {
        return lean(text);
    }
    let mut out = String::with_capacity(text.len());
    let (mut used, mut coloured) = (0, false);
    for piece in pieces(text) {
        if piece.colour {
            coloured = piece.text != RESET;
        } else if piece.text == "\n" || used + piece.cells + 1 > cells {
            break;
        }
        used += piece.cells;
        out.push_str(piece.text);
    }
    if cells > 0 {
        out.push(LEFT_OUT);
    }
    if coloured {
        out.push_str(RESET);
    }
    out
}

/// The text in lines of at most this many cells, broken between words where there are some; lines after the first begin
/// with as many blanks as the first, and `hang` more.
pub(crate) fn wrap(text: &str, cells: usize, hang: usize) -> Vec<String> {
    if width(text) <= cells {
        return vec![lean(text)];
    }
    let blanks = text.chars().take_while(|c| *c == ' ').count();
    let lead = " ".repeat((blanks + hang).min(cells / 2));
    let mut lines = Vec::new();
    let (mut line, mut used, mut colour) = (String::new(), 0, String::new());
    // Where the line could be broken: bytes and cells up to there, and the colour that holds there.
    let mut gap: Option<(usize, usize, String)> = None;
    for piece in pieces(text) {
        if piece.colour {
            colour = if piece.text == RESET { String::new() } else { piece.text.to_owned() };
            line.push_str(piece.text);
            continue;
        }
        if used + piece.cells > cells {
            let (at, to, held) = gap.take().unwrap_or_else(|| (line.len(), used, colour.clone()));
            let rest = line.split_off(at);
            let end = if held.is_empty() { "" } else { RESET };
            lines.push(format!("{}{end}", line.trim_end()));
            used = lead.len() + used - to;
            line = format!("{lead}{held}{rest}");
            if piece.text == " " && rest.is_empty() {
                continue;
            }
        }
        used += piece.cells;
        line.push_str(piece.text);
        if piece.text == " " && used > blanks && used > lead.len() + cells / 4 {
            gap = Some((line.len(), used, colour.clone()));
        }
    }
    lines.push(line);
    lines
}

/// The text with blanks up to this many cells.
pub(crate) fn pad(text: &str, cells: usize) -> String {
    format!("{text}{}", " ".repeat(cells.saturating_sub(width(text))))
}

/// The text without the marks that are too many.
fn lean(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { pieces(text).map(|piece| piece.text).collect() }
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let (piece, after) = if first == '\u{1b}' { colour(rest) } else { letter(rest, first) };
        rest = after;
        Some(piece)
    })
}

fn colour(text: &str) -> (Piece<'_>, &str) {
    let end = text.find('m').map_or(text.len(), |at| at + 1);
    let (text, rest) = text.split_at(end);
    (Piece { text, cells: 0, colour: true }, rest)
}

fn letter(text: &str, first: char) -> (Piece<'_>, &str) {
    let mut cells = first.width().unwrap_or(0);
    let (mut end, mut skip) = (first.len_utf8(), first.len_utf8());
    for (count, mark) in text[skip..].chars().take_while(|c| c.width() == Some(0) && *c != '\u{1b}').enumerate() {
        if mark == '\u{fe0f}' {
            // Shown as an emoji, which takes two cells where terminals know of it.
            cells = cells.max(2);
        }
        skip += mark.len_utf8();
        if count < MARKS {
            end = skip;
        }
    }
    (Piece { text: &text[..end], cells, colour: false }, &text[skip..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_counted_as_terminals_show_them() {
        assert_eq!(
            ["abc", "日本", "e\u{301}", "\u{1b}[31mred\u{1b}[0m", "❤\u{fe0f}", ""].map(width),
            [3, 4, 1, 3, 2, 0]
        );
    }

    #[test]
    fn what_does_not_fit_is_left_out_visibly_and_its_colour_ends() {
        assert_eq!(fit("abcdef", 6), "abcdef");
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("\u{1b}[31mabcdef\u{1b}[0m", 3), "\u{1b}[31mab…\u{1b}[0m");
        assert_eq!(fit("two\nlines", 20), "two…");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn a_letter_keeps_no_more_marks_than_a_language_needs() {
        let heap = format!("a{}b", "\u{301}".repeat(50));
        assert_eq!(fit(&heap, 10), format!("a{}b", "\u{301}".repeat(4)));
    }

    #[test]
    fn lines_break_between_words_and_keep_their_indent() {
        assert_eq!(wrap("  one two three four", 12, 2), ["  one two", "    three", "    four"]);
        assert_eq!(wrap("abcdefghij", 4, 0), ["abcd", "efgh", "ij"]);
        let red = wrap("\u{1b}[31mone two three\u{1b}[0m", 8, 0);
        assert_eq!(red, ["\u{1b}[31mone two\u{1b}[0m", "\u{1b}[31mthree\u{1b}[0m"]);
        for line in wrap("日本語 日本語 日本語", 7, 1) {
            assert!(width(&line) <= 7, "{line}");
        }
    }
}
