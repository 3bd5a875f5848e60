//! A cluster's first change, made once in its life.

use std::path::Path;

use protocol::cid::{Generation, RoutingKey, Selector};

use super::{ControllerSettings, StartError};
use crate::authority::{Authority, AuthorityStartError};
use crate::state::{BundleRecord, Change, Der, Founding, Outcome, SecretBytes};
use crate::store::Store;

/// Founds the cluster if this is its first start, and checks that authority and state belong together.
pub(super) async fn found(
    store: &Store,
    settings: &ControllerSettings,
    authority: &Authority,
    authority_dir: &Path,
) -> Result<(), StartError> {
    let root = Der(authority.root().certificate().to_vec());
    let state = store.state();
    if state.founding.is_some() {
        let bundle = state.bundles.get(&settings.trust_domain);
        if bundle.is_some_and(|bundle| bundle.roots.contains(&root)) {
            return Ok(());
        }
        return Err(AuthorityStartError::OtherRoot {
            dir: authority_dir.to_owned(),
        }
        .into());
    }
    let name_key = SecretBytes::new(rand::random::<[u8; 32]>().to_vec());
    let key: [u8; 16] = rand::random();
    let first = Generation::try_from(0_u8).map_err(|_| StartError::NotFounded)?;
    let draw = || Change::Found {
        founding: Founding {
            incarnation: store.incarnation().to_owned(),
            cluster: settings.cluster.clone(),
            trust_domain: settings.trust_domain.clone(),
            name_key: name_key.clone(),
            local_selector: Selector::from_random(rand::random()),
        },
        routing_key: RoutingKey::new(first, key, true),
        bundle: BundleRecord {
            sequence: 1,
            roots: vec![root.clone()],
            valid_until: None,
        },
    };
    match store.propose_drawn(draw).await? {
        Outcome::Refused(_) => Err(StartError::NotFounded),
        _ => {
            tracing::info!(cluster = %settings.cluster, trust_domain = %settings.trust_domain, "a cluster is founded");
            Ok(())
        }
    }
}
