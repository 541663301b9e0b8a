//! What librdkafka says while it works: told to our log, and remembered as the reason of what goes wrong.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Hears what a client says.
#[derive(Clone, Default)]
pub(super) struct Ear(Arc<Mutex<Heard>>);

/// What has gone wrong with a client's connections.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard {
    /// The credentials were refused, and how.
    pub(super) refused: Option<String>,
    /// TLS did not come about, and why.
    pub(super) tls: Option<String>,
    /// The last trouble of any kind.
    pub(super) last: Option<String>,
}

impl Ear {
    pub(super) fn heard(&self) -> Heard {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what went wrong before it went well. librdkafka says the same thing once in 30 seconds only, so nothing may be
    /// forgotten that has not been overcome.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Heard::default();
    }

    fn hear(&self, words: &str) {
        let words = plain(words);
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What begins with the listener's scheme is not about it.
        let about = words.to_lowercase();
        let about = about.split_once("://").map_or(about.as_str(), |(_, about)| about);
        if about.contains("authentication") && !about.contains("disconnected") {
            heard.refused = Some(words.clone());
        } else if about.contains("ssl handshake failed") || about.contains("certificate") {
            heard.tls = Some(words.clone());
        }
        // That none is left says less than why.
        if heard.last.is_none() || !words.contains("brokers are down") {
            heard.last = Some(words);
        }
    }
}

/// The words without the names of librdkafka's threads, and without how long it took.
fn plain(words: &str) -> String {
    let words = words.trim();
    let words = match words.strip_prefix("[thrd:").and_then(|rest| rest.split_once("]: ")) {
        Some((_, rest)) => rest,
        None => words,
    };
    let end = words.find(" (after ").unwrap_or(words.len());
    words.get(..end).unwrap_or(words).chars().take(400).collect()
}

impl ClientContext for Ear {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, words: &str) {
        tracing::debug!(target: "librdkafka", ?level, facility, "{words}");
        if matches!(facility, "FAIL" | "ERROR") {
            self.hear(words);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
        // That a partition's end is reached is good news.
        let at_end = matches!(error, KafkaError::PartitionEOF(_))
            || error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF);
        if !at_end {
            self.hear(reason);
        }
    }
}

impl ConsumerContext for Ear {}
