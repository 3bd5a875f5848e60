//! A request at the listener, from its stream to its head.

use ::h3::error::StreamError;
use ::h3::ext::Protocol;
use ::h3::quic::SendStream as _;
use ::h3::server::RequestResolver;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use protocol::frame::{FrameError, Refusal};

use super::adapter::{Connection, Stopped};
use super::{Recv, Role, Send, head, message_error, udp};
use crate::close::CloseCode;
use crate::encoding::{
    Exchange, MessageError, MessageRecv, MessageSend, Opening, UdpArrival, message,
};
use crate::tunnel::{ActiveStream, Tunnel};

/// A stream whose request has not been read yet.
pub(crate) struct Arriving {
    resolver: RequestResolver<Connection, Bytes>,
    stopped: Option<Stopped>,
    active: ActiveStream,
    tunnel: Tunnel,
}

/// Waits for the next request; `None` once the tunnel has ended, or was closed because the caller wants nothing more.
pub(crate) async fn accept(tunnel: &Tunnel) -> Option<Arriving> {
    let session = tunnel.h3()?;
    let Role::Listener(connection) = &session.role else {
        return None;
    };
    match connection.lock().await.accept().await {
        Ok(Some(resolver)) => Some(Arriving {
            stopped: session.desk.take(resolver.frame_stream.send_id()),
            resolver,
            active: tunnel.enter_stream(),
            tunnel: tunnel.clone(),
        }),
        Ok(None) => {
            tunnel.close(CloseCode::Done);
            None
        }
        Err(error) => {
            tracing::debug!(%error, "an HTTP/3 connection in has ended");
            None
        }
    }
}

impl Arriving {
    /// Reads the head. What can't be served is answered here.
    pub(crate) async fn open(self) -> Result<Option<Opening>, MessageError> {
        let (request, stream) = match self.resolver.resolve_request().await {
            Ok(resolved) => resolved,
            // It was opened and ended without a word.
            Err(StreamError::RemoteTerminate { .. }) => return Ok(None),
            Err(error) => return Err(message_error(error)),
        };
        let (send, recv) = stream.split();
        let mut send = Send::listener(send, self.stopped, self.active);
        if request.extensions().get() == Some(&Protocol::CONNECT_UDP)
            && request.method() == Method::CONNECT
        {
            let service = match udp::target(&request, self.tunnel.server_name()) {
                Ok(service) => service,
                Err(refusal) => return refuse(send, refusal).await,
            };
            let packets = udp::arrived(&self.tunnel, send, Recv::listener(recv));
            let (send, recv) = packets.ok_or(MessageError::Reset)?;
            let arrival = UdpArrival::of_h3(send, recv);
            return Ok(Some(Opening::Udp(service, arrival)));
        }
        if request.method() == Method::CONNECT {
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
            send.answer(response).await?;
            send.finish_if(true).await?;
            return Err(MessageError::Malformed(FrameError::Field("method")));
        }
        match head::from_request(request, self.tunnel.server_name()) {
            Ok(head) => Ok(Some(Opening::Http(Exchange {
                head,
                send: MessageSend(message::Send::H3(Box::new(send))),
                recv: MessageRecv(message::Recv::H3(Box::new(Recv::listener(recv)))),
            }))),
            Err(refusal) => refuse(send, refusal).await,
        }
    }
}

/// What can't be read any further is answered here, and is no opening.
async fn refuse<T>(mut send: Send, refusal: Refusal) -> Result<T, MessageError> {
    send.refuse(refusal).await?;
    Err(MessageError::Malformed(FrameError::Field(refusal.word())))
}

impl std::fmt::Debug for Arriving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Arriving")
    }
}
