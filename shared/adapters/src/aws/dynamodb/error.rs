//! What DynamoDB says, as what may be done about it.

use std::time::Duration;

use assay_app::ports::{PortError, PortErrorClass};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;

/// A table that is throttled is left alone for this long.
const THROTTLED: Duration = Duration::from_millis(500);

/// Codes of refusals that repeating the call cannot change.
const LASTING: [&str; 9] = [
    "ResourceNotFoundException",
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "MissingAuthenticationToken",
    "IncompleteSignature",
    "InvalidEndpointException",
    "SerializationException",
];

/// The output; an error with its class, read after "failed to" and what was tried. The SDK has tried again already where
/// that helps.
pub(super) fn answered<T, E>(doing: &str, answer: Result<T, SdkError<E>>) -> Result<T, PortError>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    answer.map_err(|error| classified(doing, error))
}

/// The error with its class.
pub(super) fn classified<E>(doing: &str, error: SdkError<E>) -> PortError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let SdkError::ServiceError(service) = &error else {
        // built wrongly: our own fault; all the rest is the way to the service and back
        let class = match error {
            SdkError::ConstructionFailure(_) => PortErrorClass::Permanent,
            _ => PortErrorClass::Retry { after: None },
        };
        return PortError::new(class, doing.to_owned()).because(error);
    };
    let code = service.err().code().unwrap_or_default().to_owned();
    let status = service.raw().status().as_u16();
    let request = service.raw().request_id().unwrap_or("unknown").to_owned();
    let class = class_of(&code, status);
    let said = service.err().message().unwrap_or_default();
    PortError::new(class, format!("{doing}: {code} ({status}): {said} [request {request}]")).because(error)
}

fn class_of(code: &str, status: u16) -> PortErrorClass {
    match code {
        "ProvisionedThroughputExceededException" | "ThrottlingException" | "RequestLimitExceeded" => {
            PortErrorClass::Retry { after: Some(THROTTLED) }
        }
        // a call that we have built; too large an item is one, too
        "ValidationException" => PortErrorClass::Permanent,
        code if LASTING.contains(&code) => PortErrorClass::Permanent,
        // a conflict, a limit, an expired token, a fault of the service's own
        _ if status >= 400 => PortErrorClass::Retry { after: None },
        _ => PortErrorClass::Bug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_tried_again_and_what_lasts_is_not() {
        for passing in ["TransactionConflictException", "LimitExceededException", "ExpiredTokenException", ""] {
            assert_eq!(class_of(passing, 400), PortErrorClass::Retry { after: None }, "{passing}");
        }
        assert_eq!(class_of("InternalServerError", 500), PortErrorClass::Retry { after: None });
        assert!(matches!(class_of("ThrottlingException", 400), PortErrorClass::Retry { after: Some(_) }));
        for lasting in LASTING.iter().chain(&["ValidationException"]) {
            assert_eq!(class_of(lasting, 400), PortErrorClass::Permanent, "{lasting}");
        }
    }
}
