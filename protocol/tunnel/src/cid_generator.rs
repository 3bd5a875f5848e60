//! `protocol::cid` as quinn's connection ID generator.

use std::sync::Arc;
use std::time::Duration;

use protocol::cid::NODE_ID_LEN;

use crate::routing::Routing;
use crate::shard::Place;

/// How long an ID is used before it is replaced.
const ID_LIFETIME: Duration = Duration::from_secs(3600);

/// Makes this endpoint's IDs, in both roles; each says which shard is meant.
pub(crate) struct CidGenerator {
    pub(crate) routing: Arc<Routing>,
    pub(crate) place: Place,
}

impl quinn::ConnectionIdGenerator for CidGenerator {
    fn generate_cid(&mut self) -> quinn::ConnectionId {
        quinn::ConnectionId::new(&self.routing.fresh_id(self.place.number))
    }

    /// Decides who draws a stateless reset: nobody but the shard that must know the connection, if there is one.
    fn validate(&self, cid: &quinn::ConnectionId) -> Result<(), quinn_proto::InvalidCid> {
        if self.routing.is_of(cid, &self.place) {
            Ok(())
        } else {
            Err(quinn_proto::InvalidCid)
        }
    }

    fn cid_len(&self) -> usize {
        NODE_ID_LEN
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        Some(ID_LIFETIME)
    }
}
