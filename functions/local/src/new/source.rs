//! What `--from` means: curl commands as they were typed or piped, or a file with them or with a document.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use super::curl::looks_like_curl;
use super::openapi::LARGEST;
use crate::error::CommandError;
use crate::load::read;

/// What something is made from.
#[derive(Debug)]
pub(super) enum Source {
    /// Text with curl commands.
    Curl(String),
    /// A document: its name and bytes.
    Document(String, Vec<u8>),
}

/// The source that is meant.
///
/// # Errors
/// When it is not there, or nothing that is understood.
pub(super) fn source(from: &str, words: &[String]) -> Result<Source, CommandError> {
    if from == "curl" {
        return match words {
            [] => Ok(Source::Curl(piped()?)),
            [whole] if looks_like_curl(whole) => Ok(Source::Curl(whole.clone())),
            [whole] if whole.contains(char::is_whitespace) => Ok(Source::Curl(format!("curl {whole}"))),
            words => {
                let words = words.strip_prefix(["curl".to_owned()].as_slice()).unwrap_or(words);
                let quoted: Vec<String> =
                    words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
                Ok(Source::Curl(format!("curl {}", quoted.join(" "))))
            }
        };
    }
    if let Some(word) = words.first() {
        return Err(CommandError::wrong(format!("what is `{word}` for? `--from {from}` takes nothing behind it")));
    }
    if looks_like_curl(from) {
        return Ok(Source::Curl(from.to_owned()));
    }
    if from.starts_with("http://") || from.starts_with("https://") {
        return Err(CommandError::wrong(format!(
            "documents are read from files: `curl -fsSLo openapi.json {from}`, then `assay new --from openapi.json`"
        )));
    }
    if from == "-" {
        let text = piped()?;
        return Ok(if looks_like_curl(&text) {
            Source::Curl(text)
        } else {
            Source::Document("standard input".to_owned(), text.into_bytes())
        });
    }
    let path = Path::new(from);
    if !path.exists() {
        return Err(CommandError::wrong(format!(
            "--from {from}: there is no such file. It takes `curl`, a curl command in quotes, or a file with one or with \
             an OpenAPI document"
        )));
    }
    let bytes = read(path, LARGEST)?;
    let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
    if looks_like_curl(&beginning) {
        return Ok(Source::Curl(String::from_utf8_lossy(&bytes).into_owned()));
    }
    Ok(Source::Document(from.to_owned(), bytes))
}

/// What comes on standard input.
fn piped() -> Result<String, CommandError> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(CommandError::wrong(
            "there is nothing to translate: put the command in quotes behind `--from curl`, or pipe it, as in \
             `pbpaste | assay new --from curl`",
        ));
    }
    let mut bytes = Vec::new();
    let most = LARGEST + 1;
    stdin
        .lock()
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| CommandError::fault("read standard input", error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(CommandError::wrong(format!("standard input has more than {LARGEST} bytes")));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(CommandError::wrong("there is nothing on standard input"));
    }
    String::from_utf8(bytes).map_err(|_| CommandError::wrong("standard input is no text in UTF-8"))
}
