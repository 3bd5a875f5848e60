//! QUIC with proven identities at both ends. Alone imports quinn and h3.
//!
//! A [`Tunnel`] is one QUIC connection whose other end has shown an SVID that `identity::verify` accepted; it can be made by
//! [`Endpoint::dial`] and by [`Arrival::prove`] and in no other way. What runs on it:
//!
//! | ALPN | what | where |
//! | --- | --- | --- |
//! | `weft/1` | HTTP, TCP and UDP between nodes | [`Tunnel::request`], [`Tunnel::open_messages`], [`Tunnel::accept_stream`] |
//! | `h3` | the same as standard HTTP/3: for whoever has an SVID, and between nodes that are told to | as above, but TCP |
//! | `weft-control/1` | gRPC between our own processes | [`rpc`] |
//! | `weft-enrol/1` | gRPC of a [`Stranger`], who has no SVID yet | [`rpc`] |
//!
//! ```text
//!  dial ──┐                                     ┌── accept
//!         v                                     v
//!   Endpoint (quinn) ── Door: drops what doesn't open ── UDP socket
//!         │ connection IDs by protocol::cid (N-IDs; fresh T-ID for each dial)
//!         v
//!      Tunnel ── encoding │ rpc
//! ```

mod accept;
mod alpn;
mod batch;
mod cid_generator;
mod close;
mod congestion;
mod datagrams;
mod dial;
mod door;
mod encoding;
mod endpoint;
mod limits;
mod node_secret;
mod path_mtu;
mod routing;
pub mod rpc;
mod shard;
mod sockets;
mod tunnel;
mod windows;

pub use accept::{AcceptError, Accepted, Arrival, Stranger};
pub use alpn::Alpn;
pub use batch::{Batch, BatchSocket, Ecn, Run};
pub use close::{CloseCode, CloseReason};
pub use congestion::{Congestion, CongestionError};
pub use dial::{Dial, DialError};
pub use encoding::{
    Arriving, ByteArrival, ByteRecv, ByteSend, Event, Exchange, Lent, MessageError, MessageRecv,
    MessageSend, Opening, RequestError, StreamCode, TcpAnswer, TunnelBody, UdpArrival, UdpRecv,
    UdpSend, UdpSession, send_body,
};
pub use endpoint::{BindError, Endpoint, EndpointConfig, EndpointCounts};
pub use limits::Limits;
pub use node_secret::{NodeSecret, NodeSecretError};
pub use protocol::frame::{
    Fields, FieldsBuilder, FrameError, HttpVersion, Refusal, RequestHead, ResponseHead,
};
pub use routing::Routing;
pub use shard::Seat;
pub use sockets::{Keeper, Sockets};
pub use tunnel::{StalledStream, Tunnel, TunnelStats};

/// The server name that a controller answers with its ordinary chain.
pub const CONTROLLER_NAME: &str = "controller.weft.internal";
/// The server name that a controller answers with its root in the chain, for who has only the root's digest.
pub const JOIN_NAME: &str = "join.weft.internal";
