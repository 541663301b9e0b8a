//! What AWS said, as far as somebody can act on it.

use std::error::Error as StdError;

use assay_app::ports::{PortError, PortErrorClass};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// Why AWS did not do what it was asked: the source of a [`PortError`] of the adapters here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// There are no credentials, or they could not be made out.
    #[error("there are no usable AWS credentials: {0}")]
    NoCredentials(String),
    /// They were good once, or are of somebody whom AWS does not know.
    #[error("AWS does not take the credentials ({code}): {message}")]
    BadCredentials {
        /// AWS's own code.
        code: String,
        /// What it said.
        message: String,
    },
    /// The caller may not do this; AWS mostly names the permission.
    #[error("AWS denied it: {0}")]
    Denied(String),
    /// The queue, table, bucket or key is not there.
    #[error("AWS knows no such thing ({code}): {message}")]
    Absent {
        /// AWS's own code.
        code: String,
        /// What it said.
        message: String,
    },
    /// Too much, too fast.
    #[error("AWS asks for patience ({0})")]
    Throttled(String),
    /// Nobody answered, or the answer broke off.
    #[error("AWS could not be reached: {0}")]
    Unreachable(String),
    /// It failed over there.
    #[error("AWS failed ({code}): {message}")]
    Failed {
        /// AWS's own code.
        code: String,
        /// What it said.
        message: String,
    },
    /// It did not like the request.
    #[error("AWS refused the request ({code}): {message}")]
    Refused {
        /// AWS's own code.
        code: String,
        /// What it said.
        message: String,
    },
}

impl AwsError {
    /// What the port's error says of it, when that is one of these.
    #[must_use]
    pub fn of(error: &PortError) -> Option<&Self> {
        error.source.as_deref()?.downcast_ref()
    }

    fn class(&self) -> PortErrorClass {
        match self {
            Self::Throttled(_) | Self::Unreachable(_) | Self::Failed { .. } => PortErrorClass::Retry { after: None },
            _ => PortErrorClass::Permanent,
        }
    }

    /// By its code and HTTP status; the lists are those codes that the services used here document as common errors.
    fn of_answer(code: &str, message: &str, status: u16) -> Self {
        let (code, message) = (code.rsplit(['#', ':']).next().unwrap_or(code).to_owned(), message.to_owned());
        match code.as_str() {
            "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "InvalidAccessKeyId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "InvalidToken"
            | "RequestExpired" => Self::BadCredentials { code, message },
            "AccessDenied" | "AccessDeniedException" | "AccessDeniedFault" => Self::Denied(message),
            "QueueDoesNotExist"
            | "AWS.SimpleQueueService.NonExistentQueue"
            | "NoSuchBucket"
            | "NotFoundException"
            | "ResourceNotFoundException" => Self::Absent { code, message },
            "SlowDown"
            | "RequestThrottled"
            | "ThrottlingException"
            | "Throttling"
            | "TooManyRequestsException"
            | "LimitExceededException"
            | "OverLimit"
            | "KmsThrottled"
            | "RequestLimitExceeded"
            | "ProvisionedThroughputExceededException" => Self::Throttled(code),
            "KeyUnavailableException"
            | "DependencyTimeoutException"
            | "KMSInternalException"
            | "ConditionalRequestConflict"
            | "OperationAborted" => Self::Failed { code, message },
            _ if status == 429 => Self::Throttled(code),
            _ if status >= 500 => Self::Failed { code, message },
            _ => Self::Refused { code, message },
        }
    }

    fn of_sdk<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        match error {
            SdkError::ServiceError(answer) => {
                let (code, message) = (answer.err().code().unwrap_or(""), answer.err().message().unwrap_or(""));
                let status = answer.raw().status().as_u16();
                let code = if code.is_empty() { format!("HTTP {status}") } else { code.to_owned() };
                Self::of_answer(&code, message, status)
            }
            SdkError::ConstructionFailure(_) => {
                let message = DisplayErrorContext(error).to_string();
                Self::Refused { code: "client".to_owned(), message }
            }
            SdkError::TimeoutError(_) => Self::Unreachable("no answer in time".to_owned()),
            _ => match no_credentials(error) {
                Some(why) => Self::NoCredentials(why),
                None => Self::Unreachable(innermost(error)),
            },
        }
    }
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let this = next?;
        next = this.source();
        Some(this)
    })
}

fn no_credentials(error: &(dyn StdError + 'static)) -> Option<String> {
    let found = chain(error).find(|error| error.is::<CredentialsError>())?;
    // Below the first line stands every place that was looked at.
    let why = innermost(found);
    Some(why.lines().next().unwrap_or_default().trim_end_matches(" Attempted:").trim_end_matches('.').to_owned())
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().unwrap_or(error).to_string()
}

/// What a call came to that did not succeed. `what` reads after "failed to".
pub(crate) fn failed<E>(what: impl Into<String>, error: SdkError<E, HttpResponse>) -> PortError
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let said = AwsError::of_sdk(&error);
    PortError::new(said.class(), what).because(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_work_later_is_told_from_what_will_not() {
        let retried =
            |code, status| matches!(AwsError::of_answer(code, "", status).class(), PortErrorClass::Retry { .. });
        for (code, status) in [("ThrottlingException", 400), ("SlowDown", 503), ("InternalError", 500), ("x", 429)] {
            assert!(retried(code, status), "{code}");
        }
        for (code, status) in [("AccessDenied", 403), ("ExpiredTokenException", 400), ("InvalidAttributeValue", 400)] {
            assert!(!retried(code, status), "{code}");
        }
    }

    #[test]
    fn a_code_with_its_shape_before_it_is_the_code() {
        let absent = AwsError::of_answer("com.amazonaws.sqs#QueueDoesNotExist", "gone", 400);
        assert_eq!(absent, AwsError::Absent { code: "QueueDoesNotExist".into(), message: "gone".into() });
    }
}
