//! What carries one request over a tunnel, from HTTP/1 or from HTTP/2. Who goes where, and how often, is the same.

use tunnel::{
    Event, FrameError, MessageError, MessageRecv, MessageSend, RequestError, RequestHead,
    ResponseHead, Tunnel,
};

/// A stream of a tunnel with an answer on it.
pub(super) struct Stream {
    pub(super) send: MessageSend,
    pub(super) recv: MessageRecv,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NotCarried {
    /// The tunnel's side.
    Request(RequestError),
    /// Whoever asked has gone, or what he sent is malformed; the word says which.
    Caller(CallerFault),
}

/// What is wrong on the caller's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallerFault {
    /// The connection is gone.
    Gone,
    /// The body isn't what its head announced.
    Malformed(&'static str),
    /// The body brought nothing for too long.
    Idle,
}

impl From<RequestError> for NotCarried {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

/// One request on its way, attempt after attempt.
pub(super) trait Carrier {
    /// What the answer's body comes from.
    type Answer;

    /// Whether the whole body can still be sent from its beginning.
    fn is_replayable(&self) -> bool;

    /// Sends the request over this tunnel and waits for the answer's head.
    async fn carry(
        &mut self,
        tunnel: &Tunnel,
        head: &RequestHead,
    ) -> Result<(ResponseHead, Self::Answer), NotCarried>;
}

/// The answer's head or an interim one, as it comes from a tunnel.
pub(super) fn answer(
    event: Result<Option<Event>, MessageError>,
) -> Result<ResponseHead, RequestError> {
    match event.map_err(RequestError::Broken)? {
        Some(Event::Response(head) | Event::Interim(head)) => Ok(head),
        Some(Event::Refused(refusal)) => Err(RequestError::Refused(refusal)),
        None => Err(RequestError::Stale),
        Some(Event::Data(_) | Event::Trailers(_) | Event::Request(_)) => Err(RequestError::Broken(
            MessageError::Malformed(FrameError::Truncated),
        )),
    }
}

impl CallerFault {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Gone => "whoever asked has gone",
            Self::Malformed(why) => why,
            Self::Idle => "the body brought nothing for 300 s",
        }
    }
}
