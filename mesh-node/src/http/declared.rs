//! A body held to the length that its head declared: what an app reads as one request is one request (P-15).
//!
//! The last declared bytes are handed on only once it is certain that nothing follows them. Whoever sends less or more breaks the
//! app's connection, so that nothing of his is left there for the next request to be mistaken for.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};

use super::BoxError;

/// A body, and how much of it is to come.
#[derive(Debug)]
pub(crate) struct Declared<B> {
    body: B,
    /// `None`: nothing was declared, the framing says where it ends.
    left: Option<u64>,
    /// The last declared bytes, while what follows them isn't known.
    held: Option<Bytes>,
    /// What comes after them.
    trailers: Option<Frame<Bytes>>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Flowing,
    Ended,
    Broken,
}

/// A body that isn't what its head declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LengthError {
    #[error("the body ended {0} bytes before its declared length")]
    Short(u64),
    #[error("the body is longer than its declared length")]
    Long,
}

type Polled = Option<Result<Frame<Bytes>, BoxError>>;

impl<B: Body> Declared<B> {
    pub(crate) fn new(body: B, length: Option<u64>) -> Self {
        Self {
            body,
            left: length,
            held: None,
            trailers: None,
            state: State::Flowing,
        }
    }

    pub(crate) fn into_inner(self) -> B {
        self.body
    }

    fn is_short(&self) -> bool {
        self.left.is_some_and(|left| left > 0)
    }

    fn broken(&mut self, error: impl Into<BoxError>) -> Polled {
        self.state = State::Broken;
        Some(Err(error.into()))
    }

    /// Takes in some bytes; gives back what may go on at once.
    fn take(&mut self, data: Bytes) -> Result<Option<Bytes>, LengthError> {
        let Some(left) = &mut self.left else {
            return Ok(Some(data));
        };
        *left = left
            .checked_sub(data.len() as u64)
            .ok_or(LengthError::Long)?;
        if *left > 0 || data.is_empty() {
            return Ok(Some(data));
        }
        self.held = Some(data);
        Ok(None)
    }

    fn end(&mut self, trailers: Option<Frame<Bytes>>) -> Polled {
        if let Some(left) = self.left.filter(|left| *left > 0) {
            return self.broken(LengthError::Short(left));
        }
        self.state = State::Ended;
        match self.held.take() {
            Some(data) => {
                self.trailers = trailers;
                Some(Ok(Frame::data(data)))
            }
            None => trailers.map(Ok),
        }
    }
}

impl<B> Body for Declared<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Polled> {
        let this = self.get_mut();
        if this.state != State::Flowing {
            return Poll::Ready(this.trailers.take().map(Ok));
        }
        loop {
            let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                None => return Poll::Ready(this.end(None)),
                Some(Err(error)) => return Poll::Ready(this.broken(error)),
                Some(Ok(frame)) => frame,
            };
            match frame.into_data().map(|data| this.take(data)) {
                Ok(Ok(Some(data))) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Ok(None)) => {}
                Ok(Err(error)) => return Poll::Ready(this.broken(error)),
                Err(trailers) => return Poll::Ready(this.end(Some(trailers))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.state {
            State::Flowing => !self.is_short() && self.held.is_none() && self.body.is_end_stream(),
            State::Ended => self.trailers.is_none(),
            State::Broken => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use http_body_util::{BodyExt, StreamBody};

    async fn read(length: Option<u64>, chunks: &[&'static str]) -> Result<String, String> {
        let frames: Vec<_> = chunks
            .iter()
            .map(|chunk| {
                Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from_static(chunk.as_bytes())))
            })
            .collect();
        let body = Declared::new(StreamBody::new(futures_util::stream::iter(frames)), length);
        let all = body.collect().await.map_err(|error| error.to_string())?;
        Ok(String::from_utf8(all.to_bytes().to_vec()).unwrap())
    }

    // P-15
    #[tokio::test]
    async fn a_body_is_as_long_as_declared_or_breaks() {
        assert_eq!(read(Some(5), &["abc", "", "de"]).await.unwrap(), "abcde");
        assert_eq!(read(Some(0), &[]).await.unwrap(), "");
        assert_eq!(read(None, &["abc"]).await.unwrap(), "abc");
        for (length, chunks) in [
            (5, &["abc"][..]),
            (5, &[]),
            (2, &["abc"]),
            (3, &["abc", "GET / HTTP/1.1"]),
            (0, &["a"]),
        ] {
            assert!(
                read(Some(length), chunks).await.is_err(),
                "{length} {chunks:?}"
            );
        }
    }

    #[tokio::test]
    async fn the_last_bytes_wait_until_it_is_certain_that_nothing_follows() {
        let frames = ["ab", "c"].map(|chunk| {
            Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from_static(chunk.as_bytes())))
        });
        let open = futures_util::StreamExt::chain(
            futures_util::stream::iter(frames),
            futures_util::stream::pending(),
        );
        let mut body = Declared::new(StreamBody::new(open), Some(3));
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, "ab");
        let next = tokio::time::timeout(std::time::Duration::from_millis(20), body.frame()).await;
        assert!(next.is_err() && !body.is_end_stream());
    }
}
