//! What an N-ID says once it is open, and the block that both kinds of ID seal.

use super::Handle;

/// Names whom a packet is for: the host and, inside it, the shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId {
    /// The host.
    pub handle: Handle,
    /// Which of the host's QUIC endpoints; 0 where there is one.
    pub shard: u8,
}

impl NodeId {
    /// Lays out the clear block: handle u32 | shard u8 | zero u24 | nonce.
    pub(super) fn to_block(self, nonce: [u8; 8]) -> [u8; 16] {
        let mut block = [0; 16];
        block[..4].copy_from_slice(&self.handle.number().to_be_bytes());
        block[4] = self.shard;
        block[8..].copy_from_slice(&nonce);
        block
    }

    /// Reads a clear block, if its zeros are zeros and its handle isn't 0.
    pub(super) fn from_block(block: &[u8; 16]) -> Option<Self> {
        let [h0, h1, h2, h3, shard, z0, z1, z2, ..] = *block;
        if z0 | z1 | z2 != 0 {
            return None;
        }
        let handle = Handle::try_from(u32::from_be_bytes([h0, h1, h2, h3])).ok()?;
        Some(Self { handle, shard })
    }
}
