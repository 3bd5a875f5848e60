//! HTTP/2 as h2 reads and writes it; bodies pass in the task of their exchange, without copies.
//!
//! ```text
//!   h2::RecvStream ──> Inflow ──> MessageSend     towards the tunnel
//!   h2::SendStream <── Outflow <── MessageRecv    from the tunnel
//! ```
//!
//! As with HTTP/1, both ends of a tunnel use the same two flows, the other way round. Windows are opened as bytes are handed on, so
//! that whoever reads slowly slows down whoever sends.

pub(crate) mod inflow;
pub(crate) mod outflow;

pub(crate) use inflow::Inflow;
pub(crate) use outflow::Outflow;

use crate::http1::FlowError;

/// What a stream may send before it is asked to wait.
pub(crate) const STREAM_WINDOW: u32 = 1 << 20;
/// What all streams of a connection may.
pub(crate) const CONNECTION_WINDOW: u32 = 16 << 20;
/// What one stream may have waiting to be written.
pub(crate) const SEND_BUFFER: usize = 256 << 10;

/// The app reset the stream, or its connection is gone.
fn broken(error: h2::Error) -> FlowError {
    FlowError::Io(if error.is_io() {
        error
            .into_io()
            .unwrap_or_else(|| std::io::ErrorKind::ConnectionReset.into())
    } else {
        std::io::Error::other(error)
    })
}
