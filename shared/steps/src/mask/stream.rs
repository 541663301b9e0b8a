//! Masking of data that comes in chunks.

use std::collections::VecDeque;

use aho_corasick::automaton::StateID;

use super::masker::{MASK, Masker};

/// Masks what is pushed, chunk by chunk. What may be the beginning of a secret is held back until it is known; the
/// output does not depend on how the data was cut.
pub struct MaskStream {
    masker: Masker,
    state: Option<StateID>,
    /// Bytes that were pushed and not handed out, each with whether it belongs to a secret.
    held: VecDeque<(u8, bool)>,
    /// The last byte that was handed out belonged to a secret.
    masking: bool,
}

impl MaskStream {
    pub(super) fn new(masker: Masker) -> Self {
        let state = masker.start();
        Self { masker, state, held: VecDeque::new(), masking: false }
    }

    /// Takes the next bytes; appends to `out` what is safe to show.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let Some(mut state) = self.state else {
            out.extend_from_slice(chunk);
            return;
        };
        let longest = self.masker.longest();
        for byte in chunk {
            let (next, at_start, length) = self.masker.step(state, *byte);
            state = next;
            self.held.push_back((*byte, false));
            if let Some(length) = length {
                self.held.iter_mut().rev().take(length).for_each(|(_, secret)| *secret = true);
            }
            // At the start of the automaton no needle has begun: nothing needs to be held.
            self.hand_out(if at_start { 0 } else { longest - 1 }, out);
        }
        self.state = Some(state);
    }

    /// Takes the end of the data; appends the rest to `out`. The stream can begin again.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.hand_out(0, out);
        self.state = self.masker.start();
        self.masking = false;
    }

    /// Hands out all but the last `keep` bytes.
    fn hand_out(&mut self, keep: usize, out: &mut Vec<u8>) {
        while self.held.len() > keep {
            let Some((byte, secret)) = self.held.pop_front() else { return };
            if !secret {
                out.push(byte);
            } else if !self.masking {
                out.extend_from_slice(MASK.as_bytes());
            }
            self.masking = secret;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn streamed<'a>(masker: &Masker, chunks: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut stream = masker.stream();
        let mut out = Vec::new();
        chunks.into_iter().for_each(|chunk| stream.push(chunk, &mut out));
        stream.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_secret_split_over_chunks_is_found() {
        let masker = Masker::new(["hunter22"]);
        assert_eq!(streamed(&masker, [b"say hun".as_slice(), b"te", b"r22!"]), "say ***!");
        assert_eq!(streamed(&masker, [b"say hun".as_slice(), b"te", b"r2"]), "say hunter2");
    }

    #[test]
    fn what_cannot_be_a_secret_is_shown_at_once() {
        let masker = Masker::new(["hunter22"]);
        let (mut stream, mut out) = (masker.stream(), Vec::new());
        stream.push(b"all of this", &mut out);
        assert_eq!(out, b"all of this");
        stream.push(b" h", &mut out);
        assert_eq!(out, b"all of this ");
        stream.push(b"i", &mut out);
        assert_eq!(out, b"all of this hi");
    }

    #[test]
    fn nothing_is_held_without_secrets() {
        let mut out = Vec::new();
        Masker::default().stream().push(b"hunter22", &mut out);
        assert_eq!(out, b"hunter22");
    }

    proptest! {
        #[test]
        fn chunks_do_not_change_what_is_masked(
            secrets in prop::collection::vec("[ab]{4,9}", 0..4),
            text in "[abc \"%é]{0,80}",
            planted in prop::collection::vec((0usize..80, 0usize..4), 0..4),
            cuts in prop::collection::vec(1usize..12, 1..60),
        ) {
            let masker = Masker::new(secrets.clone());
            let mut text: Vec<char> = text.chars().collect();
            for (at, which) in planted {
                if let Some(secret) = secrets.get(which) {
                    let at = at.min(text.len());
                    text.splice(at..at, secret.chars());
                }
            }
            let text: String = text.into_iter().collect();
            let mut rest = text.as_bytes();
            let mut chunks = Vec::new();
            for cut in cuts {
                let (chunk, after) = rest.split_at(cut.min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            chunks.push(rest);
            let whole = masker.text(&text);
            prop_assert_eq!(streamed(&masker, chunks), whole.as_ref());
            for secret in &secrets {
                prop_assert!(!whole.contains(secret.as_str()), "{whole}");
            }
        }

        #[test]
        fn no_encoding_of_a_secret_survives(secret in "[ -~é]{4,24}", before in "[a-z]{0,3}", after in "[a-z]{0,3}") {
            use base64::Engine as _;
            prop_assume!(secret.trim().len() >= 4);
            let masker = Masker::new([secret.clone()]);
            let plain = format!("{before}{secret}{after}");
            let quoted = serde_json::Value::from(plain.as_str()).to_string();
            let url = percent_encoding::utf8_percent_encode(&plain, percent_encoding::NON_ALPHANUMERIC).to_string();
            for text in [plain, serde_json::Value::from(quoted.as_str()).to_string(), quoted, url, hex::encode(&secret)] {
                prop_assert!(masker.finds(&text), "{text}");
                prop_assert!(!masker.finds(&masker.text(&text)) || secret.contains("***"), "{text}");
            }
            let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{before}{secret}{after}"));
            prop_assert!(masker.finds(&encoded), "{encoded}");
        }
    }
}
