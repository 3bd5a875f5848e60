//! An app's HTTP/1 connection: one request after another, within limits that are on by default.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::Method;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Lead, To, connect};
use crate::http1::head::HeadError;
use crate::http1::request::{self, Request};
use crate::io::Io;
use crate::outbound::Outbound;

/// How long a head may take from its first byte (`SECURITY` section 4).
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a kept connection may be idle between two requests.
const IDLE: Duration = Duration::from_secs(300);

/// How long a kept connection that is to end waits for one more request. One that is on its way would be lost if the connection ended
/// at once, and clients can't tell whether it was.
const LAST_REQUEST: Duration = Duration::from_secs(1);

/// Serves the connection until it ends; told to stop, it finishes the request under way, and says `connection: close` with its answer.
pub(super) async fn serve(
    mut io: Io,
    outbound: &Arc<Outbound>,
    lead: &ArcSwap<Lead>,
    stop: &CancellationToken,
) {
    loop {
        let request = match next(&mut io, stop).await {
            Next::Request(request) => request,
            Next::Ended => return,
            Next::Refused(error) => {
                return outbound.refuse_head(io, error, &lead.load().source).await;
            }
        };
        let lead = lead.load_full();
        let fixed = match &lead.to {
            To::Host(host) => Some(host),
            To::Named => None,
        };
        if request.method == Method::CONNECT && fixed.is_none() {
            return connect::serve(io, *request, outbound, &lead.source, stop).await;
        }
        let last = || stop.is_cancelled();
        // On its own, so that a connection between two requests takes little memory.
        match Box::pin(outbound.exchange(&lead.source, fixed, *request, io, last)).await {
            Some(back) => io = back,
            None => return,
        }
    }
}

enum Next {
    Request(Box<Request>),
    Ended,
    Refused(HeadError),
}

/// The next request's head.
async fn next(io: &mut Io, stop: &CancellationToken) -> Next {
    // RFC 9112 section 2.2: an empty line before a request is passed over by the parser.
    if io.buf.is_empty() {
        let filled = tokio::select! {
            biased;
            filled = timeout(IDLE, fill(io)) => filled,
            () = stop.cancelled() => timeout(LAST_REQUEST, fill(io)).await,
        };
        if !matches!(filled, Ok(true)) {
            return Next::Ended;
        }
    }
    match request::parse(&mut io.buf) {
        Ok(Some(request)) => return Next::Request(Box::new(request)),
        Ok(None) => {}
        Err(error) => return Next::Refused(error),
    }
    let whole = async {
        loop {
            if !fill(io).await {
                return Next::Ended;
            }
            match request::parse(&mut io.buf) {
                Ok(Some(request)) => return Next::Request(Box::new(request)),
                Ok(None) => {}
                Err(error) => return Next::Refused(error),
            }
        }
    };
    timeout(HEAD_TIME, whole)
        .await
        .unwrap_or(Next::Refused(HeadError::Slow))
}

/// Reads more; false at the end.
async fn fill(io: &mut Io) -> bool {
    let filled = std::future::poll_fn(|cx| io.poll_fill(cx)).await;
    matches!(filled, Ok(1..))
}
