//! One AES block under one key, its schedule computed once: sealing and opening an ID allocates nothing.

use std::fmt;

use aws_lc_rs::cipher::{
    AES_128, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

use super::{KEY_LEN, Selector};

const ROUTE_TOKEN_LABEL: &[u8] = b"weft route token v1";

/// A key's AES schedules, which aws-lc-rs wipes on drop.
pub(super) struct Cipher {
    seal: EncryptingKey,
    open: DecryptingKey,
}

impl Cipher {
    pub(super) fn new(key: &[u8; KEY_LEN]) -> Self {
        let unbound =
            || UnboundCipherKey::new(&AES_128, key).expect("a key of AES-128 has 16 bytes");
        Self {
            seal: EncryptingKey::ecb(unbound()).expect("AES has the ECB mode"),
            open: DecryptingKey::ecb(unbound()).expect("AES has the ECB mode"),
        }
    }

    pub(super) fn seal(&self, mut block: [u8; 16]) -> [u8; 16] {
        self.seal
            .encrypt(&mut block)
            .expect("16 bytes are one whole block");
        block
    }

    pub(super) fn open(&self, mut block: [u8; 16]) -> [u8; 16] {
        self.open
            .decrypt(&mut block, DecryptionContext::None)
            .expect("16 bytes are one whole block");
        block
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(..)")
    }
}

/// Derives `K_sel` of a selector from a routing key.
pub(super) fn selector_key(
    routing_key: &[u8; KEY_LEN],
    selector: Selector,
) -> Zeroizing<[u8; KEY_LEN]> {
    struct Length;
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            KEY_LEN
        }
    }
    let mut key = Zeroizing::new([0; KEY_LEN]);
    hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, routing_key)
        .expand(&[ROUTE_TOKEN_LABEL, &selector.to_bytes()], Length)
        .and_then(|okm| okm.fill(&mut *key))
        .expect("16 bytes are less than 255 hashes");
    key
}
