//! A request's body that can be sent again: what has passed is kept up to a bound; beyond it, one attempt is all there is.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;

use crate::http::BoxError;

/// What is kept of a body for another attempt.
pub(crate) const KEPT_BYTES: usize = 64 * 1024;

/// A body that attempts draw from.
#[derive(Debug)]
pub(crate) enum Replay<B> {
    /// Nothing to send, any number of times.
    Empty,
    /// The body and what has passed of it.
    Source(Arc<Mutex<Source<B>>>),
}

#[derive(Debug)]
pub(crate) struct Source<B> {
    body: B,
    kept: Vec<Bytes>,
    kept_bytes: usize,
    trailers: Option<HeaderMap>,
    /// The body has ended.
    ended: bool,
    /// More has passed than is kept: nobody can begin anew.
    spent: bool,
    /// The attempt that may draw; a former one that lingers gets nothing.
    attempt: u32,
    /// Counts what came, once however often it is sent.
    passed: Arc<AtomicU64>,
}

impl<B: Body<Data = Bytes> + Unpin> Replay<B> {
    pub(crate) fn new(body: B, passed: Arc<AtomicU64>) -> Self {
        if body.is_end_stream() {
            return Self::Empty;
        }
        let source = Source {
            body,
            kept: Vec::new(),
            kept_bytes: 0,
            trailers: None,
            ended: false,
            spent: false,
            attempt: 0,
            passed,
        };
        Self::Source(Arc::new(Mutex::new(source)))
    }

    /// Whether the whole body can still be sent from its beginning.
    pub(crate) fn is_replayable(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Source(source) => !source.lock().spent,
        }
    }

    /// The body for the next attempt. What a former attempt still holds is void.
    pub(crate) fn attempt(&self) -> AttemptBody<B> {
        match self {
            Self::Empty => AttemptBody {
                source: None,
                attempt: 0,
                at: 0,
                sent_trailers: true,
            },
            Self::Source(source) => {
                let mut locked = source.lock();
                locked.attempt += 1;
                AttemptBody {
                    attempt: locked.attempt,
                    source: Some(Arc::clone(source)),
                    at: 0,
                    sent_trailers: false,
                }
            }
        }
    }
}

/// The body as one attempt sends it: first what is kept, then what comes.
#[derive(Debug)]
pub(crate) struct AttemptBody<B> {
    source: Option<Arc<Mutex<Source<B>>>>,
    attempt: u32,
    at: usize,
    sent_trailers: bool,
}

/// Another attempt has taken the body over.
#[derive(Debug, thiserror::Error)]
#[error("another attempt has taken the body over")]
struct TakenOver;

impl<B> Source<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                self.spent = true;
                return Poll::Ready(Some(Err(error.into())));
            }
            None => {
                self.ended = true;
                return Poll::Ready(None);
            }
        };
        if let Some(data) = frame.data_ref() {
            self.passed.fetch_add(data.len() as u64, Ordering::Relaxed);
            self.keep(data.clone());
        } else if let Some(trailers) = frame.trailers_ref() {
            self.trailers = Some(trailers.clone());
            self.ended = true;
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn keep(&mut self, data: Bytes) {
        if self.spent {
            return;
        }
        self.kept_bytes += data.len();
        if self.kept_bytes > KEPT_BYTES {
            self.spent = true;
            self.kept = Vec::new();
        } else {
            self.kept.push(data);
        }
    }
}

impl<B> Body for AttemptBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let Some(source) = &this.source else {
            return Poll::Ready(None);
        };
        let mut source = source.lock();
        if source.attempt != this.attempt {
            return Poll::Ready(Some(Err(TakenOver.into())));
        }
        if let Some(kept) = source.kept.get(this.at) {
            this.at += 1;
            return Poll::Ready(Some(Ok(Frame::data(kept.clone()))));
        }
        if source.ended {
            let trailers = source.trailers.clone().filter(|_| !this.sent_trailers);
            this.sent_trailers = true;
            return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
        }
        let polled = ready!(source.poll_next(cx));
        if let Some(Ok(frame)) = &polled {
            this.at += usize::from(frame.is_data() && !source.spent);
            this.sent_trailers |= frame.is_trailers();
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        let Some(source) = &self.source else {
            return true;
        };
        let source = source.lock();
        let kept_is_sent = self.at >= source.kept.len();
        let trailers_are_sent = self.sent_trailers || source.trailers.is_none();
        kept_is_sent && trailers_are_sent && (source.ended || source.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        if self.source.is_none() {
            SizeHint::with_exact(0)
        } else {
            SizeHint::default()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use http_body_util::{BodyExt, StreamBody};
    use proptest::prelude::*;

    type Frames =
        futures_util::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, std::io::Error>>>;

    fn body(chunks: &[usize], trailers: bool) -> StreamBody<Frames> {
        let mut frames: Vec<_> = chunks
            .iter()
            .map(|n| Ok(Frame::data(Bytes::from(vec![7; *n]))))
            .collect();
        if trailers {
            let mut map = HeaderMap::new();
            map.insert("grpc-status", "0".parse().unwrap());
            frames.push(Ok(Frame::trailers(map)));
        }
        StreamBody::new(futures_util::stream::iter(frames))
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(future)
    }

    async fn read(body: AttemptBody<StreamBody<Frames>>, frames: usize) -> (usize, bool) {
        let mut body = std::pin::pin!(body);
        let (mut bytes, mut trailers) = (0, false);
        for _ in 0..frames {
            match body.frame().await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => bytes += data.len(),
                    Err(_) => trailers = true,
                },
                Some(Err(_)) => panic!("broken"),
                None => break,
            }
        }
        (bytes, trailers)
    }

    #[test]
    fn a_body_over_the_bound_passes_whole_once() {
        run(async {
            let replay = Replay::new(body(&[KEPT_BYTES, 1, 9], false), Arc::default());
            assert!(replay.is_replayable());
            assert_eq!(read(replay.attempt(), usize::MAX).await.0, KEPT_BYTES + 10);
            assert!(!replay.is_replayable());
        });
    }

    #[test]
    fn a_former_attempt_gets_nothing_more() {
        run(async {
            let replay = Replay::new(body(&[1, 2, 3], false), Arc::default());
            let mut former = std::pin::pin!(replay.attempt());
            assert!(former.frame().await.unwrap().is_ok());
            let next = replay.attempt();
            assert!(former.frame().await.unwrap().is_err());
            assert_eq!(read(next, usize::MAX).await.0, 6);
        });
    }

    proptest! {
        #[test]
        fn every_attempt_sends_the_same(chunks in proptest::collection::vec(0usize..2000, 0..20), cuts in proptest::collection::vec(0usize..25, 0..4), trailers: bool) {
            run(async {
                let whole: usize = chunks.iter().sum();
                let replay = Replay::new(body(&chunks, trailers), Arc::default());
                for cut in cuts {
                    read(replay.attempt(), cut).await;
                }
                assert!(replay.is_replayable());
                assert_eq!(read(replay.attempt(), usize::MAX).await, (whole, trailers));
                assert_eq!(read(replay.attempt(), usize::MAX).await, (whole, trailers));
            });
        }
    }
}
