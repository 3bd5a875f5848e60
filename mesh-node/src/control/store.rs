//! What enrolment gave, kept in the data directory: `membership` (checked, 0600) and `svid/`.

use std::path::Path;
use std::time::SystemTime;

use identity::{Bundle, X509Svid};
use prost::Message;
use protocol::cid::{AllowedSelector, Capability, Handle, RoutingKeys};
use protocol::invitation::JoinToken;
use protocol::name::{ClusterName, HostPort};
use protocol::view::BundleData;
use protocol::wire::v1;

use super::cache;
use super::enrol::JoinError;

const FILE: &str = "membership";
/// Where the host's own SVID stands.
pub(super) const SVID_DIR: &str = "svid";

/// The enrolment as it is kept.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Stored {
    #[prost(message, optional, tag = "1")]
    pub(super) reply: Option<v1::EnrolReply>,
    #[prost(string, tag = "2")]
    pub(super) controller: String,
    #[prost(enumeration = "v1::Role", tag = "3")]
    pub(super) role: i32,
}

/// The enrolment as it reads.
pub(super) struct Facts {
    pub(super) cluster: ClusterName,
    pub(super) handle: Handle,
    pub(super) controller_handle: Handle,
    pub(super) controller: HostPort,
    pub(super) routing_keys: RoutingKeys,
    pub(super) selectors: Vec<AllowedSelector>,
    pub(super) local: Capability,
    pub(super) bundle: BundleData,
}

impl Stored {
    /// Reads the enrolment, or says which part of it is wrong.
    pub(super) fn facts(&self) -> Result<Facts, JoinError> {
        let reply = self
            .reply
            .clone()
            .ok_or_else(|| JoinError::answer("empty"))?;
        let local = Capability::try_from(
            reply
                .local
                .ok_or_else(|| JoinError::answer("no local capability"))?,
        )
        .map_err(JoinError::answer)?;
        let bundle = reply.bundle.ok_or_else(|| JoinError::answer("no bundle"))?;
        Ok(Facts {
            cluster: reply.cluster.parse().map_err(JoinError::answer)?,
            handle: handle(reply.handle)?,
            controller_handle: handle(reply.controller_handle)?,
            controller: self.controller.parse().map_err(JoinError::answer)?,
            routing_keys: RoutingKeys::try_from(reply.routing_keys).map_err(JoinError::answer)?,
            selectors: vec![AllowedSelector {
                selector: local.selector,
                peer: None,
                not_after: local.not_after,
                only_handle: None,
            }],
            local,
            bundle: BundleData::try_from(bundle).map_err(JoinError::answer)?,
        })
    }
}

fn handle(number: u32) -> Result<Handle, JoinError> {
    Handle::try_from(number).map_err(JoinError::answer)
}

/// What an earlier enrolment left; `None` when there is nothing, or when what there is has run out.
pub(super) fn load(
    data_dir: &Path,
    role: v1::Role,
) -> Result<Option<(Stored, X509Svid)>, JoinError> {
    let path = data_dir.join(FILE);
    let Some(bytes) = cache::read(&path).map_err(JoinError::Kept)? else {
        return Ok(None);
    };
    let stored = Stored::decode(bytes.as_slice()).map_err(JoinError::answer)?;
    if stored.role != role as i32 {
        return Err(JoinError::OtherRole {
            dir: data_dir.to_owned(),
        });
    }
    let svid_dir = data_dir.join(SVID_DIR);
    let svid = X509Svid::load(&svid_dir).map_err(|error| JoinError::Svid {
        dir: svid_dir,
        reason: error.to_string(),
    })?;
    if svid.not_after() <= SystemTime::now() {
        tracing::warn!(id = %svid.id(), "the host's own SVID has expired; a new join token is needed");
        return Ok(None);
    }
    Ok(Some((stored, svid)))
}

/// Keeps an enrolment. The SVID goes first: without `membership` beside it, it means nothing.
pub(super) fn save(data_dir: &Path, stored: &Stored, svid: &X509Svid) -> Result<(), JoinError> {
    let dir = data_dir.join(SVID_DIR);
    svid.save(&dir).map_err(|error| JoinError::Svid {
        dir,
        reason: error.to_string(),
    })?;
    cache::write(&data_dir.join(FILE), &stored.encode_to_vec()).map_err(JoinError::Kept)
}

/// A directory of another cluster, or of an earlier incarnation of this one, is never merged.
pub(super) fn check_same_cluster(
    stored: &Stored,
    token: &JoinToken,
    data_dir: &Path,
) -> Result<(), JoinError> {
    let facts = stored.facts()?;
    let has_root = facts
        .bundle
        .roots
        .iter()
        .any(|root| Bundle::digest_of(&root.as_slice().into()) == token.root_digest);
    if facts.cluster == token.cluster && facts.bundle.trust_domain == token.trust_domain && has_root
    {
        return Ok(());
    }
    Err(JoinError::OtherCluster {
        dir: data_dir.to_owned(),
        found: facts.cluster.to_string(),
    })
}
