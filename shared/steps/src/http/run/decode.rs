//! Bodies as they were before they were sent: decompressed within a limit, and as text.

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// Why a body cannot be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DecodeFault {
    /// More than the limit.
    TooLarge,
    /// An encoding that is not understood, or too many of them.
    Unknown(String),
    /// Broken data of this encoding.
    Broken(String),
}

/// How many encodings may lie on top of each other.
const MOST_LAYERS: usize = 3;

/// Undoes `Content-Encoding`, the last one first.
pub(super) fn decompress(body: Bytes, encodings: &str, limit: u64) -> Result<Bytes, DecodeFault> {
    let layers = || encodings.split(',').map(str::trim).filter(|name| !name.is_empty() && !is(name, "identity"));
    if body.is_empty() || layers().next().is_none() {
        return Ok(body);
    }
    if layers().count() > MOST_LAYERS {
        return Err(DecodeFault::Unknown(encodings.chars().take(80).collect()));
    }
    layers().rev().try_fold(body, |body, name| decompress_one(&body, name, limit))
}

fn is(name: &str, known: &str) -> bool {
    name.eq_ignore_ascii_case(known)
}

fn decompress_one(body: &[u8], name: &str, limit: u64) -> Result<Bytes, DecodeFault> {
    let decoded = if is(name, "gzip") || is(name, "x-gzip") {
        within(MultiGzDecoder::new(body), limit)
    } else if is(name, "deflate") {
        // Some servers leave out the wrapper that the name stands for (RFC 9110, section 8.4.1.2).
        if is_zlib(body) { within(ZlibDecoder::new(body), limit) } else { within(DeflateDecoder::new(body), limit) }
    } else if is(name, "br") {
        within(Decompressor::new(body, 4096), limit)
    } else {
        return Err(DecodeFault::Unknown(name.chars().take(80).collect()));
    };
    match decoded {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(DecodeFault::TooLarge),
        Err(error) => Err(DecodeFault::Broken(format!("{name}: {error}"))),
    }
}

/// All bytes, or none when there are more than the limit.
fn within(decoder: impl Read, limit: u64) -> io::Result<Option<Bytes>> {
    let mut out = Vec::new();
    decoder.take(limit.saturating_add(1)).read_to_end(&mut out)?;
    Ok((out.len() as u64 <= limit).then(|| out.into()))
}

fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [first, second, ..] if first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0)
}

/// The body as text: in the charset that its content type names, else UTF-8; a byte order mark decides before both.
/// None when the bytes are no text in it.
pub(super) fn text(body: &[u8], content_type: Option<&str>) -> Option<String> {
    let named = content_type.and_then(charset).and_then(|label| Encoding::for_label(label.as_bytes()));
    let (encoding, mark) = Encoding::for_bom(body).unwrap_or((named.unwrap_or(UTF_8), 0));
    let bytes = body.get(mark..)?;
    if encoding == UTF_8 {
        return std::str::from_utf8(bytes).ok().map(str::to_owned);
    }
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
}

fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        is(name.trim(), "charset").then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_encoding_is_undone_and_layers_too() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(b"hello").unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(b"hello").unwrap();
        // "hello" as brotli's uncompressed meta-block, and the end of the stream.
        let brotli = [&[0x0b, 0x02, 0x80][..], b"hello", &[0x03]].concat();
        for (body, encodings) in [
            (b"hello".to_vec(), ""),
            (b"hello".to_vec(), "identity"),
            (gzip(b"hello"), "gzip"),
            (gzip(b"hello"), "X-GZIP"),
            (zlib.finish().unwrap(), "deflate"),
            (raw.finish().unwrap(), "deflate"),
            (brotli, "br"),
            (gzip(&gzip(b"hello")), "gzip, gzip"),
            (Vec::new(), "gzip"),
        ] {
            let expected: &[u8] = if body.is_empty() { b"" } else { b"hello" };
            assert_eq!(decompress(body.into(), encodings, 100).as_deref(), Ok(expected), "{encodings}");
        }
    }

    #[test]
    fn the_limit_holds_for_what_comes_out() {
        let bomb = gzip(&vec![0; 1 << 20]);
        assert!(bomb.len() < 2000);
        assert_eq!(decompress(bomb.clone().into(), "gzip", (1 << 20) - 1), Err(DecodeFault::TooLarge));
        assert!(decompress(bomb.into(), "gzip", 1 << 20).is_ok());
    }

    #[test]
    fn broken_and_unknown_encodings_say_so() {
        let mut cut = gzip(b"hello");
        cut.truncate(cut.len() - 4);
        assert!(matches!(decompress(cut.into(), "gzip", 100), Err(DecodeFault::Broken(_))));
        assert!(matches!(decompress(Bytes::from_static(b"hello"), "br", 100), Err(DecodeFault::Broken(_))));
        assert_eq!(decompress(Bytes::from_static(b"x"), "zstd", 100), Err(DecodeFault::Unknown("zstd".into())));
        let many = "gzip, gzip, gzip, gzip";
        assert!(matches!(decompress(Bytes::from_static(b"x"), many, 100), Err(DecodeFault::Unknown(_))));
    }

    #[test]
    fn text_follows_its_charset() {
        for (body, content_type, expected) in [
            (&b"caf\xc3\xa9"[..], None, Some("café")),
            (b"caf\xe9", None, None),
            (b"caf\xe9", Some("text/plain; charset=ISO-8859-1"), Some("café")),
            (b"caf\xe9", Some("text/plain; Charset=\"latin1\""), Some("café")),
            (b"c\0a\0", Some("text/plain; charset=utf-16le"), Some("ca")),
            (b"\xfe\xff\0c\0a", None, Some("ca")),
            (b"\xef\xbb\xbfca", None, Some("ca")),
            (b"caf\xc3\xa9", Some("text/plain; charset=nonsense"), Some("café")),
            (b"\x89PNG\r\n", Some("image/png"), None),
        ] {
            assert_eq!(text(body, content_type).as_deref(), expected, "{body:?} {content_type:?}");
        }
    }
}
