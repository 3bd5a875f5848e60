//! A body from the tunnel to an HTTP/2 stream: as much at once as its window takes.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http::HeaderMap;
use tunnel::{Event, Fields, MessageError, MessageRecv};

use super::broken;
use crate::http::fields;
use crate::http1::FlowError;
use crate::http1::inflow::Idle;

/// A body on its way out.
#[derive(Debug)]
pub(crate) struct Outflow {
    stream: SendStream<Bytes>,
    /// Waits for the stream's window.
    waiting: Bytes,
    /// What comes after it.
    then: Then,
    length: Length,
    ended: bool,
    /// What was handed on: whether that grows tells whether the other end still reads.
    pub(crate) sent: u64,
    /// Since when the window has been closed.
    stalled: Idle,
    /// What has passed.
    pub(crate) bytes: u64,
    /// `grpc-status` of the trailers, for the record.
    pub(crate) grpc_status: Option<String>,
}

#[derive(Debug)]
enum Then {
    More,
    End,
    Trailers(HeaderMap),
}

const LONG: FlowError = FlowError::Malformed("the body is longer than its declared length");
const SHORT: FlowError = FlowError::Malformed("the body is shorter than its declared length");

impl Outflow {
    /// A body of exactly `length` bytes, if that was declared.
    pub(crate) fn new(stream: SendStream<Bytes>, length: Option<u64>) -> Self {
        Self {
            stream,
            waiting: Bytes::new(),
            then: Then::More,
            length: Length::new(length),
            ended: false,
            sent: 0,
            stalled: Idle::default(),
            bytes: 0,
            grpc_status: None,
        }
    }

    /// No body: the head has ended the stream.
    pub(crate) fn over(stream: SendStream<Bytes>) -> Self {
        Self {
            ended: true,
            ..Self::new(stream, None)
        }
    }

    /// Moves what there is to the stream, and is ready when all of it has been handed over.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        recv: &mut MessageRecv,
    ) -> Poll<Result<(), FlowError>> {
        loop {
            ready!(self.poll_send(cx))?;
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            match ready!(recv.poll_event(cx))? {
                Some(Event::Data(data)) => {
                    self.bytes += data.len() as u64;
                    let end = recv.is_message_over();
                    self.waiting = self.length.take(data, end)?;
                    if end {
                        self.then = Then::End;
                    }
                }
                Some(Event::Trailers(fields)) => self.trailers(&fields)?,
                None => return Poll::Ready(Err(MessageError::Reset.into())),
                // The encodings let no head stand within a message.
                Some(
                    Event::Request(_) | Event::Response(_) | Event::Interim(_) | Event::Refused(_),
                ) => return Poll::Ready(Err(FlowError::Malformed("a head within a body"))),
            }
        }
    }

    /// Sends this, and nothing after it.
    pub(crate) async fn send_all(&mut self, text: Bytes) -> Result<(), FlowError> {
        (self.waiting, self.then) = (text, Then::End);
        std::future::poll_fn(|cx| self.poll_send(cx)).await
    }

    /// Hands on what waits.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), FlowError>> {
        while !self.waiting.is_empty() {
            let room = ready!(self.poll_room(cx))?.min(self.waiting.len());
            let part = self.waiting.split_to(room);
            self.sent += room as u64;
            let end = self.waiting.is_empty() && matches!(self.then, Then::End);
            self.stream.send_data(part, end).map_err(broken)?;
            if end {
                self.then = Then::More;
                self.ended = true;
            }
        }
        match std::mem::replace(&mut self.then, Then::More) {
            Then::More => return Poll::Ready(Ok(())),
            Then::End => self.stream.send_data(Bytes::new(), true),
            Then::Trailers(trailers) => self.stream.send_trailers(trailers),
        }
        .map_err(broken)?;
        self.ended = true;
        Poll::Ready(Ok(()))
    }

    /// Waits for room in the window. A reader that makes none for too long is given up.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, FlowError>> {
        self.stream.reserve_capacity(self.waiting.len());
        loop {
            let room = self.stream.capacity();
            if room > 0 {
                self.stalled.reset();
                return Poll::Ready(Ok(room));
            }
            match self.stream.poll_capacity(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(broken(error))),
                Poll::Ready(None) => {
                    let gone = std::io::ErrorKind::ConnectionReset;
                    return Poll::Ready(Err(FlowError::Io(gone.into())));
                }
                Poll::Pending => return self.stalled.poll(cx).map(|()| Err(FlowError::Idle)),
            }
        }
    }

    fn trailers(&mut self, fields: &Fields) -> Result<(), FlowError> {
        let status = fields.get("grpc-status");
        self.grpc_status = status.map(|status| String::from_utf8_lossy(status).into_owned());
        self.waiting = self.length.take(Bytes::new(), true)?;
        let trailers = fields::trailers_to_map(fields);
        self.then = if trailers.is_empty() {
            Then::End
        } else {
            Then::Trailers(trailers)
        };
        Ok(())
    }

    /// Whether something waits for who reads it.
    pub(crate) const fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether whoever reads has reset the stream, or has gone.
    pub(crate) fn is_reset(&mut self, cx: &mut Context<'_>) -> bool {
        self.stream.poll_reset(cx).is_ready()
    }

    /// Breaks off: what went must not look whole.
    pub(crate) fn reset(&mut self, reason: Reason) {
        self.stream.send_reset(reason);
    }
}

/// Holds a body to the length that its head declared: what an app reads as one request is one request (P-15).
///
/// The last declared bytes are handed on only once it is certain that nothing follows them.
#[derive(Debug)]
struct Length {
    /// `None`: nothing was declared, the framing says where it ends.
    left: Option<u64>,
    held: Bytes,
}

impl Length {
    const fn new(left: Option<u64>) -> Self {
        Self {
            left,
            held: Bytes::new(),
        }
    }

    /// Takes some bytes in, and gives out what may go on.
    fn take(&mut self, data: Bytes, end: bool) -> Result<Bytes, FlowError> {
        let Some(left) = &mut self.left else {
            return Ok(data);
        };
        *left = left.checked_sub(data.len() as u64).ok_or(LONG)?;
        match (*left, end) {
            (0, false) => {
                if !data.is_empty() {
                    self.held = data;
                }
                Ok(Bytes::new())
            }
            // Whatever is held was all: only nothing can have come after it.
            (0, true) if !self.held.is_empty() => Ok(std::mem::take(&mut self.held)),
            (1.., true) => Err(SHORT),
            _ => Ok(data),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn read(length: Option<u64>, chunks: &[&'static str]) -> Result<String, FlowError> {
        let mut length = Length::new(length);
        let mut all = Vec::new();
        for chunk in chunks {
            all.extend(length.take(Bytes::from_static(chunk.as_bytes()), false)?);
        }
        all.extend(length.take(Bytes::new(), true)?);
        Ok(String::from_utf8(all).unwrap())
    }

    // P-15
    #[test]
    fn a_body_is_as_long_as_declared_or_breaks() {
        assert_eq!(read(Some(5), &["abc", "", "de", ""]).unwrap(), "abcde");
        assert_eq!(read(Some(0), &[]).unwrap(), "");
        assert_eq!(read(None, &["abc"]).unwrap(), "abc");
        for (length, chunks) in [
            (5, &["abc"][..]),
            (5, &[]),
            (2, &["abc"]),
            (3, &["abc", "GET / HTTP/1.1"]),
            (0, &["a"]),
        ] {
            assert!(read(Some(length), chunks).is_err(), "{length} {chunks:?}");
        }
    }

    #[test]
    fn the_last_bytes_wait_until_it_is_certain_that_nothing_follows() {
        let mut length = Length::new(Some(3));
        assert_eq!(length.take(Bytes::from_static(b"ab"), false).unwrap(), "ab");
        assert_eq!(length.take(Bytes::from_static(b"c"), false).unwrap(), "");
        assert_eq!(length.take(Bytes::new(), true).unwrap(), "c");
        let mut length = Length::new(Some(3));
        assert_eq!(
            length.take(Bytes::from_static(b"abc"), true).unwrap(),
            "abc"
        );
    }
}
