//! Reading what a target answered: in bounds, and beside the loop that all steps of a process share.

use serde_json::Value as Json;

use crate::contract::StepError;

/// Values in one JSON text, about. A text of a few megabytes can hold so many that they take a hundred times its size.
pub(crate) const MOST_VALUES: usize = 1_000_000;

/// Work on fewer bytes is done at once: it takes less than a change of the thread.
const SMALL: usize = 32 * 1024;

/// Does work on so many bytes of an answer where it stops nobody else, so that the attempt's time and a stop are obeyed
/// meanwhile. Work whose result nobody waits for any more ends by itself.
pub(crate) async fn apart<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StepError> {
    if bytes <= SMALL {
        return Ok(work());
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StepError::bug(format!("reading the answer broke off: {error}")))
}

/// Whether the JSON text holds more than [`MOST_VALUES`] values. Counted without reading them, by what separates and
/// what opens them; a text that is no JSON gives some number or other.
pub(crate) fn holds_too_many(text: &[u8]) -> bool {
    if text.len() <= MOST_VALUES {
        return false;
    }
    let (mut values, mut within, mut escaped) = (0_usize, false, false);
    for byte in text {
        match (within, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => within = !within,
            (false, b',' | b'[' | b'{') => values += 1,
            _ => {}
        }
    }
    values > MOST_VALUES
}

/// The value of a JSON text; null for any other text.
///
/// # Errors
/// When it holds too many values.
pub(crate) fn json_or_null(text: &[u8]) -> Result<Json, TooMany> {
    let start = text.iter().find(|byte| !byte.is_ascii_whitespace());
    if !start.is_some_and(|byte| b"{[\"-0123456789tfn".contains(byte)) {
        return Ok(Json::Null);
    }
    if holds_too_many(text) {
        return Err(TooMany);
    }
    Ok(serde_json::from_slice(text).unwrap_or_default())
}

/// A JSON text holds more than [`MOST_VALUES`] values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the JSON of the answer holds more than {MOST_VALUES} values")]
pub(crate) struct TooMany;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_very_many_values_is_not_read() {
        let many = format!("[{}[]]", "[],".repeat(600_000));
        assert_eq!(json_or_null(many.as_bytes()), Err(TooMany));
        let few = format!("[{}1]", "[],".repeat(100_000));
        assert!(json_or_null(few.as_bytes()).unwrap().is_array());
    }

    #[tokio::test]
    async fn others_go_on_while_an_answer_is_read() {
        let (give, take) = std::sync::mpsc::channel();
        // On the loop of this test it would wait for itself.
        let reading = apart(usize::MAX, move || take.recv().is_ok());
        let other = async { give.send(()).is_ok() };
        let (read, gave) = tokio::join!(reading, other);
        assert!(gave && read.unwrap());
    }

    #[test]
    fn what_stands_in_texts_is_not_counted() {
        let text = format!("[\"{}\", \"\\\"{}\"]", "[,{".repeat(600_000), ",".repeat(1_100_000));
        assert_eq!(json_or_null(text.as_bytes()).unwrap().as_array().unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_json_is_null() {
        for text in ["", " ", "<a/>", "{", "nope", "1 2"] {
            assert_eq!(json_or_null(text.as_bytes()), Ok(Json::Null), "{text}");
        }
        assert_eq!(json_or_null(b" 1 "), Ok(Json::from(1)));
    }
}
