//! What the shop answers when it says no: problem details.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("log in first: POST /login, then send the token as a bearer token or the session cookie")]
    NotLoggedIn,
    #[error("wrong user or password")]
    WrongPassword,
    #[error("no such {0}")]
    NotFound(&'static str),
    #[error("{0}")]
    Conflict(String),
    #[error("the body is not the JSON that this address takes: {0}")]
    NotReadable(String),
    #[error("{0}")]
    NotAcceptable(String),
    #[error("the database refused: {0}")]
    Database(#[from] rusqlite::Error),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotLoggedIn | Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::NotReadable(_) => StatusCode::BAD_REQUEST,
            Self::NotAcceptable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Database(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": self.to_string(),
        });
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
    }
}
