//! Chains that must be accepted, or refusing everything would pass for security.

use std::time::Duration;

use rcgen::{
    BasicConstraints, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, PKCS_ECDSA_P384_SHA384,
    PKCS_ED25519, PKCS_RSA_SHA256, SanType,
};
use rustls_pki_types::CertificateDer;

use crate::world::{CART, HOUR, World, authority, extension, leaf, uri, valid};

/// A chain that must be accepted.
pub(crate) struct Good {
    pub name: &'static str,
    pub id: String,
    pub chain: Vec<CertificateDer<'static>>,
    pub key: KeyPair,
}

pub(crate) fn all(world: &World) -> Vec<Good> {
    let mut all = keys(world);
    all.extend(contents(world));
    all.extend(chains(world));
    all
}

fn signed(
    world: &World,
    name: &'static str,
    change: impl FnOnce(&mut rcgen::CertificateParams),
) -> Good {
    let mut params = leaf(CART);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let chain = vec![
        world.intermediate.sign(&params, &key),
        world.intermediate.der.clone(),
    ];
    Good {
        name,
        id: CART.to_owned(),
        chain,
        key,
    }
}

fn keys(world: &World) -> Vec<Good> {
    let of = |name, kind| {
        let key = KeyPair::generate_for(kind).unwrap();
        let chain = vec![
            world.intermediate.sign(&leaf(CART), &key),
            world.intermediate.der.clone(),
        ];
        Good {
            name,
            id: CART.to_owned(),
            chain,
            key,
        }
    };
    vec![
        of("key on P-256", &rcgen::PKCS_ECDSA_P256_SHA256),
        of("key on P-384", &PKCS_ECDSA_P384_SHA384),
        of("key of Ed25519", &PKCS_ED25519),
        of("key of RSA 2048", &PKCS_RSA_SHA256),
    ]
}

fn contents(world: &World) -> Vec<Good> {
    let soon = Duration::from_secs(30);
    let longest = format!("spiffe://west/{}", "a".repeat(2048 - 14));
    let odd = "spiffe://west/Ns.1_2-3/...";
    vec![
        signed(world, "no extended key usage", |p| {
            p.extended_key_usages.clear()
        }),
        signed(world, "more purposes than needed", |p| {
            p.extended_key_usages
                .push(ExtendedKeyUsagePurpose::CodeSigning);
        }),
        signed(world, "DNS, e-mail and IP names beside the URI", |p| {
            p.subject_alt_names.extend([
                SanType::DnsName("cart.shop".try_into().unwrap()),
                SanType::Rfc822Name("cart@shop".try_into().unwrap()),
                SanType::IpAddress([10, 0, 0, 1].into()),
            ]);
        }),
        signed(world, "another identity as common name", |p| {
            p.distinguished_name
                .push(DnType::CommonName, "spiffe://west/ns/shop/sa/admin");
        }),
        signed(world, "no subject", |p| {
            p.distinguished_name = rcgen::DistinguishedName::new()
        }),
        signed(world, "unknown extension that isn't critical", |p| {
            p.custom_extensions = vec![extension(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0])];
        }),
        signed(world, "expired within the skew", |p| {
            valid(p, world.now - HOUR, world.now - soon)
        }),
        signed(world, "not valid yet, within the skew", |p| {
            valid(p, world.now + soon, world.now + HOUR)
        }),
        Good {
            id: longest.clone(),
            ..signed(world, "identity of 2048 bytes", |p| {
                p.subject_alt_names = vec![uri(&longest)]
            })
        },
        Good {
            id: odd.to_owned(),
            ..signed(world, "identity of odd letters", |p| {
                p.subject_alt_names = vec![uri(odd)]
            })
        },
    ]
}

fn chains(world: &World) -> Vec<Good> {
    let mut last = authority("west", "last");
    last.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let last = world.intermediate.authority(last);
    let mut nameless = authority("west", "nameless");
    nameless.subject_alt_names.clear();
    let nameless = world.root.authority(nameless);
    let key = || KeyPair::generate().unwrap();
    let under = |name, issuers: &[&crate::world::Authority], shown: &[&CertificateDer<'static>]| {
        let key = key();
        let leaf = issuers[0].sign(&leaf(CART), &key);
        let chain = std::iter::once(leaf)
            .chain(shown.iter().map(|der| (*der).clone()))
            .collect();
        Good {
            name,
            id: CART.to_owned(),
            chain,
            key,
        }
    };
    let (root, first) = (&world.root.der, &world.intermediate.der);
    vec![
        under("directly under the root", &[&world.root], &[]),
        under("two intermediates", &[&last], &[&last.der, first]),
        under("root shown too", &[&world.intermediate], &[first, root]),
        under("intermediate without a URI", &[&nameless], &[&nameless.der]),
    ]
}
