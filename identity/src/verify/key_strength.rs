//! Which public keys are strong enough: P-256, P-384, Ed25519, RSA from 2048 bits.

use x509_parser::{
    oid_registry::{
        OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
        OID_SIG_ED25519,
    },
    public_key::{PublicKey, RSAPublicKey},
    x509::SubjectPublicKeyInfo,
};

const LEAST_RSA_BITS: usize = 2048;
const MOST_RSA_BITS: usize = 8192;
const LEAST_RSA_EXPONENT: u64 = 65537;
const ED25519_BYTES: usize = 32;

/// Says what makes a key untrustworthy, if anything does.
pub(crate) fn check(key: &SubjectPublicKeyInfo<'_>) -> Result<(), &'static str> {
    let kind = &key.algorithm.algorithm;
    if *kind == OID_KEY_TYPE_EC_PUBLIC_KEY {
        check_curve(key)
    } else if *kind == OID_SIG_ED25519 {
        let right_size = key.subject_public_key.data.len() == ED25519_BYTES;
        if right_size {
            Ok(())
        } else {
            Err("an Ed25519 key of the wrong size")
        }
    } else if *kind == OID_PKCS1_RSAENCRYPTION {
        match key.parsed() {
            Ok(PublicKey::RSA(rsa)) => check_rsa(&rsa),
            _ => Err("an RSA key that can't be read"),
        }
    } else {
        Err("not an ECDSA, Ed25519 or RSA key")
    }
}

fn check_curve(key: &SubjectPublicKeyInfo<'_>) -> Result<(), &'static str> {
    let curve = key
        .algorithm
        .parameters
        .as_ref()
        .and_then(|parameters| parameters.as_oid().ok());
    let coordinate_bytes = match curve {
        Some(curve) if curve == OID_EC_P256 => 32,
        Some(curve) if curve == OID_NIST_EC_P384 => 48,
        _ => return Err("not on the curve P-256 or P-384"),
    };
    match key.subject_public_key.data.as_ref() {
        [4, point @ ..] if point.len() == 2 * coordinate_bytes => Ok(()),
        _ => Err("an elliptic-curve point that can't be read"),
    }
}

fn check_rsa(rsa: &RSAPublicKey<'_>) -> Result<(), &'static str> {
    let modulus = rsa.modulus.iter().skip_while(|byte| **byte == 0).count();
    let leading = rsa
        .modulus
        .iter()
        .find(|byte| **byte != 0)
        .map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = (modulus * 8).saturating_sub(leading);
    if bits < LEAST_RSA_BITS {
        return Err("an RSA key of less than 2048 bits");
    }
    if bits > MOST_RSA_BITS {
        return Err("an RSA key of more than 8192 bits");
    }
    match rsa.try_exponent() {
        Ok(exponent) if exponent >= LEAST_RSA_EXPONENT && exponent % 2 == 1 => Ok(()),
        _ => Err("an RSA key with a bad exponent"),
    }
}
