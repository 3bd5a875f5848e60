//! Takes trust back from a peer and forgets it: selectors, bundle, imports. Hosts in touch hear of it with the next View (P-8).

use std::time::Duration;

use protocol::name::ClusterName;

use crate::controller::Parts;
use crate::push::{Acknowledged, acknowledged};
use crate::state::{Change, Outcome, Refusal};
use crate::store::ProposeError;

/// How long the hosts in touch may take (P-8).
const WITHIN: Duration = Duration::from_secs(10);

/// Why a peer wasn't removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoveError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Propose(#[from] ProposeError),
}

/// Removes the peer and waits until the hosts in touch have said that they know.
pub(crate) async fn remove(
    parts: &Parts,
    cluster: &ClusterName,
) -> Result<Acknowledged, RemoveError> {
    match parts
        .store
        .propose(Change::RemovePeer {
            cluster: cluster.clone(),
        })
        .await?
    {
        Outcome::Refused(refusal) => Err(refusal.into()),
        _ => {
            let version = parts.state().version;
            Ok(acknowledged(parts, version, WITHIN).await)
        }
    }
}
