//! Runs `identity::authority`: the root and the online intermediate in `data_dir/authority`, and the controller's own SVID.
//!
//! The root stays where it was made; the intermediate signs. Both are made at a cluster's first start and bound to the state's
//! incarnation, so that neither is ever used with another cluster's state.

mod error;
pub(crate) mod issue;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use identity::tls::ServerCertificates;
use identity::{IntermediateAuthority, PrivateKey, RootAuthority, X509Svid};
use protocol::name::{SpiffeId, TrustDomain};
use rustls::sign::CertifiedKey;

pub use error::AuthorityStartError;

use crate::metrics;

const INCARNATION: &str = "incarnation";
/// An intermediate lives a year; its successor is made this long before.
const INTERMEDIATE_SUCCESSION: Duration = Duration::from_secs(180 * 24 * 3600);

/// The cluster's authority as this replica holds it.
pub(crate) struct Authority {
    dir: PathBuf,
    root: RootAuthority,
    intermediate: ArcSwap<IntermediateAuthority>,
    own: ArcSwap<X509Svid>,
    lifetime: Duration,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({})", self.root.trust_domain())
    }
}

impl Authority {
    /// Loads the authority of this incarnation, or makes it when there is none.
    pub(crate) fn open(
        dir: &Path,
        incarnation: &str,
        trust_domain: &TrustDomain,
        lifetime: Duration,
        now: SystemTime,
    ) -> Result<Self, AuthorityStartError> {
        identity::key::create_private_dir(dir).map_err(AuthorityStartError::file(dir))?;
        check_incarnation(dir, incarnation)?;
        let root = load_or_create_root(dir, trust_domain, now)?;
        let intermediate = match IntermediateAuthority::load(dir) {
            Ok(held) if now + INTERMEDIATE_SUCCESSION < held.not_after() => held,
            Err(error) if !error.is_not_found() => return Err(error.into()),
            _ => new_intermediate(dir, &root, now)?,
        };
        let own = own_svid(&intermediate, lifetime, now)?;
        Ok(Self {
            dir: dir.to_owned(),
            root,
            intermediate: ArcSwap::from_pointee(intermediate),
            own: ArcSwap::from_pointee(own),
            lifetime,
        })
    }

    /// The root, whose certificate bundles carry.
    pub(crate) fn root(&self) -> &RootAuthority {
        &self.root
    }

    /// The controller's own SVID.
    pub(crate) fn own(&self) -> Arc<X509Svid> {
        self.own.load_full()
    }

    /// Signs an SVID for an identity that the caller of this has looked up in its own records (P-11). DER, leaf first.
    pub(crate) fn issue(
        &self,
        csr: &[u8],
        id: &SpiffeId,
        now: SystemTime,
    ) -> Result<Vec<Vec<u8>>, identity::authority::IssueError> {
        let chain = self
            .intermediate
            .load()
            .issue(csr, id, self.lifetime, now, rand::random())?;
        metrics::svid_issued(issue::kind(id));
        Ok(chain
            .into_iter()
            .map(|certificate| certificate.to_vec())
            .collect())
    }

    /// Makes what is due: the controller's own SVID, and a successor of the intermediate. Says when to come again.
    pub(crate) fn renew(&self, now: SystemTime) -> Result<SystemTime, AuthorityStartError> {
        if now + INTERMEDIATE_SUCCESSION >= self.intermediate.load().not_after() {
            self.intermediate
                .store(Arc::new(new_intermediate(&self.dir, &self.root, now)?));
        }
        self.own.store(Arc::new(own_svid(
            &self.intermediate.load(),
            self.lifetime,
            now,
        )?));
        Ok(self.renewal())
    }

    /// When the controller's own SVID is to be renewed: at half life with jitter (P-7).
    pub(crate) fn renewal(&self) -> SystemTime {
        let own = self.own.load();
        identity::renewal::next(own.not_before(), own.not_after(), rand::random())
    }

    /// Sets the expiry metrics.
    pub(crate) fn observe(&self, now: SystemTime) {
        let left = |end: SystemTime| match end.duration_since(now) {
            Ok(left) => left.as_secs_f64(),
            Err(past) => -past.duration().as_secs_f64(),
        };
        metrics::certificate_expiry("root", left(self.root.not_after()));
        metrics::certificate_expiry("intermediate", left(self.intermediate.load().not_after()));
        metrics::certificate_expiry("controller", left(self.own.load().not_after()));
    }
}

impl ServerCertificates for Authority {
    fn for_server_name(&self, server_name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let own = self.own.load();
        match server_name {
            Some(tunnel::CONTROLLER_NAME) => Some(own.certified_key()),
            Some(tunnel::JOIN_NAME) => Some(own.certified_key_with_root(self.root.certificate())),
            _ => None,
        }
    }
}

fn check_incarnation(dir: &Path, incarnation: &str) -> Result<(), AuthorityStartError> {
    let path = dir.join(INCARNATION);
    match fs::read_to_string(&path) {
        Ok(held) if held.trim() == incarnation => Ok(()),
        Ok(held) => Err(AuthorityStartError::Incarnation {
            dir: dir.to_owned(),
            held: held.trim().chars().take(32).collect(),
            incarnation: incarnation.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            identity::key::create_private_file(&path, incarnation.as_bytes())
                .map_err(AuthorityStartError::file(&path))
        }
        Err(error) => Err(AuthorityStartError::file(&path)(error)),
    }
}

fn load_or_create_root(
    dir: &Path,
    trust_domain: &TrustDomain,
    now: SystemTime,
) -> Result<RootAuthority, AuthorityStartError> {
    match RootAuthority::load(dir) {
        Ok(root) if root.trust_domain() == trust_domain => Ok(root),
        Ok(root) => Err(AuthorityStartError::TrustDomain {
            dir: dir.to_owned(),
            held: root.trust_domain().clone(),
            trust_domain: trust_domain.clone(),
        }),
        Err(error) if error.is_not_found() => {
            let root = RootAuthority::create(trust_domain, now)?;
            root.save(dir).map_err(AuthorityStartError::file(dir))?;
            Ok(root)
        }
        Err(error) => Err(error.into()),
    }
}

fn new_intermediate(
    dir: &Path,
    root: &RootAuthority,
    now: SystemTime,
) -> Result<IntermediateAuthority, AuthorityStartError> {
    let intermediate = root.intermediate(now, rand::random())?;
    intermediate
        .save(dir)
        .map_err(AuthorityStartError::file(dir))?;
    Ok(intermediate)
}

fn own_svid(
    intermediate: &IntermediateAuthority,
    lifetime: Duration,
    now: SystemTime,
) -> Result<X509Svid, AuthorityStartError> {
    let key = PrivateKey::generate()?;
    let id = SpiffeId::controller(intermediate.trust_domain());
    let chain = intermediate.issue(&key.csr()?, &id, lifetime, now, rand::random())?;
    metrics::svid_issued("controller");
    Ok(X509Svid::from_parts(chain, key)?)
}
