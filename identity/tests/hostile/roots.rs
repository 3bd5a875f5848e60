//! Honest chains under bundles that must not be used: empty, lapsed, or with roots that are none (P-1, P-8, P-9).

use identity::{Bundle, Bundles, VerifyError as E};
use rcgen::{GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose as Usage, NameConstraints};

use super::{Hostile, chain};
use crate::world::{Authority, CART, HOUR, TWO_MINUTES, World, authority, bundle, leaf, valid};

pub(crate) fn all(world: &World) -> Vec<Hostile> {
    let now = world.now;
    let under_root = |name, params| {
        let root = Authority::self_signed(params);
        let roots = bundle("west", &[&root.der]);
        honest(world, name, &root, roots, |e| {
            matches!(e, E::NoUsableRoot { .. })
        })
    };
    let changed = |change: &dyn Fn(&mut rcgen::CertificateParams)| {
        let mut params = authority("west", "odd root");
        change(&mut params);
        params
    };
    let dns = NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("shop.example".into())],
        excluded_subtrees: Vec::new(),
    };
    let lapsed = Bundle {
        valid_until: Some(now - TWO_MINUTES),
        ..bundle("west", &[&world.root.der])
    };
    let swapped = Bundle {
        roots: vec![world.east_root.der.clone()],
        ..bundle("west", &[])
    };
    let crossed = Bundle {
        roots: vec![world.intermediate.der.clone()],
        ..bundle("west", &[])
    };
    let garbage = Bundle {
        roots: vec![b"no certificate".to_vec().into()],
        ..bundle("west", &[])
    };
    let removed = bundle("east", &[&world.root.der]);
    // East's root says nowhere that it is east's: only the bundle that it is in does.
    let mut nameless = authority("east", "nameless root");
    nameless.subject_alt_names.clear();
    let nameless = Authority::self_signed(nameless);
    let of_east = bundle("east", &[&nameless.der]);
    let mut both = honest(
        world,
        "west's identity from a nameless root in east's bundle",
        &nameless,
        of_east,
        |e| matches!(e, E::NoPath { .. }),
    );
    both.bundles.insert(bundle("west", &[&world.root.der]));
    let unusable = |e: &E| matches!(e, E::NoUsableRoot { .. });
    vec![
        both,
        under_root(
            "root expired two minutes ago",
            changed(&|p| valid(p, now - HOUR, now - TWO_MINUTES)),
        ),
        under_root(
            "root valid in two minutes",
            changed(&|p| valid(p, now + TWO_MINUTES, now + HOUR)),
        ),
        under_root(
            "root that is no authority",
            changed(&|p| p.is_ca = IsCa::NoCa),
        ),
        under_root(
            "root without keyCertSign",
            changed(&|p| p.key_usages = vec![Usage::CrlSign]),
        ),
        under_root(
            "root with name constraints",
            changed(&|p| p.name_constraints = Some(dns.clone())),
        ),
        under_root(
            "root that names another trust domain",
            authority("east", "odd root"),
        ),
        honest(
            world,
            "bundle without roots",
            &world.intermediate,
            bundle("west", &[]),
            unusable,
        ),
        honest(
            world,
            "bundle whose lease has ended",
            &world.intermediate,
            lapsed,
            |e| matches!(e, E::LeaseEnded(_)),
        ),
        honest(
            world,
            "bundle with another trust domain's root",
            &world.intermediate,
            swapped,
            unusable,
        ),
        honest(
            world,
            "bundle with an intermediate as root",
            &world.intermediate,
            crossed,
            unusable,
        ),
        honest(
            world,
            "bundle with garbage as root",
            &world.intermediate,
            garbage,
            unusable,
        ),
        honest(
            world,
            "root under another trust domain's name",
            &world.intermediate,
            removed,
            |e| matches!(e, E::UnknownTrustDomain(_)),
        ),
    ]
}

fn honest(
    world: &World,
    name: &'static str,
    issuer: &Authority,
    bundle: Bundle,
    reason: fn(&E) -> bool,
) -> Hostile {
    let key = KeyPair::generate().unwrap();
    let mut certificates = vec![issuer.sign(&leaf(CART), &key)];
    if issuer.params == world.intermediate.params {
        certificates.push(issuer.der.clone());
    }
    Hostile {
        bundles: Bundles::from_iter([bundle]),
        ..chain(world, name, key, certificates, reason)
    }
}
