//! The bodies that pass through, each of them streaming: counted, and cleaned of trailers that claim an identity (P-14).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tunnel::TunnelBody;

use super::declared::Declared;
use super::{BoxError, fields};

/// What an app gets for an answer: the service's own body, or a line of ours.
#[derive(Debug)]
pub(crate) enum Answer {
    /// From the tunnel.
    Tunnel(TunnelBody),
    /// Made here.
    Text(Option<Bytes>),
}

impl Answer {
    /// A text; an empty one is no body.
    pub(crate) fn text(text: impl Into<Bytes>) -> Self {
        let text = text.into();
        Self::Text((!text.is_empty()).then_some(text))
    }

    /// The text's bytes; none of what comes from the tunnel.
    pub(crate) fn text_bytes(&self) -> &[u8] {
        match self {
            Self::Text(Some(text)) => text,
            Self::Text(None) | Self::Tunnel(_) => &[],
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Tunnel(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Tunnel(body) => body.is_end_stream(),
            Self::Text(text) => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Tunnel(body) => body.size_hint(),
            Self::Text(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
        }
    }
}

/// Hears how much of a body passed, and how it ended.
pub(crate) trait Account: Unpin {
    /// So many more bytes passed.
    fn add(&mut self, bytes: u64);
    /// The fields after it.
    fn trailers(&mut self, _trailers: &HeaderMap) {}
    /// The body is through, or broke. Called once; a body dropped before its end never calls it.
    fn end(&mut self, whole: bool);
}

/// A body whose bytes are counted while they pass.
#[derive(Debug)]
pub(crate) struct Counted<B, A> {
    inner: B,
    account: A,
    ended: bool,
}

impl<B: Body, A: Account> Counted<B, A> {
    pub(crate) fn new(inner: B, mut account: A) -> Self {
        let ended = inner.is_end_stream();
        if ended {
            account.end(true);
        }
        Self {
            inner,
            account,
            ended,
        }
    }
}

impl<B, A> Body for Counted<B, A>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
    A: Account,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let polled = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        match &polled {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    this.account.add(data.remaining() as u64);
                } else if let Some(trailers) = frame.trailers_ref() {
                    this.account.trailers(trailers);
                }
            }
            Some(Err(_)) if !this.ended => {
                this.ended = true;
                this.account.end(false);
            }
            Some(Err(_)) => {}
            None => {}
        }
        // A server that knows the length may never ask again after the last byte.
        if !this.ended && (polled.is_none() || this.inner.is_end_stream()) {
            this.ended = true;
            this.account.end(true);
        }
        Poll::Ready(polled.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A request's body whose trailers have lost what only the mesh may say.
#[derive(Debug)]
pub(crate) struct Cleaned<B>(pub(crate) B);

impl<B> Body for Cleaned<B>
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
        let frame = ready!(Pin::new(&mut self.get_mut().0).poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map(clean).map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

fn clean(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            fields::clean_trailer_map(&mut trailers);
            Frame::trailers(trailers)
        }
        Err(frame) => frame,
    }
}

/// What is sent to an app: the tunnel's body, counted and cleaned, or nothing at all.
#[derive(Debug)]
pub(crate) struct AppBody {
    body: Option<Declared<Cleaned<TunnelBody>>>,
    passed: Arc<AtomicU64>,
}

impl AppBody {
    /// A body that the caller announced, exactly `length` bytes if it said how many; without an announcement there is none.
    pub(crate) fn new(
        body: Option<TunnelBody>,
        length: Option<u64>,
        passed: Arc<AtomicU64>,
    ) -> Self {
        Self {
            body: body.map(|body| Declared::new(Cleaned(body), length)),
            passed,
        }
    }

    /// The half of the stream that it reads from, unless it has been read to its end.
    pub(crate) fn into_recv(self) -> Option<tunnel::MessageRecv> {
        self.body?.into_inner().0.into_recv()
    }
}

impl Body for AppBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            this.passed.fetch_add(data.len() as u64, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
