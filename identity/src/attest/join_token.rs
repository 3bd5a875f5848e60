//! Join tokens and invitations are stored as hashes only, and compared in constant time (P-18).

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{Context, SHA256},
};

/// Keeps these hashes apart from any other use of SHA-256.
const LABEL: &[u8] = b"weft join secret v1\0";

/// Hashes a secret for storing. Secrets are 32 random bytes, so that a plain hash can't be searched.
pub fn hash(secret: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(LABEL);
    context.update(secret);
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Tells whether `secret` is the one that `stored` is the hash of, in constant time.
pub fn matches(stored: &[u8; 32], secret: &[u8]) -> bool {
    verify_slices_are_equal(stored, &hash(secret)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-18
    #[test]
    fn only_the_secret_itself_matches_its_hash() {
        let stored = hash(&[7; 32]);
        assert!(matches(&stored, &[7; 32]));
        assert!(!matches(&stored, &[8; 32]));
        assert!(!matches(&stored, &[7; 31]));
        assert!(!matches(&stored, &stored), "the stored hash is no secret");
        assert_ne!(
            stored.to_vec(),
            aws_lc_rs::digest::digest(&SHA256, &[7; 32]).as_ref()
        );
    }
}
