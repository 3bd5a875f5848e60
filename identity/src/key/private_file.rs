//! Files and directories for secrets: theirs is the mode from the first instant, and a write is whole or absent.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;
use zeroize::Zeroizing;

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;
const OTHERS: u32 = 0o077;
/// No secret of ours is larger; a longer file is no secret of ours.
const LARGEST: u64 = 1 << 20;

/// What reading a secret fails on.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// Others than the owner may read or write it.
    #[error("{} may be used by others (mode {mode:04o}). Try: chmod {wanted:o} {}", path.display(), path.display())]
    Open {
        /// The file or directory.
        path: PathBuf,
        /// The mode it has.
        mode: u32,
        /// The mode it should have.
        wanted: u32,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to user {owner}, not to the one running this ({ours})", path.display())]
    Owner {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        ours: u32,
    },
    /// It is too large to be a secret of ours.
    #[error("{} is larger than {LARGEST} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PrivateFileError {
    /// Tells whether it is just not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl From<PrivateFileError> for io::Error {
    fn from(error: PrivateFileError) -> Self {
        let kind = match &error {
            PrivateFileError::Io { source, .. } => source.kind(),
            PrivateFileError::Open { .. } | PrivateFileError::Owner { .. } => {
                io::ErrorKind::PermissionDenied
            }
            PrivateFileError::TooLarge { .. } => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// Writes a file that only its owner can read: mode 0600 from creation, replaced whole, on disk when this returns.
pub fn create_private_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = write_new(path, bytes)
        .and_then(|new| fs::rename(&new, path))
        .and_then(|()| sync_directory(path));
    Ok(written.map_err(|source| PrivateFileError::Io {
        path: path.to_owned(),
        source,
    })?)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let new = new_name(path)?;
    // One left by a process that was killed is of no use to anybody.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(new)
}

fn new_name(path: &Path) -> io::Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    Ok(path.with_file_name(format!(".{}.new", name.to_string_lossy())))
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

/// Makes a directory that only its owner can enter, parents included; one that is there must be so already.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path)
        .map_err(|source| PrivateFileError::Io {
            path: path.to_owned(),
            source,
        })?;
    Ok(check_directory(path)?)
}

fn check_directory(path: &Path) -> Result<(), PrivateFileError> {
    let found = fs::metadata(path).map_err(|source| PrivateFileError::Io {
        path: path.to_owned(),
        source,
    })?;
    let ours = geteuid().as_raw();
    if found.uid() != ours && ours != 0 {
        return Err(PrivateFileError::Owner {
            path: path.to_owned(),
            owner: found.uid(),
            ours,
        });
    }
    check_mode(path, found.permissions().mode(), DIRECTORY_MODE)
}

fn check_mode(path: &Path, mode: u32, wanted: u32) -> Result<(), PrivateFileError> {
    if mode & OTHERS != 0 {
        return Err(PrivateFileError::Open {
            path: path.to_owned(),
            mode: mode & 0o7777,
            wanted,
        });
    }
    Ok(())
}

/// Reads a secret; refuses a file that its group or the world can read or write.
pub fn read_private_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    let io = |source| PrivateFileError::Io {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(io)?;
    let found = file.metadata().map_err(io)?;
    check_mode(path, found.permissions().mode(), FILE_MODE)?;
    if found.len() > LARGEST {
        return Err(PrivateFileError::TooLarge {
            path: path.to_owned(),
        });
    }
    // Reserved whole: a buffer that grows leaves copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(found.len() as usize + 1));
    file.take(LARGEST).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
