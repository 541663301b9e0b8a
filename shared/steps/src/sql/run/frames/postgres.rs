//! The messages of Postgres (PostgreSQL documentation, "Message Formats").
//!
//! Values travel as text in both directions, where sqlx would send and ask for its binary forms: the server's own reading
//! and printing knows every type that there is, also those that a database makes itself.

use bytes::{Buf as _, Bytes, BytesMut};

use crate::sql::run::relay::Broken;

/// What a server says before it is ready, and how long each of it may be.
const GREETING: &[u8] = b"RKSNEZv";
const LONGEST_GREETING: usize = 64 << 10;

/// Everything that a server may say.
const KNOWN: &[u8] = b"123ACDEIKNRSTVZnstvcd";

/// What a server says beside its answer.
const NOTICE: u8 = b'N';

/// Looks at the head of each message.
#[derive(Default)]
pub(in crate::sql::run) struct Messages {
    head: [u8; 5],
    /// How many bytes of the head are there.
    have: usize,
    /// How many bytes of the body are still to come.
    rest: usize,
    ready: bool,
}

impl Messages {
    /// Takes the whole messages; the values of `Bind` become text.
    pub(super) fn outgoing(buffer: &mut BytesMut) -> Bytes {
        let mut end = 0;
        while let Some(length) = message_length(&buffer[end..]).filter(|length| buffer.len() - end >= *length) {
            if buffer[end] == b'B' {
                as_text(&mut buffer[end..end + length]);
            }
            end += length;
        }
        buffer.split_to(end).freeze()
    }

    /// Takes what has come. Notices are left out: sqlx would write what a target says into this process's log.
    pub(super) fn incoming(&mut self, buffer: &mut BytesMut, left: u64) -> Result<Bytes, Broken> {
        let mut kept = BytesMut::with_capacity(buffer.len() + self.have);
        let mut at = 0;
        while at < buffer.len() {
            if self.rest > 0 {
                let part = self.rest.min(buffer.len() - at);
                if self.head[0] != NOTICE {
                    kept.extend_from_slice(&buffer[at..at + part]);
                }
                self.rest -= part;
                at += part;
            } else {
                self.head[self.have] = buffer[at];
                self.have += 1;
                at += 1;
                if self.have == self.head.len() {
                    self.have = 0;
                    // What of the body is here already has been counted.
                    self.rest = self.judge(left + (buffer.len() - at) as u64)?;
                    if self.head[0] != NOTICE {
                        kept.extend_from_slice(&self.head);
                    }
                }
            }
        }
        buffer.clear();
        Ok(kept.freeze())
    }

    /// The length of the body that follows.
    fn judge(&mut self, left: u64) -> Result<usize, Broken> {
        let [kind, length @ ..] = self.head;
        let length = u32::from_be_bytes(length) as usize;
        let greets = GREETING.contains(&kind) && length <= LONGEST_GREETING;
        if !self.ready && !greets {
            return Err(Broken::Protocol("what answered is no Postgres server".into()));
        }
        if matches!(kind, b'G' | b'H' | b'W') {
            return Err(Broken::Copy);
        }
        if length < 4 || !KNOWN.contains(&kind) {
            return Err(Broken::Protocol("the server sent what is no message of Postgres".into()));
        }
        if length as u64 - 4 > left {
            return Err(Broken::TooLarge);
        }
        self.ready |= kind == b'Z';
        Ok(length - 4)
    }
}

/// The length of the message that begins here. Only the very first has no letter before its length.
fn message_length(bytes: &[u8]) -> Option<usize> {
    let (&kind, rest) = bytes.split_first()?;
    if kind == 0 {
        return bytes.get(..4).map(|mut length| length.get_u32() as usize);
    }
    rest.get(..4).map(|mut length| length.get_u32() as usize + 1)
}

/// Turns the format codes of a `Bind` from binary to text. A message that is not as sqlx writes it stays as it is.
fn as_text(message: &mut [u8]) -> Option<()> {
    let mut at = 5;
    for _ in 0..2 {
        at += message.get(at..)?.iter().position(|byte| *byte == 0)? + 1;
    }
    at = clear_codes(message, at)?;
    let params = number(message, at)?;
    at += 2;
    for _ in 0..params {
        let length = i32::from_be_bytes(message.get(at..at + 4)?.try_into().ok()?);
        at += 4 + usize::try_from(length).unwrap_or(0);
    }
    clear_codes(message, at)?;
    Some(())
}

/// Sets the codes that are listed here to zero, text; where the list ends.
fn clear_codes(message: &mut [u8], at: usize) -> Option<usize> {
    let count = number(message, at)?;
    let end = at + 2 + 2 * usize::from(count);
    message.get_mut(at + 2..end)?.fill(0);
    Some(end)
}

fn number(message: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat()
    }

    #[test]
    fn a_bind_asks_for_text_and_sends_text() {
        let body = |code: u8| {
            [&b"\0s1\0"[..], &[0, 1, 0, code, 0, 2], &[0, 0, 0, 2], b"42", &[255; 4], &[0, 1, 0, code]].concat()
        };
        let mut buffer = BytesMut::from(&[message(b'B', &body(1)), message(b'E', b"x")].concat()[..]);
        let sent = Messages::outgoing(&mut buffer);
        assert_eq!(sent, [message(b'B', &body(0)), message(b'E', b"x")].concat());
    }

    #[test]
    fn half_a_message_waits() {
        let mut buffer = BytesMut::from(&b"Q\0\0\0\x06a"[..]);
        assert!(Messages::outgoing(&mut buffer).is_empty());
        buffer.extend_from_slice(b"\0");
        assert_eq!(&Messages::outgoing(&mut buffer)[..], b"Q\0\0\0\x06a\0");
    }

    #[test]
    fn a_message_longer_than_what_may_come_is_refused_at_its_head() {
        let mut messages = Messages { ready: true, ..Messages::default() };
        let mut fits = BytesMut::from(&message(b'D', &[0; 100])[..]);
        assert!(messages.incoming(&mut fits, 0).is_ok());
        let mut lies = BytesMut::from(&b"D\xff\xff\xff\xff"[..]);
        assert!(matches!(messages.incoming(&mut lies, 1 << 20), Err(Broken::TooLarge)));
    }

    #[test]
    fn notices_are_left_out_however_they_come_in() {
        let said = [
            message(b'N', b"Mits owner's secret\0\0"),
            message(b'Z', b"I"),
            message(b'N', b"\0"),
            message(b'C', b"X\0"),
        ];
        let expected = [message(b'Z', b"I"), message(b'C', b"X\0")].concat();
        for size in [1, 3, 7, 100] {
            let mut messages = Messages::default();
            let mut kept = Vec::new();
            for part in said.concat().chunks(size) {
                kept.extend_from_slice(&messages.incoming(&mut BytesMut::from(part), 1 << 10).unwrap());
            }
            assert_eq!(kept, expected, "{size}");
        }
    }

    #[test]
    fn what_greets_otherwise_is_no_postgres() {
        for greeting in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"R\xff\xff\xff\xff", b"SSH-2.0-x\r\n"] {
            let answer = Messages::default().incoming(&mut BytesMut::from(greeting), 1 << 20);
            assert!(matches!(answer, Err(Broken::Protocol(_))), "{answer:?}");
        }
    }
}
