//! The listener's half: take requests, answer or refuse each.

use bytes::Bytes;
use http_body::Body;
use protocol::frame::{FrameError, FrameEvent, Refusal, RequestHead, ResponseHead, encode_refused};

use super::StreamCode;
use super::body::{BodyError, TunnelBody};
use super::upload::{SendGuard, Sent};
use crate::tunnel::{ActiveRequest, Tunnel};

/// A request whose head has not been read yet.
#[derive(Debug)]
pub struct IncomingRequest {
    body: TunnelBody,
    responder: Responder,
}

/// Answers one request. Dropped without an answer, it breaks the request off.
#[derive(Debug)]
pub struct Responder {
    stream: SendGuard,
    _active: ActiveRequest,
}

impl Tunnel {
    /// Waits for the next request. `None` once the tunnel has ended.
    pub async fn accept_request(&self) -> Option<IncomingRequest> {
        let (send, recv) = self.connection.accept_bi().await.ok()?;
        let responder = Responder {
            stream: SendGuard::new(send),
            _active: self.enter_request(),
        };
        Some(IncomingRequest {
            body: TunnelBody::new(recv),
            responder,
        })
    }
}

impl IncomingRequest {
    /// Reads the head.
    ///
    /// # Errors
    /// When the caller broke off, or what came is no request; the stream is reset then.
    pub async fn head(mut self) -> Result<(RequestHead, TunnelBody, Responder), BodyError> {
        match self.body.first().await? {
            Some(FrameEvent::Head(payload)) => {
                let head = RequestHead::decode(&payload).map_err(BodyError::Malformed)?;
                Ok((head, self.body, self.responder))
            }
            Some(FrameEvent::Refused(_) | FrameEvent::Data(_) | FrameEvent::Trailers(_)) | None => {
                Err(BodyError::Malformed(FrameError::Truncated))
            }
        }
    }
}

impl Responder {
    /// Resolves when the caller wants no answer any more, or the tunnel is gone.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + 'static {
        self.stream.stopped()
    }

    /// Says that no byte was handed to an application.
    pub async fn refuse(mut self, refusal: Refusal) {
        if self.stream.write(encode_refused(refusal)).await.is_ok() {
            self.stream.finish();
        }
    }

    /// Sends a response to its end; true when all of it was sent.
    ///
    /// # Errors
    /// When the head is over the limits; the request is broken off then.
    pub async fn respond<B>(mut self, response: http::Response<B>) -> Result<bool, FrameError>
    where
        B: Body<Data = Bytes>,
    {
        let (parts, body) = response.into_parts();
        let head = ResponseHead {
            status: parts.status,
            headers: parts.headers,
        };
        let only = body.is_end_stream();
        let encoded = head
            .encode(only)
            .inspect_err(|_| self.stream.break_off(StreamCode::Broken))?;
        if self.stream.write(encoded).await.is_err() {
            return Ok(false);
        }
        if only {
            self.stream.finish();
            return Ok(true);
        }
        Ok(self.stream.send(body).await == Sent::Finished)
    }

    /// Breaks the request off: the application ended before its answer did.
    pub fn break_off(mut self) {
        self.stream.break_off(StreamCode::Broken);
    }
}
