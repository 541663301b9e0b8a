//! HTML, written so that data cannot become markup.

use std::fmt::Write as _;

use super::super::text::visible;

/// HTML as it grows. Markup comes from this program's own text only: [`Markup::raw`] takes nothing that was made at run
/// time, and everything else is escaped.
#[derive(Default)]
pub(super) struct Markup(String);

impl Markup {
    /// Markup.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, or the value of an attribute between double quotes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        let mut rest = text;
        let shown;
        if text.chars().any(|c| !matches!(c, ' '..='~' | '\n')) {
            shown = visible(text);
            rest = &shown;
        }
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            self.0.push_str(&rest[..at]);
            self.0.push_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            });
            rest = &rest[at + 1..];
        }
        self.0.push_str(rest);
        self
    }

    /// A number.
    pub(super) fn number(&mut self, number: usize) -> &mut Self {
        let _ = write!(self.0, "{number}");
        self
    }

    /// A part of a whole, as `12.34%`.
    pub(super) fn percent(&mut self, part: f64) -> &mut Self {
        let _ = write!(self.0, "{:.2}%", part * 100.0);
        self
    }

    /// Text in an element of this class.
    pub(super) fn element(&mut self, name: &'static str, class: &'static str, text: &str) -> &mut Self {
        self.raw("<").raw(name);
        if !class.is_empty() {
            self.raw(" class=\"").raw(class).raw("\"");
        }
        self.raw(">").text(text).raw("</").raw(name).raw(">")
    }

    /// The page.
    pub(super) fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_becomes_markup() {
        let mut out = Markup::default();
        out.text("</script><!-- \"' & \u{2028}\u{202e}\0");
        assert_eq!(out.into_string(), "&lt;/script&gt;&lt;!-- &quot;&#39; &amp; \\u{2028}\\u{202e}\\u{0}");
    }
}
