//! The sealed gateway as a decision: a datagram comes in, and where it goes, or why it doesn't, comes out.
//!
//! ```text
//! first byte < 0x40 ──────────────────────────────────────────────────────────────▶ drop
//! long header ─ version 0? ─ ID of 20: T-ID ─ ≥ 1200 B? ─ selector allowed, in date? ─┐
//!                            ID of 17: N-ID ──────────────────────────────────────────┤
//! short header ───────────── 17 bytes: N-ID ──────────────────────────────────────────┤
//!                                                  key of ccc ─ open ─ zeros ─ handle ┴▶ forward
//! ```
//! It reads the version-independent header only, holds nothing that opens a payload, and never answers: no Version Negotiation,
//! Retry or reset is a gateway's to send. A forged packet costs a look-up or one AES block, no allocation and no state.

mod initial_limit;
mod source_prefix;

use std::collections::BTreeMap;
use std::net::SocketAddr;

pub use initial_limit::{InitialLimit, InitialRate};
pub use source_prefix::SourcePrefix;

pub use crate::cid::DropReason;
use crate::cid::{Doors, Handle, MIN_INITIAL_DATAGRAM, NODE_ID_LEN, ROUTE_TOKEN_LEN, Selector};
use crate::packet::{Form, Header};

/// Everything below is no QUIC packet, as all Weft endpoints keep the fixed bit (RFC 9443).
const FIRST_QUIC_BYTE: u8 = 0x40;

/// What a gateway knows: the doors of its cluster, and where each handle is found.
#[derive(Debug)]
pub struct Forwarder {
    doors: Doors,
    addresses: BTreeMap<Handle, SocketAddr>,
}

/// Says what becomes of one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on, byte for byte.
    Forward {
        /// Whom it is for.
        handle: Handle,
        /// Where that host is found.
        to: SocketAddr,
        /// Whose capability made its route token, if it carries one: it begins a connection.
        initial: Option<Selector>,
    },
    /// It goes no further, and nobody is told.
    Drop(DropReason),
}

impl Forwarder {
    /// Takes what to open IDs with and where handles are.
    pub fn new(doors: Doors, addresses: BTreeMap<Handle, SocketAddr>) -> Self {
        Self { doors, addresses }
    }

    /// Returns the doors.
    pub fn doors(&self) -> &Doors {
        &self.doors
    }

    /// Lists where handles are found.
    pub fn addresses(&self) -> &BTreeMap<Handle, SocketAddr> {
        &self.addresses
    }

    /// Decides about one datagram (one segment, where the kernel coalesced several).
    pub fn handle_datagram(&self, now_unix: u64, datagram: &[u8]) -> Verdict {
        match self.route(now_unix, datagram) {
            Ok((handle, initial)) => match self.addresses.get(&handle) {
                Some(&to) => Verdict::Forward {
                    handle,
                    to,
                    initial,
                },
                None => Verdict::Drop(DropReason::UnknownHandle),
            },
            Err(reason) => Verdict::Drop(reason),
        }
    }

    fn route(
        &self,
        now_unix: u64,
        datagram: &[u8],
    ) -> Result<(Handle, Option<Selector>), DropReason> {
        if datagram
            .first()
            .is_none_or(|&first| first < FIRST_QUIC_BYTE)
        {
            return Err(DropReason::NotQuic);
        }
        let header = Header::parse(datagram, NODE_ID_LEN).map_err(|_| DropReason::Truncated)?;
        match (header.form, header.destination.len()) {
            (Form::Long { version: 0 }, _) => Err(DropReason::VersionNegotiation),
            (Form::Short, _) | (Form::Long { .. }, NODE_ID_LEN) => {
                let node = self.doors.open_short(header.destination)?;
                Ok((node.handle, None))
            }
            (Form::Long { .. }, ROUTE_TOKEN_LEN) if datagram.len() < MIN_INITIAL_DATAGRAM => {
                Err(DropReason::ShortInitial)
            }
            (Form::Long { .. }, ROUTE_TOKEN_LEN) => {
                let token = self.doors.open_token(header.destination, now_unix)?;
                Ok((token.handle, Some(token.selector)))
            }
            (Form::Long { .. }, _) => Err(DropReason::IdLength),
        }
    }
}

#[cfg(test)]
mod tests;
