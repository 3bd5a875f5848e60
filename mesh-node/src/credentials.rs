//! The SVIDs of the workloads here: keys made here, certificates from the controller, kept on disk (0600), renewed at half life.
//!
//! A renewal is a swap: whoever holds the former SVID goes on with it, new handshakes take the new one, so no request notices
//! (P-7). With the controller away a valid SVID stays in use and renewal goes on trying (P-9).

mod renewals;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use identity::X509Svid;
use identity::tls::ServerCertificates;
use protocol::name::{ServiceName, SpiffeId};
use protocol::view::View;
use rustls::sign::CertifiedKey;

/// What this node can prove to be, and under which names it is asked to.
#[derive(Debug)]
pub struct Credentials {
    dir: PathBuf,
    wallet: ArcSwap<Wallet>,
}

/// All at one moment; swapped whole.
#[derive(Debug, Clone, Default)]
struct Wallet {
    held: BTreeMap<SpiffeId, Held>,
    server_names: BTreeMap<String, SpiffeId>,
    /// Which identity serves what here.
    services: BTreeMap<ServiceName, SpiffeId>,
}

#[derive(Debug, Clone)]
struct Held {
    svid: Arc<X509Svid>,
    certified: Arc<CertifiedKey>,
}

impl Credentials {
    /// Starts with nothing; SVIDs are kept under `dir`.
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            wallet: ArcSwap::default(),
        }
    }

    /// The SVID of a workload here, while it is valid (P-9: nothing is sent with an expired one).
    pub fn svid_of(&self, id: &SpiffeId) -> Option<Arc<X509Svid>> {
        let wallet = self.wallet.load();
        let held = wallet.held.get(id)?;
        (held.svid.not_after() > SystemTime::now()).then(|| Arc::clone(&held.svid))
    }

    /// What proves the identity that serves this here, for callers who may use clear names.
    pub(crate) fn certified_for(&self, service: &ServiceName) -> Option<Arc<CertifiedKey>> {
        let wallet = self.wallet.load();
        wallet.certified(wallet.services.get(service)?)
    }

    /// When the SVID held for an identity ends, be that past or not.
    pub(crate) fn ends(&self, id: &SpiffeId) -> Option<SystemTime> {
        let wallet = self.wallet.load();
        wallet.held.get(id).map(|held| held.svid.not_after())
    }

    /// Each identity here and when its SVID ends.
    pub fn expiries(&self) -> Vec<(SpiffeId, SystemTime)> {
        self.wallet
            .load()
            .held
            .iter()
            .map(|(id, held)| (id.clone(), held.svid.not_after()))
            .collect()
    }

    /// Takes over what a View says: which identities are here, and which names stand for them. What is on disk is taken up at once.
    pub(crate) fn apply(&self, view: &View) {
        let wanted = identities(view);
        let before = self.wallet.load();
        let mut held = BTreeMap::new();
        for id in &wanted {
            if let Some(known) = before
                .held
                .get(id)
                .cloned()
                .or_else(|| self.load_from_disk(id))
            {
                held.insert(id.clone(), known);
            }
        }
        for gone in before.held.keys().filter(|id| !wanted.contains(id)) {
            self.forget(gone);
        }
        let server_names = view
            .server_names
            .iter()
            .map(|name| (name.name.to_ascii_lowercase(), name.spiffe_id.clone()))
            .collect();
        let services = view
            .server_names
            .iter()
            .map(|name| (name.service.clone(), name.spiffe_id.clone()))
            .collect();
        self.wallet.store(Arc::new(Wallet {
            held,
            server_names,
            services,
        }));
    }

    /// Whether every identity that `view` wants here has a valid SVID.
    pub(crate) fn is_complete(&self, view: &View) -> bool {
        identities(view).iter().all(|id| self.svid_of(id).is_some())
    }

    fn hold(&self, svid: X509Svid) {
        let mut wallet = Wallet::clone(&self.wallet.load());
        wallet.held.insert(svid.id().clone(), Held::new(svid));
        self.wallet.store(Arc::new(wallet));
    }

    fn load_from_disk(&self, id: &SpiffeId) -> Option<Held> {
        let svid = X509Svid::load(&self.dir_of(id)).ok()?;
        (svid.id() == id && svid.not_after() > SystemTime::now()).then(|| Held::new(svid))
    }

    fn forget(&self, id: &SpiffeId) {
        if let Err(error) = remove_dir(&self.dir_of(id)) {
            tracing::warn!(%id, %error, "the SVID of a workload that is gone stays on disk");
        }
    }

    /// One directory for each identity. Its path's segments hold neither slash nor dots alone, and `+` stands in none of them.
    fn dir_of(&self, id: &SpiffeId) -> PathBuf {
        self.dir
            .join(id.path().trim_start_matches('/').replace('/', "+"))
    }
}

fn remove_dir(dir: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn identities(view: &View) -> Vec<SpiffeId> {
    let mut ids: Vec<_> = view
        .workloads
        .iter()
        .map(|workload| workload.spiffe_id(&view.trust_domain))
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

impl Held {
    fn new(svid: X509Svid) -> Self {
        Self {
            certified: svid.certified_key(),
            svid: Arc::new(svid),
        }
    }
}

impl Wallet {
    fn certified(&self, id: &SpiffeId) -> Option<Arc<CertifiedKey>> {
        let held = self.held.get(id)?;
        (held.svid.not_after() > SystemTime::now()).then(|| Arc::clone(&held.certified))
    }
}

impl ServerCertificates for Credentials {
    /// Only opaque names that the View gave for an identity here; anything else meets a closed door.
    fn for_server_name(&self, server_name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let wallet = self.wallet.load();
        let name = server_name?.to_ascii_lowercase();
        wallet.certified(wallet.server_names.get(&name)?)
    }
}
