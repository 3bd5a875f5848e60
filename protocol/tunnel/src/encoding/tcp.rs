//! A TCP connection to a service, at the caller: asked for with the stream's first frame, answered by OPENED or REFUSED.
//!
//! The caller may send bytes before the answer: no round trip passes before they are on their way, and the listener hands none to an
//! app before it has answered.

use std::pin::pin;
use std::task::{Context, Poll, ready};

use protocol::frame::{FrameType, encode_service};
use protocol::name::ServiceName;

use super::bytes::{ByteRecv, ByteSend};
use super::{MessageError, RequestError, weft1};
use crate::alpn::Alpn;
use crate::close::CloseReason;
use crate::tunnel::Tunnel;

/// What the listener will say.
#[derive(Debug)]
pub struct TcpAnswer(weft1::Recv);

impl Tunnel {
    /// Asks for a TCP connection to `service`.
    ///
    /// # Errors
    /// When the tunnel is gone or carries something else.
    pub async fn connect_tcp(
        &self,
        service: &ServiceName,
    ) -> Result<(ByteSend, TcpAnswer), RequestError> {
        if self.alpn() != Alpn::Weft1 {
            return Err(RequestError::WrongTunnel);
        }
        let asked = encode_service(FrameType::Tcp, service).map_err(RequestError::Head)?;
        let opened = self.connection.open_bi().await;
        let (send, recv) =
            opened.map_err(|error| RequestError::NotSent(CloseReason::of(&error)))?;
        let mut send = weft1::Send::new(send, None);
        match send.frame(asked, false).await {
            Ok(()) => Ok((
                send.into_bytes(),
                TcpAnswer(weft1::Recv::new(recv, weft1::Side::Caller)),
            )),
            Err(_) => Err(RequestError::NotSent(self.why_closed())),
        }
    }
}

impl TcpAnswer {
    /// Waits until the connection stands.
    ///
    /// # Errors
    /// When it was refused: no app got a byte. Otherwise one may have, if any were sent.
    pub fn poll_opened(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), RequestError>> {
        // The future holds nothing but the borrow, so a new one for each poll loses nothing.
        Poll::Ready(match ready!(pin!(self.0.opened()).poll(cx)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(refusal)) => Err(RequestError::Refused(refusal)),
            Err(error) => Err(RequestError::Broken(error)),
        })
    }

    /// What the app sends, once the connection stands.
    ///
    /// # Errors
    /// When the stream has ended already.
    pub fn into_recv(self) -> Result<ByteRecv, MessageError> {
        self.0.into_bytes().ok_or(MessageError::Reset)
    }
}
