//! What an invocation answers: the messages that were not dealt with.

use aws_lambda_events::sqs::SqsBatchResponse;

/// The answer that names these messages as failed. An empty name would mean that the whole batch failed (and to some
/// emulators that nothing did): it is never said.
pub(super) fn answer(failed: impl IntoIterator<Item = String>) -> SqsBatchResponse {
    let mut answer = SqsBatchResponse::default();
    answer.set_failures(failed.into_iter().filter(|id| !id.is_empty()));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(failed: &[&str]) -> String {
        serde_json::to_string(&answer(failed.iter().map(|id| (*id).to_owned()))).expect("an answer is JSON")
    }

    #[test]
    fn the_answer_has_exactly_the_shape_that_lambda_reads() {
        assert_eq!(text(&[]), r#"{"batchItemFailures":[]}"#);
        assert_eq!(text(&["a", "b"]), r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}"#);
    }

    #[test]
    fn an_empty_name_is_never_said() {
        assert_eq!(text(&["", "a"]), r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#);
        assert_eq!(text(&[""]), r#"{"batchItemFailures":[]}"#);
    }
}
