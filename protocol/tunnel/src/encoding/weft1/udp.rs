//! UDP sessions: a stream that opens and ends one, datagrams for its packets, DATA frames for those that no datagram holds.
//!
//! ```text
//! caller    UDP {service}  DATA*  FIN          packets may go before the answer
//! listener  OPENED  DATA*  FIN  |  REFUSED
//! ```
//!
//! Either end ends the session with its stream: FIN when it is done, a reset when its app is gone.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use protocol::datagram::{Flow, MAX_PACKET_BYTES};
use protocol::frame::{
    FrameError, FrameEvent, FrameType, Refusal, encode_opened, encode_refused, encode_service,
};
use protocol::name::ServiceName;

use super::{Recv, Send, Side};
use crate::close::CloseReason;
use crate::datagrams::{self, FlowQueue, Offered};
use crate::encoding::{MessageError, RequestError, StreamCode};
use crate::tunnel::Tunnel;

/// After so many datagrams the stream has its turn.
const TURN: u32 = 32;

/// The sending half: the tunnel's datagrams, and the session's stream.
#[derive(Debug)]
pub(crate) struct PacketSend {
    connection: quinn::Connection,
    flow: Flow,
    stream: Send,
    displaced: u64,
}

/// The receiving half: the flow's datagrams, and the session's stream.
#[derive(Debug)]
pub(crate) struct PacketRecv {
    flow: FlowQueue,
    stream: Recv,
    /// The beginning of a packet on the stream.
    partial: BytesMut,
    /// How the stream ended.
    end: Option<Result<(), MessageError>>,
    turn: u32,
}

/// Opens a stream for a session with `service`.
pub(crate) async fn begin(
    tunnel: &Tunnel,
    service: &ServiceName,
) -> Result<(PacketSend, PacketRecv), RequestError> {
    let opening = encode_service(FrameType::Udp, service).map_err(RequestError::Head)?;
    let opened = tunnel.connection.open_bi().await;
    let (send, recv) = opened.map_err(|error| RequestError::NotSent(CloseReason::of(&error)))?;
    let halves = (Send::new(send, None), Recv::new(recv, Side::Caller));
    let (mut send, recv) = packets(tunnel, halves);
    match send.stream.frame(opening, false).await {
        Ok(()) => Ok((send, recv)),
        Err(_) => Err(RequestError::NotSent(tunnel.why_closed())),
    }
}

/// A session whose UDP frame has been read.
pub(crate) fn arrived(tunnel: &Tunnel, send: Send, mut recv: Recv) -> (PacketSend, PacketRecv) {
    recv.expect_packets();
    packets(tunnel, (send, recv))
}

fn packets(tunnel: &Tunnel, (send, recv): (Send, Recv)) -> (PacketSend, PacketRecv) {
    let flow = Flow::of_stream(recv.stream_id());
    let send = PacketSend {
        connection: tunnel.connection.clone(),
        flow,
        stream: send,
        displaced: 0,
    };
    let recv = PacketRecv {
        flow: tunnel.datagrams().enter(&tunnel.connection, flow),
        stream: recv,
        partial: BytesMut::new(),
        end: None,
        turn: 0,
    };
    (send, recv)
}

impl PacketSend {
    /// Sends it as a datagram, or gives it back when no datagram holds it.
    pub(crate) fn offer(&mut self, packet: Bytes) -> Result<Option<Bytes>, MessageError> {
        match datagrams::offer(&self.connection, self.flow, &packet) {
            Offered::Sent => Ok(None),
            Offered::Displaced => {
                self.displaced += 1;
                Ok(None)
            }
            Offered::TooLarge => Ok(Some(packet)),
            Offered::Lost => Err(MessageError::TunnelLost),
        }
    }

    /// Sends it as a frame of the stream. Dropped within, the session is of no use.
    pub(crate) async fn send_on_stream(&mut self, packet: Bytes) -> Result<(), MessageError> {
        self.stream.packet(packet).await
    }

    pub(crate) const fn displaced(&self) -> u64 {
        self.displaced
    }

    pub(crate) async fn open(&mut self) -> Result<(), MessageError> {
        self.stream.frame(encode_opened(), false).await
    }

    pub(crate) async fn refuse(mut self, refusal: Refusal) {
        if let Err(error) = self.stream.frame(encode_refused(refusal), true).await {
            tracing::trace!(%error, "a refusal was not heard");
        }
    }

    pub(crate) fn break_off(&mut self, code: StreamCode) {
        self.stream.break_off(code);
    }

    pub(crate) fn finish(mut self) {
        self.stream.end();
    }
}

impl PacketRecv {
    /// Waits for OPENED.
    pub(crate) async fn opened(&mut self) -> Result<(), RequestError> {
        match self.stream.opened().await {
            Ok(Ok(())) => {
                self.stream.expect_packets();
                Ok(())
            }
            Ok(Err(refusal)) => Err(RequestError::Refused(refusal)),
            Err(error) => Err(RequestError::Broken(error)),
        }
    }

    /// The next packet, those in datagrams first; `None` at the end.
    pub(crate) fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, MessageError>> {
        if self.turn < TURN
            && let Some(packet) = self.try_recv()
        {
            self.turn += 1;
            return Poll::Ready(Ok(Some(packet)));
        }
        self.turn = 0;
        if self.end.is_none() {
            match self.poll_packet(cx) {
                Poll::Pending => {
                    return self
                        .flow
                        .queue()
                        .poll_pop(cx)
                        .map(|packet| Ok(Some(packet)));
                }
                Poll::Ready(Ok(Some(packet))) => return Poll::Ready(Ok(Some(packet))),
                Poll::Ready(Ok(None)) => self.end = Some(Ok(())),
                Poll::Ready(Err(error)) => self.end = Some(Err(error)),
            }
        }
        // What came before the end is received before it.
        if let Some(packet) = self.try_recv() {
            return Poll::Ready(Ok(Some(packet)));
        }
        Poll::Ready(self.end.clone().unwrap_or(Ok(())).map(|()| None))
    }

    pub(crate) fn try_recv(&self) -> Option<Bytes> {
        self.flow.queue().pop()
    }

    pub(crate) fn overflowed(&self) -> u64 {
        self.flow.queue().overflowed()
    }

    /// The next packet on the stream.
    fn poll_packet(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, MessageError>> {
        loop {
            let part = match ready!(self.stream.poll_frame(cx))? {
                Some(FrameEvent::Data(part)) => part,
                None if self.partial.is_empty() => return Poll::Ready(Ok(None)),
                None => return self.malformed(FrameError::Truncated),
                Some(_) => return self.malformed(FrameError::Unexpected(FrameType::Head)),
            };
            let length = self.partial.len() + part.len();
            if length > MAX_PACKET_BYTES {
                return self.malformed(FrameError::TooLong {
                    length: length as u64,
                    limit: MAX_PACKET_BYTES as u64,
                });
            }
            let is_whole = self.stream.is_whole();
            if is_whole && self.partial.is_empty() {
                return Poll::Ready(Ok(Some(part)));
            }
            self.partial.extend_from_slice(&part);
            if is_whole {
                return Poll::Ready(Ok(Some(self.partial.split().freeze())));
            }
        }
    }

    fn malformed<T>(&mut self, error: FrameError) -> Poll<Result<T, MessageError>> {
        Poll::Ready(Err(self.stream.malformed(error)))
    }
}
