//! Leaves whose keys may do too much, too little, or are too weak (P-2).

use data_encoding::BASE64;
use identity::VerifyError as E;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose as Purpose, IsCa,
    KeyPair, KeyUsagePurpose as Usage, PKCS_ECDSA_P521_SHA512,
};

use super::{Hostile, chain, leaf as signed};
use crate::{
    der::{SEQUENCE, signed_again, tlv},
    world::{CART, World, extension, leaf},
};

/// Where the public key stands among the fields of a certificate.
const PUBLIC_KEY: usize = 6;
const RSA_1024: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDFSS3H6y+QXXpqKmQzxJCZt3FthGTEZt2DqMcy3sy2FL9NXkHz+31XY+Y8D5tpTH8+po7CvrLHKUSRD1clHznbMeWTcV8OH/i2YnfDaWI01Tr9j6SAhS5rTS7/v+lpO9o8UyD6GzPu/+/4VYrbEbBl6F0KZMfSR9ow83lvk7cNzwIDAQAB";
const RSA_EXPONENT_3: &str = "MIIBIDANBgkqhkiG9w0BAQEFAAOCAQ0AMIIBCAKCAQEA5/xIy7DZqH2YsyYD1ZaVnmZX4/yxNit3lN7kBO4qkzxbEYpzUXiqZE25DY+lTNZ8N5gViEYCvYpinBYE78SYjZUh9o+7oBXLVZyXjKSM2j4VsCIy6MgapnOTEPOQTaOGWzT1jIR/KbNSBaZS3ZDL3OfDBtMT/ywbnPjjT4sLvAAb1fYcluzCAMjPpsnkPCEv2WpFiqvDjUZubLiGZqhfkNsggyM+hV/lVzV/Ous6b1Y1VjnXWYgXL52YaTX/CIHDpUZGqTLSMnTQYib5M2tvvIor6KfodP1l8XDcD++rQRLDsIlEjyeCQMTiuKw9VcAbr/x5Wm5dJLY2bNmCQGXkkwIBAw==";
const SECP256K1: &str = "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAE6WRMN4YdqH/JILm3USZp2t1Tr0MAgEEm3X+4snuVQcIzR4/v4pjQRp/lDsTiuCooPUKqbJgiozCSGLHMGBDTNg==";

pub(crate) fn all(world: &World) -> Vec<Hostile> {
    let mut all = key_usage(world);
    all.extend(purposes(world));
    all.extend(keys(world));
    all
}

fn with(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = leaf(CART);
    change(&mut params);
    params
}

fn key_usage(world: &World) -> Vec<Hostile> {
    let using = |name, usage: &[Usage], reason| {
        signed(world, name, with(|p| p.key_usages = usage.to_vec()), reason)
    };
    let authority = with(|p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let limited = with(|p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    vec![
        using("no key usage", &[], |e| *e == E::NoKeyUsage),
        using(
            "key usage without digitalSignature",
            &[Usage::KeyAgreement],
            |e| *e == E::NoDigitalSignature,
        ),
        using(
            "key usage of encipherment only",
            &[Usage::KeyEncipherment, Usage::DataEncipherment],
            |e| *e == E::NoDigitalSignature,
        ),
        using(
            "key usage with keyCertSign",
            &[Usage::DigitalSignature, Usage::KeyCertSign],
            |e| *e == E::LeafMaySign("keyCertSign"),
        ),
        using(
            "key usage with cRLSign",
            &[Usage::DigitalSignature, Usage::CrlSign],
            |e| *e == E::LeafMaySign("cRLSign"),
        ),
        signed(world, "leaf is an authority", authority, |e| {
            *e == E::LeafIsAuthority
        }),
        signed(
            world,
            "leaf is an authority of path length 0",
            limited,
            |e| *e == E::LeafIsAuthority,
        ),
    ]
}

fn purposes(world: &World) -> Vec<Hostile> {
    let for_purposes = |name, purposes: &[Purpose]| {
        let params = with(|p| p.extended_key_usages = purposes.to_vec());
        signed(world, name, params, |e| *e == E::ExtendedKeyUsage(0))
    };
    let none = with(|p| {
        p.extended_key_usages.clear();
        p.custom_extensions = vec![extension(&[2, 5, 29, 37], tlv(SEQUENCE, &[]))];
    });
    let unknown = with(|p| {
        p.custom_extensions = vec![critical(extension(
            &[1, 3, 6, 1, 4, 1, 99999, 1],
            vec![5, 0],
        ))]
    });
    vec![
        for_purposes("purpose serverAuth only", &[Purpose::ServerAuth]),
        for_purposes("purpose clientAuth only", &[Purpose::ClientAuth]),
        for_purposes("purpose anyExtendedKeyUsage only", &[Purpose::Any]),
        for_purposes("purpose codeSigning only", &[Purpose::CodeSigning]),
        signed(world, "no purpose in the purposes", none, |e| {
            matches!(e, E::ExtendedKeyUsage(0) | E::Malformed { .. })
        }),
        signed(world, "unknown critical extension", unknown, |e| {
            matches!(e, E::Malformed { .. } | E::NoPath { .. })
        }),
    ]
}

fn critical(mut extension: CustomExtension) -> CustomExtension {
    extension.set_criticality(true);
    extension
}

fn keys(world: &World) -> Vec<Hostile> {
    let weak = |e: &E| matches!(e, E::WeakKey { position: 0, .. });
    let p521 = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap();
    let large = vec![
        world.intermediate.sign(&leaf(CART), &p521),
        world.intermediate.der.clone(),
    ];
    let with_key = |name, key: &str| {
        let own = KeyPair::generate().unwrap();
        let honest = world.intermediate.sign(&leaf(CART), &own);
        let leaf = signed_again(&honest, &world.intermediate.key, |fields| {
            fields[PUBLIC_KEY] = BASE64.decode(key.as_bytes()).unwrap();
        });
        chain(
            world,
            name,
            own,
            vec![leaf, world.intermediate.der.clone()],
            weak,
        )
    };
    vec![
        chain(world, "key on P-521", p521, large, weak),
        with_key("key of RSA 1024", RSA_1024),
        with_key("key of RSA with exponent 3", RSA_EXPONENT_3),
        with_key("key on secp256k1", SECP256K1),
    ]
}
