//! The caller's half: send a request, await the head of its response.

use bytes::Bytes;
use http_body::Body;
use protocol::frame::{FrameError, FrameEvent, Refusal, RequestHead, ResponseHead};

use super::body::{BodyError, TunnelBody};
use super::upload::SendGuard;
use crate::alpn::Alpn;
use crate::close::CloseReason;
use crate::tunnel::Tunnel;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The destination's node handed no byte to an application.
    #[error("the destination's node refused: {}", .0.word())]
    Refused(Refusal),
    /// The tunnel was gone before the request stood on it.
    #[error("the tunnel is gone: {0}")]
    NotSent(CloseReason),
    /// The request's head can't be sent.
    #[error("the request's head can't be sent")]
    Head(#[source] FrameError),
    /// An application may have got the request; its response never came.
    #[error("no response came")]
    Broken(#[source] BodyError),
    /// The tunnel carries something else.
    #[error("this tunnel carries no requests")]
    WrongTunnel,
}

impl RequestError {
    /// Whether it is certain that no application got a byte.
    #[must_use]
    pub const fn is_undelivered(&self) -> bool {
        match self {
            Self::Refused(_) | Self::NotSent(_) | Self::Head(_) | Self::WrongTunnel => true,
            Self::Broken(_) => false,
        }
    }
}

impl Tunnel {
    /// Sends a request on a stream of its own and waits for the head of its response. The body is sent meanwhile, and goes on being
    /// sent while the response's body is read; it ends with that.
    ///
    /// Dropping the future, or the response's body, cancels the request at the other end.
    ///
    /// # Errors
    /// See [`RequestError::is_undelivered`] for what may be tried elsewhere.
    pub async fn request<B>(
        &self,
        head: &RequestHead,
        body: B,
    ) -> Result<http::Response<TunnelBody>, RequestError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Send,
    {
        if self.alpn() != Alpn::Weft1 {
            return Err(RequestError::WrongTunnel);
        }
        let only = body.is_end_stream();
        let encoded = head.encode(only).map_err(RequestError::Head)?;
        let not_sent =
            |error: &quinn::ConnectionError| RequestError::NotSent(CloseReason::of(error));
        let (send, recv) = self
            .connection
            .open_bi()
            .await
            .map_err(|error| not_sent(&error))?;
        let mut send = SendGuard::new(send);
        let mut response = TunnelBody::new(recv);
        if let Err(quinn::WriteError::ConnectionLost(error)) = send.write(encoded).await {
            return Err(not_sent(&error));
        }
        let upload = if only {
            send.finish();
            None
        } else {
            Some(send.send_in_background(body))
        };
        let head = match response.first().await.map_err(RequestError::Broken)? {
            Some(FrameEvent::Head(payload)) => ResponseHead::decode(&payload),
            Some(FrameEvent::Refused(refusal)) => return Err(RequestError::Refused(refusal)),
            Some(FrameEvent::Data(_) | FrameEvent::Trailers(_)) | None => {
                Err(FrameError::Truncated)
            }
        };
        let head = head.map_err(|error| RequestError::Broken(BodyError::Malformed(error)))?;
        let mut answer = http::Response::new(response.with_upload(upload));
        *answer.status_mut() = head.status;
        *answer.headers_mut() = head.headers;
        Ok(answer)
    }
}
