//! Every error of the outbound half becomes an answer here, and nowhere else: a status for HTTP, trailers-only for gRPC.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use tunnel::Refusal;

use super::carrier::CallerFault;
use crate::http::REASON;
use crate::http::target::TargetError;
use crate::http1::head::HeadError;

/// Why an app's request got no answer from a service.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutboundError {
    /// No View yet.
    #[error("this node is not ready")]
    NotReady,
    /// The request can't be read in one way only.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Nobody in the mesh is called so, as far as this cluster may know.
    #[error("{0} is not a service that can be called from here")]
    UnknownHost(String),
    /// It has no endpoint.
    #[error("{service} has no endpoint in any place that its policy allows")]
    NoEndpoint { service: String },
    /// The spill cap kept it at home, and nobody is there.
    #[error("{service} has nobody healthy at home, and its spill cap is reached")]
    Shed { service: String },
    /// No tunnel within the time.
    #[error("{service} can't be reached: {reason}")]
    Unreachable { service: String, reason: String },
    /// The destination's node refused.
    #[error("{service}: {}", .refusal.word())]
    Refused { service: String, refusal: Refusal },
    /// The head is more than can be sent.
    #[error("the request can't be sent: {0}")]
    Unsendable(String),
    /// Its head isn't HTTP/1 as it must be.
    #[error("the request is refused: {0}")]
    Head(#[from] HeadError),
    /// Whoever asked has gone or broke the rules within the body.
    #[error("{}", .0.words())]
    Caller(CallerFault),
    /// The request broke off on its way, an app may have seen it.
    #[error("{service} broke off: {reason}")]
    Broken { service: String, reason: String },
}

/// How long a shed caller should wait.
const SHED_PAUSE: Duration = Duration::from_secs(1);

/// What an error looks like from outside.
struct Face {
    status: StatusCode,
    grpc: u8,
    reason: &'static str,
}

impl OutboundError {
    /// The word for logs, metrics and [`REASON`].
    pub(crate) fn reason(&self) -> &'static str {
        self.face().reason
    }

    fn face(&self) -> Face {
        let face = |status, grpc, reason| Face {
            status,
            grpc,
            reason,
        };
        match self {
            Self::NotReady => face(StatusCode::SERVICE_UNAVAILABLE, 14, "not-ready"),
            Self::Target(TargetError::Connect) => {
                face(StatusCode::METHOD_NOT_ALLOWED, 12, "connect")
            }
            Self::Target(_) => face(StatusCode::BAD_REQUEST, 3, "bad-request"),
            Self::UnknownHost(_) => face(StatusCode::NOT_FOUND, 5, "unknown-service"),
            Self::NoEndpoint { .. } => face(StatusCode::SERVICE_UNAVAILABLE, 14, "no-endpoint"),
            Self::Shed { .. } => face(StatusCode::SERVICE_UNAVAILABLE, 14, "shed"),
            Self::Unreachable { .. } => face(StatusCode::SERVICE_UNAVAILABLE, 14, "unreachable"),
            Self::Refused { refusal, .. } => match refusal {
                Refusal::Forbidden => face(StatusCode::FORBIDDEN, 7, "forbidden"),
                Refusal::Unavailable => {
                    face(StatusCode::SERVICE_UNAVAILABLE, 14, "app-unavailable")
                }
                Refusal::Overloaded => face(StatusCode::SERVICE_UNAVAILABLE, 8, "overloaded"),
                Refusal::Draining => face(StatusCode::SERVICE_UNAVAILABLE, 14, "draining"),
                Refusal::Malformed => face(StatusCode::BAD_REQUEST, 3, "bad-request"),
            },
            Self::Unsendable(_) => {
                face(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, 3, "too-large")
            }
            Self::Head(HeadError::Malformed(_)) => face(StatusCode::BAD_REQUEST, 3, "bad-request"),
            Self::Head(HeadError::TooLarge) => {
                face(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, 3, "too-large")
            }
            Self::Head(HeadError::Version) => {
                face(StatusCode::HTTP_VERSION_NOT_SUPPORTED, 3, "version")
            }
            Self::Head(HeadError::Slow) => face(StatusCode::REQUEST_TIMEOUT, 4, "slow-head"),
            Self::Head(HeadError::Coding) => face(StatusCode::NOT_IMPLEMENTED, 3, "coding"),
            Self::Caller(CallerFault::Idle) => face(StatusCode::REQUEST_TIMEOUT, 4, "idle"),
            Self::Caller(_) => face(StatusCode::BAD_REQUEST, 3, "bad-request"),
            Self::Broken { .. } => face(StatusCode::BAD_GATEWAY, 14, "broken"),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        matches!(
            self,
            Self::Shed { .. }
                | Self::Refused {
                    refusal: Refusal::Overloaded,
                    ..
                }
        )
        .then_some(SHED_PAUSE)
    }

    /// P-15: nothing else is read from a connection that sent something ambiguous.
    pub(crate) const fn ends_connection(&self) -> bool {
        matches!(self, Self::Target(_) | Self::Head(_) | Self::Caller(_))
    }

    /// The answer to the app.
    pub(crate) fn answer(&self, is_grpc: bool) -> Response<Bytes> {
        let face = self.face();
        let mut response = if is_grpc {
            grpc(&face, &self.to_string())
        } else {
            self.plain(&face)
        };
        response
            .headers_mut()
            .insert(REASON, HeaderValue::from_static(face.reason));
        response
    }

    fn plain(&self, face: &Face) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(format!("weft: {self}\n")));
        *response.status_mut() = face.status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        if let Some(pause) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(pause.as_secs()));
        }
        response
    }
}

/// Trailers-only: 200, and the verdict in the head (gRPC over HTTP/2, «Responses»).
fn grpc(face: &Face, message: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from(u16::from(face.grpc)));
    if let Ok(message) = HeaderValue::try_from(percent_encoded(message)) {
        headers.insert("grpc-message", message);
    }
    response
}

/// Visible ASCII but `%`, everything else as `%XX`.
fn percent_encoded(message: &str) -> String {
    message
        .bytes()
        .map(|byte| match byte {
            b'%' | 0..0x20 | 0x7f.. => format!("%{byte:02X}"),
            _ => char::from(byte).to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn refused(refusal: Refusal) -> OutboundError {
        OutboundError::Refused {
            service: "shop/cart".to_owned(),
            refusal,
        }
    }

    #[test]
    fn grpc_gets_a_status_in_the_head_and_no_body() {
        let answer = refused(Refusal::Forbidden).answer(true);
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["grpc-status"], "7");
        assert_eq!(answer.headers()[REASON], "forbidden");
        assert!(answer.body().is_empty());
    }

    #[test]
    fn shed_callers_hear_when_to_come_back() {
        let answer = OutboundError::Shed {
            service: "a/b".to_owned(),
        }
        .answer(false);
        assert_eq!(
            (
                answer.status().as_u16(),
                answer.headers()[RETRY_AFTER].to_str().unwrap()
            ),
            (503, "1")
        );
    }

    #[test]
    fn messages_hold_no_byte_that_breaks_a_header() {
        assert_eq!(percent_encoded("a\r\nb%ä"), "a%0D%0Ab%25%C3%A4");
    }
}
