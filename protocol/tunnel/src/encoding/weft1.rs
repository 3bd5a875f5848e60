//! `protocol::frame` on QUIC streams, with QUIC's own back-pressure.

mod recv;
mod send;
pub(crate) mod udp;

pub(crate) use recv::{First, Recv, Side};
pub(crate) use send::{Send, gone};
pub(crate) use udp::{PacketRecv, PacketSend};
