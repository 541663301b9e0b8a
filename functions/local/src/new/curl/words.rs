//! Splits a text into commands and words as a POSIX shell does, with bash's `$'...'`.

/// A command: its words, and what stood in it that only a shell can do.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Typed {
    /// The words, without their quotes.
    pub(super) words: Vec<String>,
    /// What was left out.
    pub(super) left_out: Vec<String>,
}

/// Stands for `$NAME` within a word until the word's meaning is known.
pub(super) const VARIABLE: char = '\u{f0000}';

/// Whether a text is meant as curl commands.
pub(in crate::new) fn looks_like_curl(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.next().unwrap_or_default();
    let first = first.strip_prefix("$ ").unwrap_or(first);
    let program = first.split_whitespace().next().unwrap_or_default();
    matches!(program.rsplit('/').next(), Some("curl" | "curl.exe"))
}

/// The commands of a text.
///
/// # Errors
/// A quote that is not closed.
pub(super) fn commands(text: &str) -> Result<Vec<Typed>, String> {
    let mut lexer = Lexer { text: text.chars().collect(), at: 0, done: Vec::new(), now: Typed::default(), word: None };
    lexer.read()?;
    Ok(lexer.done)
}

struct Lexer {
    text: Vec<char>,
    at: usize,
    done: Vec<Typed>,
    now: Typed,
    word: Option<String>,
}

impl Lexer {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end_word(&mut self) {
        self.now.words.extend(self.word.take());
    }

    fn end_command(&mut self) {
        self.end_word();
        let command = std::mem::take(&mut self.now);
        if !command.words.is_empty() {
            self.done.push(command);
        }
    }

    fn read(&mut self) -> Result<(), String> {
        while let Some(c) = self.next() {
            match c {
                '\n' | ';' => self.end_command(),
                c if c.is_whitespace() => self.end_word(),
                '#' if self.word.is_none() => self.rest_of_line(),
                '\\' | '^' if self.line_ends() => self.end_word(),
                '\\' => {
                    if let Some(c) = self.next() {
                        self.push(c);
                    }
                }
                '\'' => self.single()?,
                '"' => self.double()?,
                '$' if self.peek() == Some('\'') => self.ansi()?,
                '$' if self.peek() == Some('"') => {}
                '$' => self.variable(),
                '`' => self.substituted('`'),
                '|' | '&' | '>' | '<' => self.operator(c),
                c => self.push(c),
            }
        }
        self.end_command();
        Ok(())
    }

    /// Whether the line ends here, so that the backslash before goes on with the next one.
    fn line_ends(&mut self) -> bool {
        let crlf = self.peek() == Some('\r') && self.text.get(self.at + 1) == Some(&'\n');
        if crlf {
            self.at += 2;
        } else if self.peek() == Some('\n') {
            self.at += 1;
        } else {
            return false;
        }
        true
    }

    fn rest_of_line(&mut self) {
        while self.peek().is_some_and(|c| c != '\n') {
            self.at += 1;
        }
    }

    fn single(&mut self) -> Result<(), String> {
        self.word.get_or_insert_default();
        loop {
            match self.next() {
                Some('\'') => return Ok(()),
                Some(c) => self.push(c),
                None => return Err("a ' is not closed".to_owned()),
            }
        }
    }

    fn double(&mut self) -> Result<(), String> {
        self.word.get_or_insert_default();
        loop {
            match self.next() {
                Some('"') => return Ok(()),
                Some('\\') => match self.next() {
                    Some('\n') => {}
                    Some(c @ ('"' | '\\' | '$' | '`')) => self.push(c),
                    Some(c) => {
                        self.push('\\');
                        self.push(c);
                    }
                    None => return Err("a \" is not closed".to_owned()),
                },
                Some('$') => self.variable(),
                Some('`') => self.substituted('`'),
                Some(c) => self.push(c),
                None => return Err("a \" is not closed".to_owned()),
            }
        }
    }

    /// `$'...'`, as bash reads it.
    fn ansi(&mut self) -> Result<(), String> {
        self.at += 1;
        self.word.get_or_insert_default();
        // Escapes may be the bytes of a character.
        let mut bytes: Vec<u8> = Vec::new();
        loop {
            match self.next() {
                Some('\'') => break,
                Some('\\') => self.escape(&mut bytes)?,
                Some(c) => bytes.extend(c.to_string().bytes()),
                None => return Err("a $' is not closed".to_owned()),
            }
        }
        String::from_utf8_lossy(&bytes).chars().for_each(|c| self.push(c));
        Ok(())
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), String> {
        let c = self.next().ok_or("a $' is not closed")?;
        let plain = match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'e' | 'E' => '\u{1b}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'x' => {
                let code = self.digits(16, 2);
                bytes.push(u8::try_from(code.unwrap_or(0)).unwrap_or(b'?'));
                return Ok(());
            }
            'u' => self.digits(16, 4).and_then(char::from_u32).unwrap_or('\u{fffd}'),
            'U' => self.digits(16, 8).and_then(char::from_u32).unwrap_or('\u{fffd}'),
            '0'..='7' => {
                self.at -= 1;
                let code = self.digits(8, 3).unwrap_or(0);
                bytes.push(u8::try_from(code & 0xff).unwrap_or(b'?'));
                return Ok(());
            }
            other => other,
        };
        bytes.extend(plain.to_string().bytes());
        Ok(())
    }

    fn digits(&mut self, radix: u32, most: usize) -> Option<u32> {
        let mut code = None;
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(radix)) else { break };
            code = Some(code.unwrap_or(0_u32).wrapping_mul(radix).wrapping_add(digit));
            self.at += 1;
        }
        code
    }

    /// `$NAME`, `${NAME}`, `$(...)`, or a lone `$`.
    fn variable(&mut self) {
        match self.peek() {
            Some('(') => {
                self.at += 1;
                self.substituted(')');
            }
            Some('{') => {
                self.at += 1;
                let mut name = String::new();
                while let Some(c) = self.next().filter(|c| *c != '}') {
                    name.push(c);
                }
                self.named(&name);
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                    self.at += 1;
                }
                self.named(&name);
            }
            _ => self.push('$'),
        }
    }

    fn named(&mut self, name: &str) {
        let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !fits || name.starts_with(|c: char| c.is_ascii_digit()) {
            self.now.left_out.push(format!("the shell's ${{{name}}}: an empty text stands there"));
            self.word.get_or_insert_default();
            return;
        }
        self.push(VARIABLE);
        name.chars().for_each(|c| self.push(c));
        self.push(VARIABLE);
    }

    /// What a command of the shell would print.
    fn substituted(&mut self, end: char) {
        let start = self.at;
        while self.next().is_some_and(|c| c != end) {}
        let inner: String = self.text[start..self.at.saturating_sub(1).max(start)].iter().collect();
        self.now.left_out.push(format!("the shell's command `{inner}`: an empty text stands where its output would"));
        self.word.get_or_insert_default();
    }

    fn operator(&mut self, c: char) {
        if c == '&' && self.peek() == Some('&') {
            self.at += 1;
            return self.end_command();
        }
        if c == '&' {
            return self.end_command();
        }
        if c == '|' && self.peek() == Some('|') {
            self.at += 1;
            return self.end_command();
        }
        self.end_word();
        let start = self.at - 1;
        while self.peek().is_some_and(|c| !matches!(c, '\n' | ';')) {
            self.at += 1;
        }
        let rest: String = self.text[start..self.at].iter().collect();
        self.now.left_out.push(format!("`{}` of the shell", rest.trim()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        commands(text).unwrap().remove(0).words
    }

    #[test]
    fn quotes_are_read_as_a_shell_reads_them() {
        assert_eq!(words(r#"curl 'a b' "c \"d\" \n" e\ f"#), ["curl", "a b", "c \"d\" \\n", "e f"]);
        assert_eq!(words("curl \\\n  -X POST \\\r\n  'http://x'"), ["curl", "-X", "POST", "http://x"]);
        assert_eq!(words(r"curl $'it\'s\n\x41\u00e9\xc3\xa9\101'"), ["curl", "it's\nAééA"]);
        assert_eq!(words("curl 'it'\\''s' ''"), ["curl", "it's", ""]);
        assert_eq!(words("curl \"$HOST/x\""), ["curl", &format!("{VARIABLE}HOST{VARIABLE}/x")]);
        assert_eq!(words("curl -u a:b#c # a comment"), ["curl", "-u", "a:b#c"]);
        assert!(commands("curl 'abc").is_err() && commands("curl \"abc").is_err() && commands("curl $'abc").is_err());
    }

    #[test]
    fn several_commands_are_told_apart_and_what_only_a_shell_can_do_is_named() {
        let found = commands("curl a | jq .x\ncurl b && curl c; curl d > out.json").unwrap();
        assert_eq!(found.len(), 4);
        assert_eq!(found[0].left_out, ["`| jq .x` of the shell"]);
        assert_eq!(found[3].words, ["curl", "d"]);
        let found = commands("curl -d \"at=$(date +%s)\" `x` ${a:-b}").unwrap();
        assert_eq!(found[0].left_out.len(), 3, "{found:?}");
        assert!(looks_like_curl("# x\n$ curl https://a") && !looks_like_curl("openapi: 3.0.0\ncurl: x"));
    }
}
