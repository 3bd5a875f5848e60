//! Certificates whose bytes were changed, or are none.

use identity::VerifyError as E;
use rcgen::{KeyPair, PKCS_RSA_SHA256, SerialNumber};
use rustls_pki_types::CertificateDer;

use super::{Hostile, chain, leaf as signed};
use crate::{
    der::{replaced, signed_again},
    world::{CART, World, authority, leaf},
};

/// `sha256WithRSAEncryption`, and the SHA-1 it is changed into.
const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const RSA_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05];
/// `ecdsa-with-SHA256`, and the SHA-384 it is changed into.
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];

pub(crate) fn all(world: &World) -> Vec<Hostile> {
    let changed =
        |name, reason, change: &dyn Fn(&CertificateDer<'static>) -> CertificateDer<'static>| {
            let key = KeyPair::generate().unwrap();
            let honest = world.intermediate.sign(&leaf(CART), &key);
            chain(
                world,
                name,
                key,
                vec![change(&honest), world.intermediate.der.clone()],
                reason,
            )
        };
    let again = |der: &CertificateDer<'_>, edit: fn(&mut Vec<Vec<u8>>)| {
        signed_again(der, &world.intermediate.key, edit)
    };
    let mut serial = leaf(CART);
    serial.serial_number = Some(SerialNumber::from_slice(&[0x7f; 40]));
    vec![
        changed("a bit of the signature flipped", is_unsigned, &|der| {
            let mut bytes = der.to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            bytes.into()
        }),
        changed("the identity changed after signing", is_unsigned, &|der| {
            replaced(der, b"cart", b"root", false)
        }),
        changed("two algorithms for one signature", is_unreadable, &|der| {
            replaced(der, ECDSA_SHA256, ECDSA_SHA384, true)
        }),
        changed("bytes after the certificate", is_malformed, &|der| {
            [der.as_ref(), &[0]].concat().into()
        }),
        changed("the certificate cut short", is_malformed, &|der| {
            der[..der.len() - 1].to_vec().into()
        }),
        changed("no certificate at all", is_malformed, &|_| {
            b"not DER".to_vec().into()
        }),
        changed("no bytes", is_malformed, &|_| Vec::new().into()),
        changed("version 2", is_malformed, &|der| {
            again(der, |fields| fields[0] = vec![0xa0, 3, 2, 1, 1])
        }),
        changed("version 1, without extensions", is_malformed, &|der| {
            again(der, |fields| {
                fields.remove(0);
                fields.pop();
            })
        }),
        signed(world, "a serial number of 40 bytes", serial, is_malformed),
        sha1(world),
    ]
}

fn sha1(world: &World) -> Hostile {
    let mut rsa = world.root.authority(authority("west", "RSA intermediate"));
    rsa.key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    rsa.der = world.root.sign(&rsa.params, &rsa.key);
    let key = KeyPair::generate().unwrap();
    let leaf = rsa.sign(&leaf(CART), &key);
    let inner = replaced(&leaf, RSA_SHA256, RSA_SHA1, false);
    let both = replaced(&inner, RSA_SHA256, RSA_SHA1, true);
    chain(
        world,
        "signed with SHA-1",
        key,
        vec![both, rsa.der.clone()],
        |e| match e {
            E::NoPath { source, .. } => {
                format!("{source:?}").starts_with("UnsupportedSignatureAlgorithm")
            }
            _ => false,
        },
    )
}

fn is_unsigned(error: &E) -> bool {
    matches!(
        error,
        E::NoPath {
            source: webpki::Error::InvalidSignatureForPublicKey,
            ..
        }
    )
}

fn is_unreadable(error: &E) -> bool {
    matches!(
        error,
        E::Malformed { .. }
            | E::NoPath {
                source: webpki::Error::SignatureAlgorithmMismatch,
                ..
            }
    )
}

fn is_malformed(error: &E) -> bool {
    matches!(error, E::Malformed { position: 0, .. })
}
