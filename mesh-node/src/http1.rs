//! HTTP/1 without a second engine: heads are read once, checked by the rules of P-13 and P-15, and go on as they were written; bodies
//! pass in chunks without copies.
//!
//! ```text
//!                  crate::io::Io (a TCP connection and its buffers)
//!   TCP ──> request::parse │ response::parse ──> Inflow ──> MessageSend     towards the tunnel
//!   TCP <── write                            <── Outflow <── MessageRecv    from the tunnel
//! ```
//!
//! Both ends of a tunnel use the same two flows, the other way round: at the source the request flows in and the answer out, at the
//! destination the request flows out to the app and its answer in. One task drives both; nothing is handed between tasks.

pub(crate) mod chunked;
pub(crate) mod head;
pub(crate) mod inflow;
pub(crate) mod outflow;
pub(crate) mod request;
pub(crate) mod request_line;
pub(crate) mod response;
pub(crate) mod write;

pub(crate) use inflow::{Framing, Inflow};
pub(crate) use outflow::{Form, Outflow};

/// Why the flow of a message ended before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FlowError {
    /// The TCP connection broke or ended.
    #[error("the app's connection broke")]
    Io(#[source] std::io::Error),
    /// What came on it isn't HTTP/1.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// Nothing came for too long.
    #[error("nothing came for {} s", inflow::BODY_IDLE.as_secs())]
    Idle,
    /// The tunnel's side broke off.
    #[error(transparent)]
    Message(#[from] tunnel::MessageError),
}

impl From<std::io::Error> for FlowError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}
