//! The corpus: chains that must be refused, each under the name of what is wrong with it, with the reason expected.

#[path = "bytes.rs"]
mod bytes;
#[path = "chains.rs"]
mod chains;
#[path = "names.rs"]
mod names;
#[path = "roots.rs"]
mod roots;
#[path = "times.rs"]
mod times;
#[path = "usage.rs"]
mod usage;

use identity::{Bundles, VerifyError};
use protocol::name::SpiffeId;
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::CertificateDer;

use crate::world::{CART, World, id};

/// A chain that must be refused, by everybody.
pub(crate) struct Hostile {
    /// What is wrong with it.
    pub name: &'static str,
    /// The chain as it is sent.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's key, so that nothing but the chain can be to blame.
    pub key: KeyPair,
    /// Whom it would like to be taken for.
    pub claims: SpiffeId,
    /// Whom its victims trust.
    pub bundles: Bundles,
    /// Whether the refusal is for the right reason.
    pub reason: fn(&VerifyError) -> bool,
}

/// Makes every kind.
pub(crate) fn all(world: &World) -> Vec<Hostile> {
    [
        names::all,
        bytes::all,
        chains::all,
        roots::all,
        times::all,
        usage::all,
    ]
    .into_iter()
    .flat_map(|kinds| kinds(world))
    .collect()
}

/// A chain of one's own making.
fn chain(
    world: &World,
    name: &'static str,
    key: KeyPair,
    chain: Vec<CertificateDer<'static>>,
    reason: fn(&VerifyError) -> bool,
) -> Hostile {
    Hostile {
        name,
        chain,
        key,
        claims: id(CART),
        bundles: world.bundles.clone(),
        reason,
    }
}

/// A leaf that the honest intermediate of west signed, as if it had been tricked into it.
fn leaf(
    world: &World,
    name: &'static str,
    params: CertificateParams,
    reason: fn(&VerifyError) -> bool,
) -> Hostile {
    let key = KeyPair::generate().unwrap();
    let certificates = vec![
        world.intermediate.sign(&params, &key),
        world.intermediate.der.clone(),
    ];
    chain(world, name, key, certificates, reason)
}
