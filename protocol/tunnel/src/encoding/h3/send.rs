//! The sending half of an exchange.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::h3::error::{Code, StreamError};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::Shared;
use http::HeaderMap;
use parking_lot::Mutex;
use protocol::frame::{Fields, FrameError, Refusal, RequestHead, ResponseHead};
use tokio::sync::oneshot;

use super::adapter::Stopped;
use super::{CallerRecv, CallerSend, ListenerSend, code, head, message_error};
use crate::encoding::{MessageError, StreamCode};
use crate::tunnel::{ActiveStream, Tunnel};

/// Sends one message. Dropped within it, it resets the stream.
pub(crate) struct Send {
    stream: Stream,
    within: bool,
    /// What was started is the end of its message.
    ends: bool,
    id: Option<u64>,
    stopped: Option<Shared<Stopped>>,
    /// The connection ends with its last tunnel.
    tunnel: Option<Tunnel>,
    _active: Option<ActiveStream>,
}

enum Stream {
    /// No request has been sent; the receiving half waits for its stream.
    Unsent(oneshot::Sender<CallerRecv>),
    Caller(CallerSend),
    Listener(ListenerSend),
    /// A write is under way.
    Busy(Mutex<Writing>),
    Over,
}

/// A write with its stream, which it gives back; behind a lock only so that it may be shared.
type Writing =
    Pin<Box<dyn Future<Output = (Stream, Result<(), MessageError>)> + std::marker::Send>>;

/// The crate has a type for each role, which have this in common.
macro_rules! write {
    ($stream:ident, $data:ident, $trailers:ident, $end:ident) => {{
        if !$data.is_empty() {
            $stream.send_data($data).await.map_err(message_error)?;
        }
        if let Some(map) = $trailers {
            $stream.send_trailers(map).await.map_err(unsendable)?;
        }
        if $end {
            $stream.finish().await.map_err(message_error)?;
        }
    }};
}

impl Stream {
    async fn write(
        &mut self,
        data: Bytes,
        trailers: Option<HeaderMap>,
        end: bool,
    ) -> Result<(), MessageError> {
        match self {
            Self::Caller(stream) => write!(stream, data, trailers, end),
            Self::Listener(stream) => write!(stream, data, trailers, end),
            Self::Unsent(_) | Self::Busy(_) | Self::Over => return Err(MessageError::Reset),
        }
        Ok(())
    }
}

impl Send {
    pub(super) const fn caller(tunnel: Tunnel, recv: oneshot::Sender<CallerRecv>) -> Self {
        Self {
            stream: Stream::Unsent(recv),
            within: false,
            ends: false,
            id: None,
            stopped: None,
            tunnel: Some(tunnel),
            _active: None,
        }
    }

    /// For the answer to a request that has come.
    pub(super) fn listener(
        stream: ListenerSend,
        stopped: Option<Stopped>,
        active: ActiveStream,
    ) -> Self {
        Self {
            id: Some(stream.send_id().into_inner()),
            stream: Stream::Listener(stream),
            within: true,
            ends: false,
            stopped: stopped.map(FutureExt::shared),
            tunnel: None,
            _active: Some(active),
        }
    }

    /// The stream's ID, once it is open.
    pub(super) const fn id(&self) -> Option<u64> {
        self.id
    }

    pub(crate) async fn request(
        &mut self,
        request: &RequestHead,
        end: bool,
    ) -> Result<(), MessageError> {
        let request = head::to_request(request).map_err(MessageError::Unsendable)?;
        self.open(request).await?;
        self.finish_if(end).await
    }

    /// Opens the stream with a request that is one already.
    pub(super) async fn open(&mut self, request: http::Request<()>) -> Result<(), MessageError> {
        let Stream::Unsent(recv) = std::mem::replace(&mut self.stream, Stream::Over) else {
            return Err(MessageError::Reset);
        };
        let session = self.tunnel.as_ref().and_then(Tunnel::h3);
        let session = session.ok_or(MessageError::TunnelLost)?;
        let mut client = session.client().ok_or(MessageError::TunnelLost)?;
        let opened = client.send_request(request).await.map_err(unsendable)?;
        self.id = Some(opened.id().into_inner());
        self.stopped = session.desk.take(opened.id()).map(FutureExt::shared);
        let (send, halved) = opened.split();
        self.stream = Stream::Caller(send);
        self.within = true;
        // The other half may be gone: then its stream is stopped here.
        drop(recv.send(halved));
        Ok(())
    }

    pub(crate) async fn response(
        &mut self,
        response: &ResponseHead,
        end: bool,
    ) -> Result<(), MessageError> {
        let is_interim = response.is_interim();
        let response = head::to_response(response).map_err(MessageError::Unsendable)?;
        self.answer(response).await?;
        self.finish_if(end && !is_interim).await
    }

    pub(super) async fn answer(
        &mut self,
        response: http::Response<()>,
    ) -> Result<(), MessageError> {
        let Stream::Listener(stream) = &mut self.stream else {
            return Err(MessageError::Reset);
        };
        stream.send_response(response).await.map_err(unsendable)
    }

    /// What another endpoint may answer otherwise is rejected as RFC 9114 section 4.1.1 has it; any client may send it again.
    pub(crate) async fn refuse(&mut self, refusal: Refusal) -> Result<(), MessageError> {
        match head::refused(refusal) {
            Some(response) => {
                self.answer(response).await?;
                self.finish_if(true).await
            }
            None => {
                self.reset(Code::H3_REQUEST_REJECTED);
                Ok(())
            }
        }
    }

    /// Begins to send a part of the body; flush before anything else.
    pub(crate) fn start_data(&mut self, data: Bytes, end: bool) {
        if !data.is_empty() || end {
            self.start(data, None, end);
        }
    }

    /// Begins to send the fields after the body; flush before anything else.
    pub(crate) fn start_trailers(&mut self, fields: &Fields) -> Result<(), MessageError> {
        let map = head::end_to_end(fields).map_err(MessageError::Unsendable)?;
        self.start(Bytes::new(), Some(map), true);
        Ok(())
    }

    fn start(&mut self, data: Bytes, trailers: Option<HeaderMap>, end: bool) {
        self.within = true;
        self.ends = end;
        let mut stream = match std::mem::replace(&mut self.stream, Stream::Over) {
            stream @ (Stream::Caller(_) | Stream::Listener(_)) => stream,
            Stream::Unsent(_) | Stream::Busy(_) | Stream::Over => return,
        };
        let writing: Writing = Box::pin(async move {
            let written = stream.write(data, trailers, end).await;
            (stream, written)
        });
        self.stream = Stream::Busy(Mutex::new(writing));
    }

    /// Hands what was started on. Nothing is lost when this is asked again later.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), MessageError>> {
        match &mut self.stream {
            Stream::Busy(writing) => {
                let (stream, written) = ready!(writing.get_mut().as_mut().poll(cx));
                self.stream = stream;
                written?;
            }
            Stream::Caller(_) | Stream::Listener(_) => {}
            Stream::Unsent(_) | Stream::Over => return Poll::Ready(Err(MessageError::Reset)),
        }
        if std::mem::take(&mut self.ends) {
            self.within = false;
        }
        Poll::Ready(Ok(()))
    }

    pub(super) async fn finish_if(&mut self, end: bool) -> Result<(), MessageError> {
        if end {
            self.start_data(Bytes::new(), true);
            std::future::poll_fn(|cx| self.poll_flush(cx)).await?;
        }
        Ok(())
    }

    pub(crate) const fn begin(&mut self) {
        self.within = true;
    }

    pub(crate) const fn is_message_over(&self) -> bool {
        !self.within
    }

    pub(crate) fn break_off(&mut self, why: StreamCode) {
        self.reset(code(why));
    }

    fn reset(&mut self, code: Code) {
        match &mut self.stream {
            Stream::Caller(stream) => stream.stop_stream(code),
            Stream::Listener(stream) => stream.stop_stream(code),
            // A write that is given up resets its stream by itself.
            Stream::Unsent(_) | Stream::Busy(_) | Stream::Over => {}
        }
        self.stream = Stream::Over;
        self.within = false;
    }

    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + std::marker::Send + 'static {
        let stopped = self.stopped.clone();
        async move {
            match stopped {
                Some(stopped) => stopped.await,
                None => std::future::pending().await,
            }
        }
    }
}

impl Drop for Send {
    fn drop(&mut self) {
        if self.within {
            self.break_off(StreamCode::Cancelled);
        }
    }
}

impl std::fmt::Debug for Send {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Send")
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}

fn unsendable(error: StreamError) -> MessageError {
    match error {
        StreamError::HeaderTooBig {
            actual_size: length,
            max_size: limit,
        } => MessageError::Unsendable(FrameError::TooLong { length, limit }),
        other => message_error(other),
    }
}
