//! Services that cross between clusters: ours as each peer may see them, theirs as far as they are in their lane.

pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod lease;
