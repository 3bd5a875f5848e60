//! A process's own secret: what its stateless resets and Retry tokens are made with.
//!
//! It stays on disk, so that a process that crashed tells its callers on their first packet (TRANSPORT section 8), and it is never
//! shared, since whoever holds a reset key can kill connections.

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::{hkdf, hmac};

/// 32 random bytes, kept 0600; a file that others may read is refused.
pub struct NodeSecret([u8; 32]);

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum NodeSecretError {
    /// The file can't be read or made.
    #[error("the node secret {path} can't be read or made")]
    File {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("the node secret {path} has {length} bytes, not 32; remove it to have one made")]
    Length {
        /// Which file.
        path: String,
        /// As found.
        length: usize,
    },
}

impl std::fmt::Debug for NodeSecret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("NodeSecret(..)")
    }
}

impl NodeSecret {
    /// Makes one that lives as long as the process.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self(rand::random())
    }

    /// Reads the file, or makes it.
    ///
    /// # Errors
    /// When it can't be read or made, or holds something else.
    pub fn load_or_create(path: &Path) -> Result<Self, NodeSecretError> {
        let file = |source| NodeSecretError::File {
            path: path.display().to_string(),
            source,
        };
        match identity::key::read_private_file(path) {
            Ok(bytes) => {
                let length = bytes.len();
                let secret = bytes
                    .as_slice()
                    .try_into()
                    .map_err(|_| NodeSecretError::Length {
                        path: path.display().to_string(),
                        length,
                    })?;
                Ok(Self(secret))
            }
            Err(error) if error.is_not_found() => {
                let secret = Self::ephemeral();
                identity::key::create_private_file(path, &secret.0).map_err(file)?;
                Ok(secret)
            }
            Err(error) => Err(file(error.into())),
        }
    }

    pub(crate) fn reset_key(&self) -> Arc<dyn quinn::crypto::HmacKey> {
        let mut key = [0u8; 32];
        let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, b"weft node secret v1").extract(&self.0);
        if let Ok(okm) = derived.expand(&[b"stateless reset"], hkdf::HKDF_SHA256) {
            okm.fill(&mut key).expect("a digest's length was asked for");
        }
        Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    pub(crate) fn token_key(&self) -> Arc<dyn quinn::crypto::HandshakeTokenKey> {
        Arc::new(hkdf::Salt::new(hkdf::HKDF_SHA256, b"weft retry token v1").extract(&self.0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_that_others_may_read_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let made = NodeSecret::load_or_create(&path).unwrap();
        assert_eq!(NodeSecret::load_or_create(&path).unwrap().0, made.0);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            NodeSecret::load_or_create(&path),
            Err(NodeSecretError::File { .. })
        ));
    }
}
