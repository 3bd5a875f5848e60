//! `protocol::cid` as quinn's connection ID generator.

use std::sync::Arc;
use std::time::Duration;

use protocol::cid::NODE_ID_LEN;

use crate::routing::Routing;

/// How long an ID is used before it is replaced.
const ID_LIFETIME: Duration = Duration::from_secs(3600);

/// Makes this endpoint's IDs, in both roles.
pub(crate) struct CidGenerator(pub(crate) Arc<Routing>);

impl quinn::ConnectionIdGenerator for CidGenerator {
    fn generate_cid(&mut self) -> quinn::ConnectionId {
        quinn::ConnectionId::new(&self.0.fresh_id())
    }

    fn validate(&self, cid: &quinn::ConnectionId) -> Result<(), quinn_proto::InvalidCid> {
        if self.0.is_own(cid) {
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
