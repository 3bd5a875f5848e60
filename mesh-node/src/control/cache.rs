//! What a host keeps on disk: each file is a SHA-256 of its contents, then the contents; written whole or not at all.
//!
//! A file that fails its checksum is never served (SECURITY-AND-FAULTS, section 5): the reader gets an error, not a default.

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use prost::Message;
use protocol::view::View;
use protocol::wire::v1;

/// The name of the cached View in the data directory.
pub const VIEW_FILE: &str = "view.cache";

/// Why a kept file couldn't be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The contents aren't those that were written.
    #[error("{path}: the checksum does not match; the file is damaged")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The contents were written so, and yet don't parse.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Reads a file that [`write`] made; `None` when there is none.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, CacheError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(CacheError::Io {
                path: path.to_owned(),
                source,
            });
        }
    };
    let damaged = || CacheError::Damaged {
        path: path.to_owned(),
    };
    let (sum, contents) = bytes
        .split_at_checked(SHA256_OUTPUT_LEN)
        .ok_or_else(damaged)?;
    if digest(&SHA256, contents).as_ref() != sum {
        return Err(damaged());
    }
    Ok(Some(contents.to_vec()))
}

/// Writes a file that only its owner can read, replaced whole.
pub fn write(path: &Path, contents: &[u8]) -> Result<(), CacheError> {
    let mut bytes = digest(&SHA256, contents).as_ref().to_vec();
    bytes.extend_from_slice(contents);
    identity::key::create_private_file(path, &bytes).map_err(|source| CacheError::Io {
        path: path.to_owned(),
        source,
    })
}

/// The View that was last in force, as the controller sent it and as it reads.
pub fn load_view(path: &Path) -> Result<Option<View>, CacheError> {
    let Some(bytes) = read(path)? else {
        return Ok(None);
    };
    let malformed = |reason: String| CacheError::Malformed {
        path: path.to_owned(),
        reason,
    };
    let message =
        v1::View::decode(bytes.as_slice()).map_err(|error| malformed(error.to_string()))?;
    View::try_from(message)
        .map(Some)
        .map_err(|error| malformed(error.to_string()))
}

/// Keeps the View for a start without a controller.
pub fn save_view(path: &Path, view: &v1::View) -> Result<(), CacheError> {
    write(path, &view.encode_to_vec())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write(&path, b"first").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"second");
    }

    #[test]
    fn a_missing_file_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(&dir.path().join("a")).unwrap().is_none());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write(&path, b"contents").unwrap();
        let good = std::fs::read(&path).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bad).unwrap();
            assert!(
                matches!(read(&path), Err(CacheError::Damaged { .. })),
                "bit {bit}"
            );
        }
        for length in 0..good.len() {
            std::fs::write(&path, &good[..length]).unwrap();
            assert!(
                matches!(read(&path), Err(CacheError::Damaged { .. })),
                "length {length}"
            );
        }
    }

    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write(&path, b"secret").unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
