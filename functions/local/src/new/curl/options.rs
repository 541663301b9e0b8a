//! The options of curl: which take a value, and what they are called at length.

/// An option, or an operand.
#[derive(Debug, PartialEq)]
pub(super) enum Option {
    /// `--name`, with its value if it takes one.
    Named(&'static str, String),
    /// One that nobody here knows.
    Unknown(String),
    /// An address.
    Operand(String),
}

/// `(short, long, takes a value)` of those that mean something for a request, or that take a value.
const KNOWN: [(char, &str, bool); 88] = [
    ('X', "request", true),
    ('H', "header", true),
    ('d', "data", true),
    ('F', "form", true),
    ('u', "user", true),
    ('b', "cookie", true),
    ('G', "get", false),
    ('k', "insecure", false),
    ('L', "location", false),
    ('I', "head", false),
    ('A', "user-agent", true),
    ('e', "referer", true),
    ('T', "upload-file", true),
    ('m', "max-time", true),
    ('x', "proxy", true),
    ('E', "cert", true),
    ('0', "http1.0", false),
    ('f', "fail", false),
    ('s', "silent", false),
    ('S', "show-error", false),
    ('v', "verbose", false),
    ('i', "include", false),
    ('O', "remote-name", false),
    ('J', "remote-header-name", false),
    ('N', "no-buffer", false),
    ('#', "progress-bar", false),
    ('g', "globoff", false),
    ('n', "netrc", false),
    ('4', "ipv4", false),
    ('6', "ipv6", false),
    ('o', "output", true),
    ('w', "write-out", true),
    ('c', "cookie-jar", true),
    ('D', "dump-header", true),
    ('C', "continue-at", true),
    ('r', "range", true),
    ('K', "config", true),
    ('U', "proxy-user", true),
    ('y', "speed-time", true),
    ('Y', "speed-limit", true),
    ('z', "time-cond", true),
    ('t', "telnet-option", true),
    ('Q', "quote", true),
    ('P', "ftp-port", true),
    ('h', "help", false),
    ('V', "version", false),
    ('Z', "parallel", false),
    (':', "next", false),
    (' ', "url", true),
    (' ', "data-raw", true),
    (' ', "data-ascii", true),
    (' ', "data-binary", true),
    (' ', "data-urlencode", true),
    (' ', "json", true),
    (' ', "form-string", true),
    (' ', "url-query", true),
    (' ', "compressed", false),
    (' ', "http1.1", false),
    (' ', "http2", false),
    (' ', "http2-prior-knowledge", false),
    (' ', "http3", false),
    (' ', "max-redirs", true),
    (' ', "post301", false),
    (' ', "post302", false),
    (' ', "post303", false),
    (' ', "location-trusted", false),
    (' ', "retry", true),
    (' ', "retry-delay", true),
    (' ', "retry-max-time", true),
    (' ', "retry-all-errors", false),
    (' ', "retry-connrefused", false),
    (' ', "connect-timeout", true),
    (' ', "cacert", true),
    (' ', "capath", true),
    (' ', "key", true),
    (' ', "pass", true),
    (' ', "oauth2-bearer", true),
    (' ', "basic", false),
    (' ', "digest", false),
    (' ', "ntlm", false),
    (' ', "negotiate", false),
    (' ', "anyauth", false),
    (' ', "aws-sigv4", true),
    (' ', "resolve", true),
    (' ', "connect-to", true),
    (' ', "unix-socket", true),
    (' ', "fail-with-body", false),
    (' ', "request-target", true),
];

/// Options about what curl prints and keeps: they say nothing about the request.
pub(super) const ABOUT_OUTPUT: [&str; 15] = [
    "silent",
    "show-error",
    "verbose",
    "include",
    "remote-name",
    "remote-header-name",
    "no-buffer",
    "progress-bar",
    "output",
    "write-out",
    "dump-header",
    "globoff",
    "compressed",
    "basic",
    "retry-delay",
];

/// Splits the words behind `curl` into options.
///
/// # Errors
/// An option whose value is missing.
pub(super) fn options(words: &[String]) -> Result<Vec<Option>, String> {
    let mut found = Vec::new();
    let mut words = words.iter();
    let mut only_operands = false;
    while let Some(word) = words.next() {
        if only_operands || word == "-" || !word.starts_with('-') {
            found.push(Option::Operand(word.clone()));
        } else if word == "--" {
            only_operands = true;
        } else if let Some(long) = word.strip_prefix("--") {
            found.push(long_option(long, &mut words)?);
        } else {
            short_options(&word[1..], &mut words, &mut found)?;
        }
    }
    Ok(found)
}

type Words<'a> = std::slice::Iter<'a, String>;

fn long_option(typed: &str, words: &mut Words<'_>) -> Result<Option, String> {
    let (name, inline) = match typed.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (typed, None),
    };
    let Some((_, long, takes)) = KNOWN.iter().find(|(_, long, _)| *long == name) else {
        return Ok(Option::Unknown(format!("--{name}")));
    };
    if !takes {
        return Ok(Option::Named(long, String::new()));
    }
    let value = inline.or_else(|| words.next().cloned());
    Ok(Option::Named(long, value.ok_or_else(|| format!("--{name} has no value"))?))
}

fn short_options(letters: &str, words: &mut Words<'_>, found: &mut Vec<Option>) -> Result<(), String> {
    let mut rest = letters.chars();
    while let Some(letter) = rest.next() {
        let Some((_, long, takes)) = KNOWN.iter().find(|(short, ..)| *short == letter && letter != ' ') else {
            found.push(Option::Unknown(format!("-{letter}")));
            continue;
        };
        if !takes {
            found.push(Option::Named(long, String::new()));
            continue;
        }
        let joined = rest.as_str();
        let value = if joined.is_empty() { words.next().cloned() } else { Some(joined.to_owned()) };
        found.push(Option::Named(long, value.ok_or_else(|| format!("-{letter} has no value"))?));
        return Ok(());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_options_may_be_joined_to_each_other_and_to_their_value() {
        let words = ["-sSLXPOST", "-da=b", "--json={}", "--", "-x"].map(str::to_owned);
        let found = options(&words).unwrap();
        assert_eq!(found[3], Option::Named("request", "POST".into()));
        assert_eq!(found[4], Option::Named("data", "a=b".into()));
        assert_eq!(found[5], Option::Named("json", "{}".into()));
        assert_eq!(found[6], Option::Operand("-x".into()));
        assert!(options(&["-X".to_owned()]).unwrap_err().contains("-X has no value"));
    }
}
