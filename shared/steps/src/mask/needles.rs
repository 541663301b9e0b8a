//! The texts under which a secret's value may turn up.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::masker::SHORTEST;

/// RFC 3986 section 2.3: what never needs encoding.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What `encodeURIComponent` of browsers leaves as it is.
const COMPONENT: &AsciiSet = &UNRESERVED.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');
/// What is left as it is where a whole URL is encoded: its delimiters too.
const WHOLE_URL: &AsciiSet = &COMPONENT
    .remove(b';')
    .remove(b'/')
    .remove(b'?')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b',');
/// The query of a URL as the WHATWG URL standard writes it.
const QUERY: &AsciiSet = &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\'');
/// Its path.
const PATH: &AsciiSet = &QUERY.add(b'?').add(b'^').add(b'`').add(b'{').add(b'}').remove(b'\'');
/// User name and password before the host.
const USER: &AsciiSet =
    &PATH.add(b'/').add(b':').add(b';').add(b'=').add(b'@').add(b'[').add(b'\\').add(b']').add(b'|');
/// A form's field (`application/x-www-form-urlencoded`); the space becomes `+` afterwards.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b' ');

/// Every text that stands for `secret`, each at least [`SHORTEST`] bytes long.
pub(super) fn of(secret: &str) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    for raw in [secret, secret.trim()] {
        if raw.len() < SHORTEST {
            continue;
        }
        found.insert(raw.as_bytes().to_vec());
        json_escaped(raw, &mut found);
        percent_encoded(raw, &mut found);
        base64_encoded(raw.as_bytes(), &mut found);
        found.insert(hex::encode(raw).into_bytes());
        found.insert(hex::encode_upper(raw).into_bytes());
    }
    found.retain(|needle| needle.len() >= SHORTEST);
    found
}

/// As JSON texts write it: plain, all ASCII, with `/` and with HTML's characters escaped; also as a text within a text.
fn json_escaped(raw: &str, found: &mut BTreeSet<Vec<u8>>) {
    let plain = quoted(raw);
    let ascii = escape_chars(&plain, |c| !c.is_ascii());
    let html = escape_chars(&plain, |c| matches!(c, '<' | '>' | '&'));
    let both = escape_chars(&ascii, |c| matches!(c, '<' | '>' | '&' | '\''));
    for once in [plain.replace('/', "\\/"), plain, ascii, html, both] {
        let twice = quoted(&once);
        // Writers disagree about the case of the digits in `\u00E9`.
        found.insert(lowercase_after(&once, "\\u", 4).into_bytes());
        found.insert(once.into_bytes());
        found.insert(twice.into_bytes());
    }
}

/// The text between the quotes of the JSON string.
fn quoted(raw: &str) -> String {
    let text = serde_json::Value::from(raw).to_string();
    text[1..text.len() - 1].to_owned()
}

fn escape_chars(text: &str, wanted: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if wanted(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04X}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// The text with the `digits` characters behind each `mark` in lower case.
fn lowercase_after(text: &str, mark: &str, digits: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        let from = at + mark.len();
        let to = rest.len().min(from + digits);
        out.push_str(&rest[..from]);
        match rest.get(from..to) {
            Some(code) if code.bytes().all(|b| b.is_ascii_hexdigit()) => {
                out.push_str(&code.to_ascii_lowercase());
                rest = &rest[to..];
            }
            _ => rest = &rest[from..],
        }
    }
    out.push_str(rest);
    out
}

fn percent_encoded(raw: &str, found: &mut BTreeSet<Vec<u8>>) {
    for set in [UNRESERVED, COMPONENT, WHOLE_URL, QUERY, PATH, USER, NON_ALPHANUMERIC] {
        let text = percent_encode(raw.as_bytes(), set).to_string();
        found.insert(lowercase_after(&text, "%", 2).into_bytes());
        found.insert(text.into_bytes());
    }
    let form = percent_encode(raw.as_bytes(), FORM).to_string().replace(' ', "+");
    found.insert(lowercase_after(&form, "%", 2).into_bytes());
    found.insert(form.into_bytes());
}

/// Base64 within longer data: the secret begins at one of three places within a group of three bytes. Characters that
/// also depend on the neighbours are left out.
fn base64_encoded(raw: &[u8], found: &mut BTreeSet<Vec<u8>>) {
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(raw);
        let text = STANDARD_NO_PAD.encode(&bytes);
        let from = (before * 8).div_ceil(6);
        let to = bytes.len() * 8 / 6;
        let Some(inner) = text.get(from..to) else { continue };
        found.insert(inner.replace('+', "-").replace('/', "_").into_bytes());
        found.insert(inner.as_bytes().to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    fn has(secret: &str, text: &str) -> bool {
        of(secret).contains(text.as_bytes())
    }

    #[test]
    fn usual_encodings_of_a_secret_are_known() {
        assert!(has("a b/c?", "a%20b%2Fc%3F"));
        assert!(has("a b/c?", "a%20b%2fc%3f"));
        assert!(has("a b/c?", "a+b%2Fc%3F"));
        assert!(has("a b/c?", "a%20b/c?"));
        assert!(has("say \"hi\"\n", "say \\\"hi\\\"\\n"));
        assert!(has("say \"hi\"\n", "say \\\\\\\"hi\\\\\\\"\\\\n"));
        assert!(has("naïve/é", "na\\u00EFve/\\u00E9"));
        assert!(has("naïve/é", "na\\u00efve/\\u00e9"));
        assert!(has("a/b&c", "a/b\\u0026c"));
        assert!(has("tail\n", "tail"));
        assert!(has("abcd", "61626364"));
    }

    #[test]
    fn base64_is_found_at_each_of_its_three_places() {
        let secret = "s3cr3t/~value?>";
        for before in ["", "x", "xy", "user:"] {
            for after in ["", "1", "12"] {
                let text = STANDARD.encode(format!("{before}{secret}{after}"));
                let url_safe = text.replace('+', "-").replace('/', "_");
                for text in [text, url_safe] {
                    let found = of(secret).into_iter().any(|needle| {
                        text.as_bytes().windows(needle.len()).any(|w| w == needle) && needle.len() >= secret.len()
                    });
                    assert!(found, "{before} {after} {text}");
                }
            }
        }
    }

    #[test]
    fn what_is_too_short_has_no_needles() {
        assert!(of("abc").is_empty());
        assert!(of("").is_empty());
        assert!(of(" a \n ").iter().all(|needle| needle.len() >= SHORTEST));
    }
}
