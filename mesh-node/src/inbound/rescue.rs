//! Every error of the inbound half becomes an answer here, and nowhere else.
//!
//! A refusal says that no app got a byte, so the caller's node may try elsewhere. After that it is a 502 (for gRPC, trailers-only)
//! with the reason in a field of its own, by which the caller's node knows that this is no answer of the app.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use tunnel::{Refusal, Responder};

use super::app::AppError;
use crate::http::body::Answer;
use crate::http::{APP_BROKE_OFF, REASON};
use crate::observe::Record;

/// Refuses: nothing was handed to an app.
pub(super) async fn refuse(responder: Responder, mut record: Record, refusal: Refusal) {
    let status = match refusal {
        Refusal::Forbidden => StatusCode::FORBIDDEN,
        Refusal::Malformed => StatusCode::BAD_REQUEST,
        Refusal::Unavailable | Refusal::Overloaded | Refusal::Draining => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    record.failed(status, refusal.word(), &refusal.word());
    record.finish();
    responder.refuse(refusal).await;
}

/// Answers in the app's place.
pub(super) async fn answer(responder: Responder, mut record: Record, error: AppError) {
    let (detail, is_grpc) = match error {
        AppError::Unavailable(detail) => {
            record.failed(StatusCode::SERVICE_UNAVAILABLE, "app-unavailable", &detail);
            record.finish();
            return responder.refuse(Refusal::Unavailable).await;
        }
        AppError::Broken { detail, is_grpc } => (detail, is_grpc),
    };
    record.failed(StatusCode::BAD_GATEWAY, APP_BROKE_OFF, &detail);
    record.finish();
    let mut response = Response::new(if is_grpc {
        Answer::Text(None)
    } else {
        Answer::text("weft: the application broke off\n")
    });
    let headers = response.headers_mut();
    headers.insert(REASON, HeaderValue::from_static(APP_BROKE_OFF));
    if is_grpc {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", HeaderValue::from_static("14"));
        headers.insert(
            "grpc-message",
            HeaderValue::from_static("the application broke off"),
        );
    } else {
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        *response.status_mut() = StatusCode::BAD_GATEWAY;
    }
    if let Err(error) = responder.respond(response).await {
        tracing::debug!(%error, "the caller did not hear that the app broke off");
    }
}
