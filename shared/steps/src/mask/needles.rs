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

/// A path as Python's `quote` writes it: its slashes are kept.
const QUOTED_PATH: &AsciiSet = &UNRESERVED.remove(b'/');
/// RFC 3986 section 3.3, `pchar`: one segment of a path.
const SEGMENT: &AsciiSet =
    &COMPONENT.remove(b'$').remove(b'&').remove(b'+').remove(b',').remove(b';').remove(b'=').remove(b':').remove(b'@');
/// A path of such segments, and a query (sections 3.3 and 3.4).
const SEGMENTS: &AsciiSet = &SEGMENT.remove(b'/');
const STRICT_QUERY: &AsciiSet = &SEGMENTS.remove(b'?');

/// Secrets with more bytes are looked for in the usual encodings only, not spelled out byte by byte.
const LONGEST_SPELLED: usize = 128;

/// Every text that stands for `secret`, each at least [`SHORTEST`] bytes long, in lower case: whoever looks for them does
/// not tell cases apart, since hosts and headers are written in another case and so are the digits of an encoding.
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
        if raw.len() <= LONGEST_SPELLED {
            spelled_out(raw, &mut found);
            html_escaped(raw, &mut found);
        }
    }
    let found = found.into_iter().map(|needle| needle.to_ascii_lowercase());
    found.filter(|needle| needle.len() >= SHORTEST).collect()
}

/// As JSON texts write it: plain, all ASCII, with `/` and with HTML's characters escaped; also as a text within a text.
fn json_escaped(raw: &str, found: &mut BTreeSet<Vec<u8>>) {
    let plain = quoted(raw);
    let ascii = escape_chars(&plain, |c| !c.is_ascii());
    let html = escape_chars(&plain, |c| matches!(c, '<' | '>' | '&'));
    let both = escape_chars(&ascii, |c| matches!(c, '<' | '>' | '&' | '\''));
    for once in [plain.replace('/', "\\/"), plain, ascii, html, both] {
        found.insert(quoted(&once).into_bytes());
        found.insert(once.into_bytes());
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

fn percent_encoded(raw: &str, found: &mut BTreeSet<Vec<u8>>) {
    let sets = [UNRESERVED, COMPONENT, WHOLE_URL, QUERY, PATH, USER, NON_ALPHANUMERIC];
    for set in sets.into_iter().chain([QUOTED_PATH, SEGMENT, SEGMENTS, STRICT_QUERY]) {
        let text = percent_encode(raw.as_bytes(), set).to_string();
        // A URL within a URL.
        found.insert(text.replace('%', "%25").into_bytes());
        found.insert(text.into_bytes());
    }
    let form = percent_encode(raw.as_bytes(), FORM).to_string().replace(' ', "+");
    found.insert(form.into_bytes());
}

/// Byte by byte, whether that is needed or not: `%41`, `\\u0041`, hexadecimal with separators, a list of numbers.
fn spelled_out(raw: &str, found: &mut BTreeSet<Vec<u8>>) {
    let bytes = |each: fn(u8) -> String, between: &str| {
        let written: Vec<String> = raw.bytes().map(each).collect();
        written.join(between).into_bytes()
    };
    let hexadecimal = |byte| format!("{byte:02x}");
    found.insert(bytes(|byte| format!("%{byte:02x}"), ""));
    found.insert(bytes(|byte| format!("\\x{byte:02x}"), ""));
    for between in [":", " ", "-", ", "] {
        found.insert(bytes(hexadecimal, between));
        found.insert(bytes(|byte| format!("0x{byte:02x}"), between));
    }
    for between in [",", ", ", " "] {
        found.insert(bytes(|byte| byte.to_string(), between));
    }
    let escaped = escape_chars(raw, |_| true);
    found.insert(quoted(&escaped).into_bytes());
    found.insert(escaped.into_bytes());
}

/// As HTML and XML write it: with names or numbers, only where that is needed, for all symbols, or everywhere.
fn html_escaped(raw: &str, found: &mut BTreeSet<Vec<u8>>) {
    let named = raw.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let quotes = [("&quot;", "&#x27;"), ("&quot;", "&#39;"), ("&quot;", "&apos;"), ("&#34;", "&#39;"), ("\"", "'")];
    for (double, single) in quotes {
        let text = named.replace('"', double).replace('\'', single);
        // Some writers escape what matters in their attributes too.
        found.insert(text.replace('/', "&#x2f;").into_bytes());
        found.insert(text.replace('+', "&#43;").into_bytes());
        found.insert(text.into_bytes());
    }
    let numbered = |wanted: fn(char) -> bool, number: fn(char) -> String| {
        let each = raw.chars().map(|c| if wanted(c) { number(c) } else { c.to_string() });
        each.collect::<String>().into_bytes()
    };
    for wanted in [|c: char| !c.is_alphanumeric(), |c: char| !c.is_ascii_alphanumeric(), |_| true] {
        found.insert(numbered(wanted, |c| format!("&#{};", u32::from(c))));
        found.insert(numbered(wanted, |c| format!("&#x{:x};", u32::from(c))));
    }
}

/// So many characters of base64 tell a secret's beginning or end.
const EDGE: usize = 12;
/// The alphabet of RFC 4648 section 4.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 within longer data: the secret begins at one of three places within a group of three bytes. The characters at
/// both ends also hold bits of the neighbours: they are found whatever these are.
fn base64_encoded(raw: &[u8], found: &mut BTreeSet<Vec<u8>>) {
    let mut insert = |text: String| {
        found.insert(text.replace('+', "-").replace('/', "_").into_bytes());
        found.insert(text.into_bytes());
    };
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(raw);
        let text = STANDARD_NO_PAD.encode(&bytes);
        let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        let Some(inner) = text.get(from..to) else { continue };
        insert(inner.to_owned());
        let place = |at: usize| BASE64.iter().position(|known| text.as_bytes().get(at) == Some(known)).unwrap_or(0);
        // What overlaps is one place: a few characters are enough to add the one beside them.
        let edge = inner.len().min(EDGE);
        let (first, last) = (&inner[..edge], &inner[inner.len() - edge..]);
        if before > 0 {
            let (own, low) = (from * 6 - before * 8, place(from - 1));
            for high in 0..64 >> own {
                insert(format!("{}{first}", char::from(BASE64[high << own | low & ((1 << own) - 1)])));
            }
        }
        let free = 6 - (bytes.len() * 8 - to * 6);
        if free < 6 {
            for low in 0..1 << free {
                insert(format!("{last}{}", char::from(BASE64[place(to) >> free << free | low])));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    fn has(secret: &str, text: &str) -> bool {
        of(secret).contains(text.to_ascii_lowercase().as_bytes())
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
        assert!(has("ab/cd+ef==GH", "ab/cd%2Bef%3D%3DGH"));
        assert!(has("ab/cd+ef==GH", "ab/cd+ef==GH"));
        assert!(has("ab/c d?", "ab/c%2520d%253F"));
        assert!(has("A+/=", "%41%2B%2F%3D"));
        assert!(has("A+/=", "\\u0041\\u002b\\u002F\\u003d"));
        assert!(has("A+/=", "A&#43;&#47;&#61;"));
        assert!(has("A+/=", "&#x41;&#x2B;&#x2f;&#x3D;"));
        assert!(has("a<b>&'\"", "a&lt;b&gt;&amp;&#x27;&quot;"));
        assert!(has("abcd", "61:62:63:64") && has("abcd", "61 62 63 64") && has("abcd", "0x61, 0x62, 0x63, 0x64"));
        assert!(has("abcd", "97,98,99,100"));
        assert!(has("AbCd", "aBcD"));
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
                        let text = text.to_ascii_lowercase();
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
