//! One semantics of requests on a tunnel; an encoding for each ALPN. `weft/1` is the one between Weft nodes.

pub(crate) mod weft1;
