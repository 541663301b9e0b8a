//! The planted value, and every trace that would betray it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// It has characters that JSON, URLs and base64's two alphabets write differently.
pub(crate) const CANARY: &str = "c4n\"ary/v@lue+7e1f?>~";

/// A value that may stand in a URL as it is.
pub(crate) const URLSAFE: &str = "p1ain-Canary_V4lue~7e1";

/// Parts of the canaries in each encoding. Parts, so that one cut at its ends is found too.
pub(crate) fn traces() -> Vec<Vec<u8>> {
    let mut traces: Vec<String> =
        ["c4n\"ary", "v@lue+7e1", "c4n%22ary", "v%40lue", "lue%2B7e1", "lue%2b7e1", "p1ain-Can", "V4lue~7e"]
            .map(str::to_owned)
            .into();
    traces.extend([hex::encode("v@lue"), hex::encode_upper("v@lue"), hex::encode("c4n\"ary")]);
    for before in ["", "u", "uu"] {
        for text in
            [STANDARD_NO_PAD.encode(format!("{before}{CANARY}")), URL_SAFE_NO_PAD.encode(format!("{before}{CANARY}"))]
        {
            // Without what the text before it and after it decide.
            traces.push(text[4..16].to_owned());
            traces.push(text[12..24].to_owned());
        }
    }
    traces.into_iter().map(String::into_bytes).collect()
}

/// The first trace in these bytes.
pub(crate) fn betrayed(bytes: &[u8]) -> Option<String> {
    let found = traces().into_iter().find(|trace| bytes.windows(trace.len()).any(|window| window == trace.as_slice()));
    found.map(|trace| String::from_utf8_lossy(&trace).into_owned())
}

/// The canary as a target may send it back.
pub(crate) fn disguises() -> Vec<String> {
    let json = serde_json::to_string(CANARY).unwrap();
    let percent = |keep: fn(u8) -> bool| -> String {
        let written = |byte: u8| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        CANARY.bytes().map(written).collect()
    };
    let component = percent(|byte| byte.is_ascii_alphanumeric() || byte == b'~');
    let mut found = vec![CANARY.to_owned(), json.trim_matches('"').to_owned(), component.to_lowercase(), component];
    found.extend([percent(|byte| !b"\"<>".contains(&byte)), hex::encode(CANARY)]);
    for before in ["", "u", "uu"] {
        found.push(STANDARD_NO_PAD.encode(format!("{before}{CANARY}")));
        found.push(URL_SAFE_NO_PAD.encode(format!("{before}{CANARY}")));
    }
    found
}

#[test]
fn every_disguise_would_be_found() {
    for disguise in disguises().iter().filter(|disguise| !disguise.starts_with("%6")) {
        assert!(betrayed(disguise.as_bytes()).is_some(), "{disguise}");
    }
    assert!(betrayed(b"an ordinary text").is_none());
}
