//! The `h3` crate's view of a quinn connection. Ours instead of `h3-quinn`, which panics when a stream is stopped during a read.

mod recv;
mod send;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h3::error::Code;
use h3::quic::{self, ConnectionErrorIncoming, StreamErrorIncoming, StreamId};
use parking_lot::Mutex;

pub(super) use recv::RecvStream;
pub(super) use send::SendStream;

type Waiting<T> = Pin<Box<dyn Future<Output = Result<T, quinn::ConnectionError>> + Send>>;
type Both = (quinn::SendStream, quinn::RecvStream);
/// Resolves when the other end wants no more of a stream, or the tunnel is gone.
pub(super) type Stopped = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Where what the crate hides of a stream waits for whoever needs it. A stream takes its own off when it is dropped.
#[derive(Clone, Default)]
pub(super) struct Desk(Arc<Mutex<HashMap<u64, Stopped>>>);

impl Desk {
    pub(super) fn take(&self, stream: StreamId) -> Option<Stopped> {
        self.0.lock().remove(&stream.into_inner())
    }
}

/// A connection for the crate.
pub(super) struct Connection {
    opener: Opener,
    bidi: Option<Waiting<Both>>,
    one_way: Option<Waiting<quinn::RecvStream>>,
}

/// Opens streams on it.
pub(super) struct Opener {
    quinn: quinn::Connection,
    desk: Desk,
    bidi: Option<Waiting<Both>>,
    one_way: Option<Waiting<quinn::SendStream>>,
}

/// Both directions of one stream.
pub(super) struct BidiStream {
    send: SendStream,
    recv: RecvStream,
}

impl Connection {
    pub(super) fn new(quinn: quinn::Connection, desk: Desk) -> Self {
        Self {
            opener: Opener {
                quinn,
                desk,
                bidi: None,
                one_way: None,
            },
            bidi: None,
            one_way: None,
        }
    }
}

impl Clone for Opener {
    fn clone(&self) -> Self {
        Self {
            quinn: self.quinn.clone(),
            desk: self.desk.clone(),
            bidi: None,
            one_way: None,
        }
    }
}

impl BidiStream {
    /// `unwanted`: how the other end hears that the rest of what it sends isn't needed.
    fn new((send, recv): Both, desk: &Desk, unwanted: Code) -> Self {
        Self {
            send: SendStream::new(send, Some(desk.clone())),
            recv: RecvStream::of_requests(recv, unwanted),
        }
    }
}

/// Polls the future in `slot`, which is made anew after each end.
fn poll_slot<T, F>(
    slot: &mut Option<Waiting<T>>,
    cx: &mut Context<'_>,
    begin: F,
) -> Poll<Result<T, ConnectionErrorIncoming>>
where
    F: FnOnce() -> Waiting<T>,
{
    let result = ready!(slot.get_or_insert_with(begin).as_mut().poll(cx));
    *slot = None;
    Poll::Ready(result.map_err(connection_error))
}

impl quic::Connection<Bytes> for Connection {
    type RecvStream = RecvStream;
    type OpenStreams = Opener;

    fn poll_accept_recv(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<RecvStream, ConnectionErrorIncoming>> {
        let quinn = &self.opener.quinn;
        poll_slot(&mut self.one_way, cx, || {
            let quinn = quinn.clone();
            Box::pin(async move { quinn.accept_uni().await })
        })
        .map_ok(RecvStream::of_one_way)
    }

    fn poll_accept_bidi(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<BidiStream, ConnectionErrorIncoming>> {
        let Opener { quinn, desk, .. } = &self.opener;
        poll_slot(&mut self.bidi, cx, || {
            let quinn = quinn.clone();
            Box::pin(async move { quinn.accept_bi().await })
        })
        .map_ok(|both| {
            // An answer may be complete before its request is (RFC 9114 section 4.1).
            BidiStream::new(both, desk, Code::H3_NO_ERROR)
        })
    }

    fn opener(&self) -> Opener {
        self.opener.clone()
    }
}

impl quic::OpenStreams<Bytes> for Opener {
    type BidiStream = BidiStream;
    type SendStream = SendStream;

    fn poll_open_bidi(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<BidiStream, StreamErrorIncoming>> {
        let (quinn, desk) = (&self.quinn, &self.desk);
        poll_slot(&mut self.bidi, cx, || {
            let quinn = quinn.clone();
            Box::pin(async move { quinn.open_bi().await })
        })
        .map_ok(|both| BidiStream::new(both, desk, Code::H3_REQUEST_CANCELLED))
        .map_err(lost)
    }

    fn poll_open_send(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<SendStream, StreamErrorIncoming>> {
        let quinn = &self.quinn;
        poll_slot(&mut self.one_way, cx, || {
            let quinn = quinn.clone();
            Box::pin(async move { quinn.open_uni().await })
        })
        .map_ok(|stream| SendStream::new(stream, None))
        .map_err(lost)
    }

    fn close(&mut self, code: Code, _reason: &[u8]) {
        // Reasons stay empty on the wire.
        self.quinn.close(number(code.value()), b"");
    }
}

impl quic::OpenStreams<Bytes> for Connection {
    type BidiStream = BidiStream;
    type SendStream = SendStream;

    fn poll_open_bidi(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<BidiStream, StreamErrorIncoming>> {
        self.opener.poll_open_bidi(cx)
    }

    fn poll_open_send(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<SendStream, StreamErrorIncoming>> {
        self.opener.poll_open_send(cx)
    }

    fn close(&mut self, code: Code, reason: &[u8]) {
        self.opener.close(code, reason);
    }
}

impl quic::BidiStream<Bytes> for BidiStream {
    type SendStream = SendStream;
    type RecvStream = RecvStream;

    fn split(self) -> (SendStream, RecvStream) {
        (self.send, self.recv)
    }
}

impl quic::RecvStream for BidiStream {
    type Buf = Bytes;

    fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, StreamErrorIncoming>> {
        self.recv.poll_data(cx)
    }

    fn stop_sending(&mut self, error_code: u64) {
        self.recv.stop_sending(error_code);
    }

    fn recv_id(&self) -> StreamId {
        self.recv.recv_id()
    }
}

impl quic::SendStream<Bytes> for BidiStream {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        self.send.poll_ready(cx)
    }

    fn send_data<T: Into<quic::WriteBuf<Bytes>>>(
        &mut self,
        data: T,
    ) -> Result<(), StreamErrorIncoming> {
        self.send.send_data(data)
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        self.send.poll_finish(cx)
    }

    fn reset(&mut self, reset_code: u64) {
        self.send.reset(reset_code);
    }

    fn send_id(&self) -> StreamId {
        self.send.send_id()
    }
}

/// A code on the wire; none that we use is over the limit.
fn number(code: u64) -> quinn::VarInt {
    quinn::VarInt::from_u64(code).unwrap_or(quinn::VarInt::MAX)
}

/// The crate's name for a stream; quinn makes no ID that it wouldn't take.
fn stream_id(id: quinn::StreamId) -> StreamId {
    let id = quinn::VarInt::from(id).into_inner();
    StreamId::try_from(id).unwrap_or_else(|_| unreachable!("quinn's IDs are below 2^62"))
}

fn lost(connection_error: ConnectionErrorIncoming) -> StreamErrorIncoming {
    StreamErrorIncoming::ConnectionErrorIncoming { connection_error }
}

fn connection_error(error: quinn::ConnectionError) -> ConnectionErrorIncoming {
    match error {
        quinn::ConnectionError::ApplicationClosed(close) => {
            ConnectionErrorIncoming::ApplicationClose {
                error_code: close.error_code.into_inner(),
            }
        }
        quinn::ConnectionError::TimedOut => ConnectionErrorIncoming::Timeout,
        other => ConnectionErrorIncoming::Undefined(Arc::new(other)),
    }
}
