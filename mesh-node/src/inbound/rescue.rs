//! Every error of the inbound half becomes an answer here, and nowhere else.
//!
//! A refusal says that no app got a byte, so the caller's node may try elsewhere. After that it is a 502 (for gRPC, trailers-only)
//! with the reason in a field of its own, by which the caller's node knows that this is no answer of the app.

use bytes::Bytes;
use http::StatusCode;
use tunnel::{
    FieldsBuilder, HttpVersion, MessageRecv, MessageSend, Refusal, ResponseHead, StreamCode,
};

use super::app::AppError;
use super::exchange::Halves;
use crate::http::{APP_BROKE_OFF, REASON};
use crate::observe::Record;

/// Refuses: nothing was handed to an app.
pub(super) async fn refuse(
    mut send: MessageSend,
    recv: MessageRecv,
    mut record: Record,
    refusal: Refusal,
) -> Halves {
    let status = match refusal {
        Refusal::Forbidden => StatusCode::FORBIDDEN,
        Refusal::Malformed => StatusCode::BAD_REQUEST,
        Refusal::Unavailable | Refusal::Overloaded | Refusal::Draining => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    record.failed(status, refusal.word(), &refusal.word());
    record.finish();
    send.refuse(refusal).await.ok()?;
    after(send, recv)
}

/// Answers in the app's place.
pub(super) async fn answer(
    mut send: MessageSend,
    recv: Option<MessageRecv>,
    mut record: Record,
    error: AppError,
) -> Halves {
    let (detail, is_grpc) = match error {
        AppError::Unavailable(detail) => {
            record.failed(StatusCode::SERVICE_UNAVAILABLE, "app-unavailable", &detail);
            record.finish();
            send.refuse(Refusal::Unavailable).await.ok()?;
            return after(send, recv?);
        }
        AppError::Broken { detail, is_grpc } => (detail, is_grpc),
    };
    record.failed(StatusCode::BAD_GATEWAY, APP_BROKE_OFF, &detail);
    record.finish();
    let head = broke_off(is_grpc);
    send.response(&head, is_grpc).await.ok()?;
    if !is_grpc {
        let text = Bytes::from_static(b"weft: the application broke off\n");
        send.data(text, true).await.ok()?;
    }
    after(send, recv?)
}

const GRPC: [(&str, &str); 3] = [
    ("content-type", "application/grpc"),
    ("grpc-status", "14"),
    ("grpc-message", "the application broke off"),
];
const PLAIN: [(&str, &str); 1] = [("content-type", "text/plain; charset=utf-8")];

fn broke_off(is_grpc: bool) -> ResponseHead {
    let (status, fields) = if is_grpc {
        (StatusCode::OK, &GRPC[..])
    } else {
        (StatusCode::BAD_GATEWAY, &PLAIN[..])
    };
    let mut kept = FieldsBuilder::default();
    for (name, value) in fields.iter().chain([&(REASON.as_str(), APP_BROKE_OFF)]) {
        let pushed = kept.push(name.as_bytes(), value.as_bytes());
        debug_assert!(pushed.is_ok(), "a constant is a field");
    }
    ResponseHead {
        version: HttpVersion::Http11,
        status,
        fields: kept.build(),
    }
}

/// The caller is told to stop sending what nobody reads; a stream whose request came whole goes on.
fn after(send: MessageSend, recv: MessageRecv) -> Halves {
    if recv.is_message_over() {
        return Some((send, recv));
    }
    recv.stop(StreamCode::Cancelled);
    None
}
