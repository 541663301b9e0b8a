//! Reads replies (RESP3, <https://github.com/redis/redis-specifications>), within a budget.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use super::reply::Reply;

/// What replies may take, in bytes.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
}

/// What a value costs beside its bytes: many small ones are large in memory.
const EACH_VALUE: u64 = 16;

/// The longest line: a length, a number, an error, a simple string.
const LONGEST_LINE: u64 = 64 << 10;

/// How deep replies may be nested.
const DEEPEST: usize = 100;

/// What replies begin with.
const KINDS: &[u8] = b"+-:$*_#,(!=%~|>";

/// Why there is no reply.
#[derive(Debug)]
pub(super) enum Broken {
    /// The connection broke.
    Io(io::Error),
    /// The connection was closed; whether anything of a reply had come.
    Closed { within: bool },
    /// What came is no reply.
    Protocol(String),
    /// The budget is used up.
    TooLarge,
}

impl Budget {
    pub(super) fn new(bytes: u64) -> Self {
        Self { left: bytes }
    }

    fn pay(&mut self, bytes: u64) -> Result<(), Broken> {
        self.left = self.left.checked_sub(bytes).ok_or(Broken::TooLarge)?;
        Ok(())
    }

    /// Whether this many values could be paid for; a hostile number is refused before any of them is read.
    fn affords(&self, values: u64) -> Result<(), Broken> {
        let least = values.checked_mul(EACH_VALUE).filter(|cost| *cost <= self.left);
        least.map(|_| ()).ok_or(Broken::TooLarge)
    }
}

/// A list, set, map, attribute or push whose values are still coming.
struct Open {
    kind: u8,
    left: u64,
    values: Vec<Reply>,
}

impl Open {
    /// The finished value; none for what comes beside replies.
    fn close(self) -> Option<Reply> {
        match self.kind {
            b'%' => {
                let mut values = self.values.into_iter();
                let pairs = std::iter::from_fn(|| Some((values.next()?, values.next()?)));
                Some(Reply::Map(pairs.collect()))
            }
            b'|' | b'>' => None,
            _ => Some(Reply::List(self.values)),
        }
    }
}

/// What a line says: a whole value, or the beginning of several.
enum Line {
    Whole(Reply),
    Begins(Open),
}

/// Reads one reply. Attributes are dropped, and so is what the server pushes between replies.
pub(super) async fn read_reply<R: AsyncBufRead + Unpin>(from: &mut R, budget: &mut Budget) -> Result<Reply, Broken> {
    let mut open: Vec<Open> = Vec::new();
    let mut fresh = true;
    loop {
        let mut value = match read_line(from, budget, fresh).await? {
            Line::Whole(reply) => Some(reply),
            Line::Begins(new) if new.kind == b'>' && !open.is_empty() => {
                return Err(Broken::Protocol("a push within a reply".into()));
            }
            Line::Begins(new) if new.left == 0 => new.close(),
            Line::Begins(_) if open.len() >= DEEPEST => {
                return Err(Broken::Protocol(format!("nested more than {DEEPEST} levels")));
            }
            Line::Begins(new) => {
                open.push(new);
                None
            }
        };
        fresh = false;
        // A value may be the last one of what it is in, which may be the last one of what that is in.
        while let Some(reply) = value.take() {
            let Some(outer) = open.last_mut() else { return Ok(reply) };
            outer.values.push(reply);
            outer.left -= 1;
            if outer.left == 0 {
                value = open.pop().and_then(Open::close);
            }
        }
    }
}

/// Reads a line and, for a bulk, what it announces. `fresh`: nothing of the reply has come yet.
async fn read_line<R: AsyncBufRead + Unpin>(from: &mut R, budget: &mut Budget, fresh: bool) -> Result<Line, Broken> {
    budget.pay(EACH_VALUE)?;
    let mut line = Vec::new();
    let limit = LONGEST_LINE.min(budget.left);
    (&mut *from).take(limit).read_until(b'\n', &mut line).await.map_err(Broken::Io)?;
    if line.last() != Some(&b'\n') {
        // An alert of TLS, for one, has no line's end.
        let begun = line.first().is_none_or(|kind| KINDS.contains(kind));
        return Err(if !begun {
            Broken::Protocol(beginning(&line))
        } else if (line.len() as u64) < limit {
            Broken::Closed { within: !(fresh && line.is_empty()) }
        } else if limit < LONGEST_LINE {
            Broken::TooLarge
        } else {
            Broken::Protocol(format!("a line of more than {LONGEST_LINE} bytes"))
        });
    }
    budget.pay(line.len() as u64)?;
    let Some((&kind, rest)) = line.strip_suffix(b"\r\n").and_then(<[u8]>::split_first) else {
        return Err(Broken::Protocol(beginning(&line)));
    };
    let wrong = || Broken::Protocol(beginning(&line));
    let text = || std::str::from_utf8(rest).map_err(|_| wrong());
    let whole = match kind {
        b'+' | b'(' => Reply::Bytes(rest.to_vec()),
        b'-' => Reply::Error(String::from_utf8_lossy(rest).into_owned()),
        b':' => Reply::Integer(text()?.parse().map_err(|_| wrong())?),
        b',' => Reply::Double(double(text()?).ok_or_else(wrong)?),
        b'_' if rest.is_empty() => Reply::Null,
        b'#' if matches!(rest, b"t" | b"f") => Reply::Boolean(rest == b"t"),
        b'$' | b'*' if rest == b"-1" => Reply::Null,
        b'$' | b'=' | b'!' => {
            let bytes = bulk(from, budget, length(rest).ok_or_else(wrong)?).await?;
            match kind {
                // Three letters of format and a colon.
                b'=' if bytes.get(3) == Some(&b':') => Reply::Bytes(bytes.get(4..).unwrap_or_default().to_vec()),
                b'=' => return Err(wrong()),
                b'!' => Reply::Error(String::from_utf8_lossy(&bytes).into_owned()),
                _ => Reply::Bytes(bytes),
            }
        }
        b'*' | b'~' | b'>' | b'%' | b'|' => {
            let count = length(rest).ok_or_else(wrong)?;
            let left = if matches!(kind, b'%' | b'|') { count.checked_mul(2).ok_or_else(wrong)? } else { count };
            budget.affords(left)?;
            return Ok(Line::Begins(Open { kind, left, values: Vec::new() }));
        }
        _ => return Err(wrong()),
    };
    Ok(Line::Whole(whole))
}

/// Reads announced bytes and the end of their line.
async fn bulk<R: AsyncBufRead + Unpin>(from: &mut R, budget: &mut Budget, length: u64) -> Result<Vec<u8>, Broken> {
    budget.pay(length.saturating_add(2))?;
    // Room is made as the bytes come, not as they are announced.
    let mut bytes = Vec::new();
    (&mut *from).take(length + 2).read_to_end(&mut bytes).await.map_err(Broken::Io)?;
    if (bytes.len() as u64) < length + 2 {
        return Err(Broken::Closed { within: true });
    }
    if !bytes.ends_with(b"\r\n") {
        return Err(Broken::Protocol("a string is longer than announced".into()));
    }
    bytes.truncate(bytes.len() - 2);
    Ok(bytes)
}

/// A length: digits and nothing else.
fn length(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

/// A double as Redis writes it; older versions write `-nan`.
fn double(text: &str) -> Option<f64> {
    match text {
        "inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        "nan" | "-nan" => Some(f64::NAN),
        number if number.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => number.parse().ok(),
        _ => None,
    }
}

/// The beginning of what is no reply.
fn beginning(line: &[u8]) -> String {
    let shown: Vec<u8> = line.iter().copied().take(60).collect();
    format!("`{}`", String::from_utf8_lossy(&shown).escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    async fn read(bytes: &[u8]) -> Result<Reply, Broken> {
        read_reply(&mut &*bytes, &mut Budget::new(1 << 20)).await
    }

    #[tokio::test]
    async fn every_type_of_the_protocol_is_read() {
        for (bytes, expected) in [
            ("+OK\r\n", json!("OK")),
            (":-7\r\n", json!(-7)),
            ("$5\r\na\r\nbc\r\n", json!("a\r\nbc")),
            ("$0\r\n\r\n", json!("")),
            ("$-1\r\n", json!(null)),
            ("*-1\r\n", json!(null)),
            ("_\r\n", json!(null)),
            ("#t\r\n", json!(true)),
            (",1.5e3\r\n", json!(1500.0)),
            (",-inf\r\n", json!("-inf")),
            (",nan\r\n", json!("nan")),
            ("(3492890328409238509324850943850943825024385\r\n", json!("3492890328409238509324850943850943825024385")),
            ("=8\r\ntxt:some\r\n", json!("some")),
            ("*2\r\n*0\r\n~1\r\n:1\r\n", json!([[], [1]])),
            ("%2\r\n+a\r\n:1\r\n:2\r\n%0\r\n", json!({"a": 1, "2": {}})),
            ("|1\r\n+ttl\r\n:1\r\n*2\r\n|1\r\n+x\r\n*1\r\n:9\r\n:1\r\n:2\r\n", json!([1, 2])),
            (">2\r\n+message\r\n+x\r\n>0\r\n+OK\r\n", json!("OK")),
        ] {
            assert_eq!(read(bytes.as_bytes()).await.unwrap().into_json(), expected, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn an_error_is_found_wherever_it_is() {
        for bytes in ["-ERR no\r\n", "!6\r\nERR no\r\n", "*2\r\n+OK\r\n*1\r\n-ERR no\r\n", "%1\r\n+a\r\n-ERR no\r\n"] {
            assert_eq!(read(bytes.as_bytes()).await.unwrap().refusal(), Some("ERR no"), "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_reply_is_said_to_be_none() {
        for bytes in [
            "HTTP/1.1 200 OK\r\n",
            "\r\n",
            "+OK\n",
            ":x\r\n",
            ":1.5\r\n",
            "$x\r\n",
            "$-2\r\n",
            "$+1\r\na\r\n",
            "*?\r\n",
            "$?\r\n",
            "#x\r\n",
            ",one\r\n",
            ",infinity\r\n",
            "_x\r\n",
            "$1\r\nab\r\n",
            "=3\r\ntxt\r\n",
            "*1\r\n>1\r\n+x\r\n",
            ":9223372036854775808\r\n",
        ] {
            assert!(matches!(read(bytes.as_bytes()).await, Err(Broken::Protocol(_))), "{bytes:?}");
        }
        let deep = "*1\r\n".repeat(DEEPEST + 1);
        assert!(matches!(read(deep.as_bytes()).await, Err(Broken::Protocol(_))));
        let line = format!("+{}\r\n", "x".repeat(70_000));
        assert!(matches!(read(line.as_bytes()).await, Err(Broken::Protocol(_))));
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_before_it_is_read() {
        for bytes in [
            "$4294967296\r\n",
            "*1000000000\r\n",
            "%1000000000\r\n",
            "*1\r\n~99999999\r\n",
            ">1000000000\r\n",
            "$18446744073709551615\r\n",
            "*18446744073709551615\r\n",
        ] {
            assert!(matches!(read(bytes.as_bytes()).await, Err(Broken::TooLarge)), "{bytes:?}");
        }
        let pushes = ">1\r\n+x\r\n".repeat(100_000);
        assert!(matches!(read(pushes.as_bytes()).await, Err(Broken::TooLarge)));
        let nulls = format!("*50000\r\n{}", "_\r\n".repeat(50_000));
        assert_eq!(read(nulls.as_bytes()).await.unwrap(), Reply::List(vec![Reply::Null; 50_000]));
    }

    #[tokio::test]
    async fn every_cut_of_a_reply_is_the_end_of_the_connection() {
        let whole = b"*3\r\n$3\r\nabc\r\n%1\r\n+a\r\n,1.5\r\n|1\r\n+t\r\n:1\r\n=5\r\ntxt:a\r\n";
        assert!(read(whole).await.is_ok());
        for end in 0..whole.len() {
            let cut = read(&whole[..end]).await;
            assert!(matches!(cut, Err(Broken::Closed { within }) if within == (end > 0)), "{end}: {cut:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_comes_makes_it_panic(bytes in proptest::collection::vec(proptest::sample::select(
            b"+-:$*~%|>_#,(=!0123456789\r\nabt".as_slice()), 0..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _ = runtime.block_on(read(&bytes));
        }
    }
}
