//! Standard HTTP/3 (RFC 9114) on a tunnel: one request a stream, so that any HTTP/3 stack with a valid SVID can call and be called.
//!
//! ```text
//!   Send, Recv ── head: RequestHead <-> pseudo-header fields, Refusal <-> status or H3_REQUEST_REJECTED
//!       │
//!   the `h3` crate: frames, QPACK (static table only), SETTINGS, GOAWAY
//!       │
//!   sieve: pieces of frames within limits ── adapter: its view of quinn
//! ```
//!
//! TCP by CONNECT and WebSocket (RFC 9220) aren't here: the crate sends a CONNECT that RFC 9114 section 4.4 calls malformed, and
//! knows no `:protocol` but `connect-udp` and `webtransport`.

mod adapter;
mod arriving;
mod capsule;
mod head;
mod recv;
mod send;
mod sieve;
pub(crate) mod udp;

use std::sync::Arc;

use ::h3::ConnectionState as _;
use ::h3::error::{Code, StreamError};
use bytes::Bytes;
use parking_lot::Mutex;
use protocol::frame::{FrameError, MAX_FIELDS, MAX_HEAD_BYTES};
use tokio::sync::watch;

use super::{MessageError, StreamCode};
use crate::tunnel::Tunnel;
use adapter::{Connection, Desk, Opener};

pub(crate) use arriving::{Arriving, accept};
pub(crate) use recv::Recv;
pub(crate) use send::Send;
pub(crate) use udp::{PacketRecv, PacketSend};

/// One-way streams that the other end may open: three are needed, the others are for what it tries out.
pub(crate) const ONE_WAY_STREAMS: u32 = 8;

/// RFC 9114 section 4.2.2 counts 32 bytes for each field beside its text.
const MAX_FIELD_SECTION: u64 = (MAX_HEAD_BYTES + (MAX_FIELDS + 8) * 32) as u64;

type CallerSend = ::h3::client::RequestStream<adapter::SendStream, Bytes>;
type CallerRecv = ::h3::client::RequestStream<adapter::RecvStream, Bytes>;
type ListenerSend = ::h3::server::RequestStream<adapter::SendStream, Bytes>;
type ListenerRecv = ::h3::server::RequestStream<adapter::RecvStream, Bytes>;

/// HTTP/3's state of one tunnel.
pub(crate) struct Session {
    desk: Desk,
    /// What the other end has said of itself.
    peer: Arc<::h3::SharedState>,
    role: Role,
}

#[allow(clippy::large_enum_variant, reason = "one for each tunnel")]
enum Role {
    Caller {
        client: Mutex<::h3::client::SendRequest<Opener, Bytes>>,
        /// Whether the other end takes extended CONNECT (RFC 9220); false until its SETTINGS have come.
        extended: watch::Receiver<bool>,
    },
    Listener(tokio::sync::Mutex<::h3::server::Connection<Connection, Bytes>>),
}

impl Session {
    /// At the end that dialed. The other end's control frames are read in a task that ends with the tunnel.
    pub(crate) async fn caller(quinn: quinn::Connection) -> Result<Self, MessageError> {
        let desk = Desk::default();
        let (mut driver, client) = ::h3::client::builder()
            .max_field_section_size(MAX_FIELD_SECTION)
            .send_grease(false)
            .enable_datagram(true)
            .build::<_, _, Bytes>(Connection::new(quinn, desk.clone()))
            .await
            .map_err(|_| MessageError::TunnelLost)?;
        let peer = Arc::clone(&driver.inner.shared);
        let (settled, extended) = watch::channel(false);
        tokio::spawn(async move {
            let ended = std::future::poll_fn(|cx| {
                let ended = driver.poll_close(cx);
                if driver.settings().enable_extended_connect() && !*settled.borrow() {
                    settled.send_replace(true);
                }
                ended
            });
            let reason = ended.await;
            tracing::debug!(%reason, "an HTTP/3 connection out has ended");
        });
        let client = Mutex::new(client);
        Ok(Self {
            desk,
            peer,
            role: Role::Caller { client, extended },
        })
    }

    /// At the end that was dialed.
    pub(crate) async fn listener(quinn: quinn::Connection) -> Result<Self, MessageError> {
        let desk = Desk::default();
        let connection = ::h3::server::builder()
            .max_field_section_size(MAX_FIELD_SECTION)
            .send_grease(false)
            .enable_datagram(true)
            .enable_extended_connect(true)
            .build(Connection::new(quinn, desk.clone()))
            .await
            .map_err(|_| MessageError::TunnelLost)?;
        Ok(Self {
            desk,
            peer: Arc::clone(&connection.inner.shared),
            role: Role::Listener(tokio::sync::Mutex::new(connection)),
        })
    }

    /// Waits until the other end says that it takes extended CONNECT; false when it never will.
    async fn extended(&self) -> bool {
        match &self.role {
            Role::Caller { extended, .. } => {
                let mut extended = extended.clone();
                extended.wait_for(|known| *known).await.is_ok()
            }
            Role::Listener(_) => false,
        }
    }

    /// Opens a request; `None` on a tunnel that was accepted.
    fn client(&self) -> Option<::h3::client::SendRequest<Opener, Bytes>> {
        match &self.role {
            Role::Caller { client, .. } => Some(client.lock().clone()),
            Role::Listener(_) => None,
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

/// A stream for one exchange, which is opened when its request's head is sent.
pub(crate) fn open(tunnel: &Tunnel) -> (Send, Recv) {
    let (give, take) = tokio::sync::oneshot::channel();
    (
        Send::caller(tunnel.clone(), give),
        Recv::caller(tunnel.clone(), take),
    )
}

/// Why a stream is reset or stopped, in HTTP/3's numbers.
const fn code(code: StreamCode) -> Code {
    match code {
        StreamCode::Cancelled => Code::H3_REQUEST_CANCELLED,
        StreamCode::Broken => Code::H3_INTERNAL_ERROR,
        StreamCode::Malformed => Code::H3_MESSAGE_ERROR,
    }
}

/// What the crate says of a stream, in our words.
fn message_error(error: StreamError) -> MessageError {
    tracing::trace!(%error, "an HTTP/3 stream failed");
    match error {
        StreamError::ConnectionError(_) | StreamError::RemoteClosing => MessageError::TunnelLost,
        StreamError::HeaderTooBig {
            actual_size: length,
            max_size: limit,
        } => MessageError::Malformed(FrameError::TooLong { length, limit }),
        StreamError::StreamError { .. } => MessageError::Malformed(FrameError::Field("head")),
        StreamError::Undefined(_) => MessageError::Malformed(FrameError::Truncated),
        _ => MessageError::Reset,
    }
}
