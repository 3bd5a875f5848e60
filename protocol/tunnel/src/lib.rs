//! QUIC with proven identities at both ends. Alone imports quinn.
//!
//! A [`Tunnel`] is one QUIC connection whose other end has shown an SVID that `identity::verify` accepted; it can be made by
//! [`Endpoint::dial`] and by [`Arrival::prove`] and in no other way. What runs on it:
//!
//! | ALPN | what | where |
//! | --- | --- | --- |
//! | `weft/1` | HTTP between nodes, one request a stream | [`Tunnel::request`], [`Tunnel::accept_request`] |
//! | `weft-control/1` | gRPC between our own processes | [`rpc`] |
//! | `weft-enrol/1` | gRPC of a [`Stranger`], who has no SVID yet | [`rpc`] |
//!
//! ```text
//!  dial ──┐                                     ┌── accept
//!         v                                     v
//!   Endpoint (quinn) ── Door: drops what doesn't open ── UDP socket
//!         │ connection IDs by protocol::cid (N-IDs; fresh T-ID for each dial)
//!         v
//!      Tunnel ── encoding::weft1 │ rpc
//! ```

mod accept;
mod alpn;
mod cid_generator;
mod close;
mod congestion;
mod dial;
mod door;
mod encoding;
mod endpoint;
mod limits;
mod node_secret;
mod path_mtu;
mod routing;
pub mod rpc;
mod sockets;
mod tunnel;

pub use accept::{AcceptError, Accepted, Arrival, Stranger};
pub use alpn::Alpn;
pub use close::{CloseCode, CloseReason};
pub use congestion::{Congestion, CongestionError};
pub use dial::{Dial, DialError};
pub use encoding::weft1::{BodyError, IncomingRequest, RequestError, Responder, TunnelBody};
pub use endpoint::{BindError, Endpoint, EndpointConfig, EndpointCounts};
pub use limits::Limits;
pub use node_secret::{NodeSecret, NodeSecretError};
pub use protocol::frame::{Refusal, RequestHead};
pub use routing::Routing;
pub use sockets::{Keeper, Sockets};
pub use tunnel::{Tunnel, TunnelStats};

/// The server name that a controller answers with its ordinary chain.
pub const CONTROLLER_NAME: &str = "controller.weft.internal";
/// The server name that a controller answers with its root in the chain, for who has only the root's digest.
pub const JOIN_NAME: &str = "join.weft.internal";
