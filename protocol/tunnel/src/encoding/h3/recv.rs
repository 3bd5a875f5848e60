//! The receiving half of an exchange.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use ::h3::error::{Code, StreamError};
use bytes::{Buf, Bytes};
use http::HeaderMap;
use protocol::frame::{Fields, FrameError, MAX_INTERIM, Refusal};
use tokio::sync::oneshot;

use super::{CallerRecv, ListenerRecv, code, head, message_error};
use crate::encoding::{Event, MessageError, StreamCode};
use crate::tunnel::Tunnel;

/// Receives one message. Dropped within it, it stops the stream.
pub(crate) struct Recv {
    stream: Stream,
    phase: Phase,
    /// What was found when looking whether the message had ended.
    found: Option<Result<Event, MessageError>>,
    interim: u32,
    /// The connection ends with its last tunnel.
    _tunnel: Option<Tunnel>,
}

enum Stream {
    /// The request has not been sent yet.
    Waiting(oneshot::Receiver<CallerRecv>),
    Caller(CallerRecv),
    Listener(ListenerRecv),
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Head,
    Body,
    Trailers,
    /// It ended as it should.
    Over,
    /// It broke.
    Broken,
}

impl Recv {
    pub(super) const fn caller(tunnel: Tunnel, stream: oneshot::Receiver<CallerRecv>) -> Self {
        Self {
            stream: Stream::Waiting(stream),
            phase: Phase::Head,
            found: None,
            interim: 0,
            _tunnel: Some(tunnel),
        }
    }

    /// For what comes after a request's head.
    pub(super) fn listener(stream: ListenerRecv) -> Self {
        let mut recv = Self {
            stream: Stream::Listener(stream),
            phase: Phase::Body,
            found: None,
            interim: 0,
            _tunnel: None,
        };
        recv.look();
        recv
    }

    pub(super) async fn event(&mut self) -> Result<Option<Event>, MessageError> {
        std::future::poll_fn(|cx| self.poll_event(cx)).await
    }

    pub(crate) fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Event>, MessageError>> {
        if let Some(found) = self.found.take() {
            return Poll::Ready(found.map(Some));
        }
        let event = ready!(self.poll_next(cx));
        if event.is_err() {
            self.phase = Phase::Broken;
            self.stream = Stream::Gone;
        } else if matches!(event, Ok(Some(Event::Response(_)))) {
            self.look();
        }
        Poll::Ready(event)
    }

    /// Looks whether the message ends with its head, as HTTP tells that apart from an empty body.
    fn look(&mut self) {
        match self.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending | Poll::Ready(Ok(None)) => {}
            Poll::Ready(Ok(Some(event)))
                if self.phase == Phase::Over && event == Event::Data(Bytes::new()) => {}
            Poll::Ready(Ok(Some(event))) => self.found = Some(Ok(event)),
            Poll::Ready(Err(error)) => {
                self.phase = Phase::Broken;
                self.stream = Stream::Gone;
                self.found = Some(Err(error));
            }
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Event>, MessageError>> {
        loop {
            match self.phase {
                Phase::Head => return self.poll_head(cx).map_ok(Some),
                Phase::Body => match ready!(self.poll_data(cx))? {
                    Some(data) => return Poll::Ready(Ok(Some(Event::Data(data)))),
                    None => self.phase = Phase::Trailers,
                },
                Phase::Trailers => {
                    let trailers = ready!(self.poll_trailers(cx))?;
                    self.phase = Phase::Over;
                    self.stream = Stream::Gone;
                    return Poll::Ready(match trailers {
                        // An end by itself says nothing more.
                        None => Ok(Some(Event::Data(Bytes::new()))),
                        Some(map) => Fields::from_map(&map)
                            .map(|fields| Some(Event::Trailers(fields)))
                            .map_err(MessageError::Malformed),
                    });
                }
                Phase::Over => return Poll::Ready(Ok(None)),
                Phase::Broken => return Poll::Ready(Err(MessageError::Reset)),
            }
        }
    }

    /// The answer's head, or an interim one.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, MessageError>> {
        if let Stream::Waiting(waiting) = &mut self.stream {
            match ready!(Pin::new(waiting).poll(cx)) {
                Ok(stream) => self.stream = Stream::Caller(stream),
                Err(_) => return Poll::Ready(Err(MessageError::Reset)),
            }
        }
        let Stream::Caller(stream) = &mut self.stream else {
            return Poll::Ready(Err(MessageError::Reset));
        };
        // The future holds nothing but the borrow, so a new one for each poll loses nothing.
        let response = match ready!(pin!(stream.recv_response()).poll(cx)) {
            Ok(response) => response,
            Err(StreamError::RemoteTerminate { code }) if code == Code::H3_REQUEST_REJECTED => {
                self.phase = Phase::Over;
                return Poll::Ready(Ok(Event::Refused(Refusal::Unavailable)));
            }
            Err(error) => return Poll::Ready(Err(message_error(error))),
        };
        if let Some(refusal) = head::refusal(&response) {
            self.phase = Phase::Over;
            return Poll::Ready(Ok(Event::Refused(refusal)));
        }
        let answer = head::from_response(response).map_err(MessageError::Malformed)?;
        if !answer.is_interim() {
            self.phase = Phase::Body;
            return Poll::Ready(Ok(Event::Response(answer)));
        }
        self.interim += 1;
        Poll::Ready(if self.interim > MAX_INTERIM {
            Err(MessageError::Malformed(FrameError::Field(
                "number of interim answers",
            )))
        } else {
            Ok(Event::Interim(answer))
        })
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, MessageError>> {
        let data = match &mut self.stream {
            Stream::Caller(stream) => ready!(stream.poll_recv_data(cx)).map(|data| data.map(whole)),
            Stream::Listener(stream) => {
                ready!(stream.poll_recv_data(cx)).map(|data| data.map(whole))
            }
            Stream::Waiting(_) | Stream::Gone => return Poll::Ready(Err(MessageError::Reset)),
        };
        Poll::Ready(data.map_err(message_error))
    }

    fn poll_trailers(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<HeaderMap>, MessageError>> {
        match &mut self.stream {
            Stream::Caller(stream) => stream.poll_recv_trailers(cx),
            Stream::Listener(stream) => stream.poll_recv_trailers(cx),
            Stream::Waiting(_) | Stream::Gone => return Poll::Ready(Err(MessageError::Reset)),
        }
        .map_err(message_error)
    }

    pub(crate) fn is_message_over(&self) -> bool {
        self.phase == Phase::Over && self.found.is_none()
    }

    pub(crate) fn stop(&mut self, why: StreamCode) {
        match &mut self.stream {
            Stream::Caller(stream) => stream.stop_sending(code(why)),
            Stream::Listener(stream) => stream.stop_sending(code(why)),
            Stream::Waiting(_) | Stream::Gone => {}
        }
        self.stream = Stream::Gone;
        self.phase = Phase::Broken;
    }
}

/// A part of a body, without a copy where the crate holds it in one piece.
fn whole(mut data: impl Buf) -> Bytes {
    data.copy_to_bytes(data.remaining())
}

impl std::fmt::Debug for Recv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recv")
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}
