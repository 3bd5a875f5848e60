//! An X.509-SVID of our own, with its private key, ready for TLS.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use protocol::name::SpiffeId;
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;

use crate::{
    key::{
        PrivateFileError, PrivateKey, create_private_dir, create_private_file, read_private_file,
    },
    pem::{self, PemError},
    provider,
    verify::{self, VerifyError},
};

/// Key and chain in one file, so that no crash can part them.
const FILE: &str = "svid.pem";

/// An identity that we hold: a chain that names it, leaf first, and the key that proves it.
#[derive(Clone)]
pub struct X509Svid {
    id: SpiffeId,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKey,
    not_before: SystemTime,
    not_after: SystemTime,
    certified_key: Arc<CertifiedKey>,
}

/// Why a chain and a key are no SVID.
#[derive(Debug, thiserror::Error)]
pub enum SvidError {
    /// Its leaf breaks the rules, so that nobody would accept it.
    #[error("the certificate is no SVID")]
    Certificate(#[from] VerifyError),
    /// The key is another one's, or of a kind that TLS can't use.
    #[error("the key doesn't belong to the certificate")]
    Key(#[source] rustls::Error),
}

/// What loading an SVID from disk fails on.
#[derive(Debug, thiserror::Error)]
pub enum LoadSvidError {
    /// The file can't be read, or others can read it too.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// It isn't what we once wrote.
    #[error("{} is damaged", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: PemError,
    },
    /// Chain and key are no SVID.
    #[error("{} holds no SVID", path.display())]
    Svid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SvidError,
    },
}

impl LoadSvidError {
    /// Tells whether there is just none yet.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::File(error) if error.is_not_found())
    }
}

impl X509Svid {
    /// Puts a chain and its key together; checks the leaf by P-2 and that the key is its own.
    pub fn from_parts(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKey,
    ) -> Result<Self, SvidError> {
        let (id, not_before, not_after) = verify::read_own(&chain)?;
        let certified_key = CertifiedKey::from_der(chain.clone(), key.for_tls(), &provider())
            .map_err(SvidError::Key)?;
        Ok(Self {
            id,
            chain,
            key,
            not_before,
            not_after,
            certified_key: Arc::new(certified_key),
        })
    }

    /// Writes key and chain into `dir`, as one private file.
    pub fn save(&self, dir: &Path) -> io::Result<()> {
        create_private_dir(dir)?;
        create_private_file(
            &dir.join(FILE),
            pem::write(&self.key, &self.chain).as_bytes(),
        )
    }

    /// Reads what [`X509Svid::save`] wrote.
    pub fn load(dir: &Path) -> Result<Self, LoadSvidError> {
        let path = dir.join(FILE);
        let text = read_private_file(&path)?;
        match pem::read(&text) {
            Ok((key, chain)) => {
                Self::from_parts(chain, key).map_err(|source| LoadSvidError::Svid { path, source })
            }
            Err(source) => Err(LoadSvidError::Pem { path, source }),
        }
    }

    /// Says who this is.
    pub fn id(&self) -> &SpiffeId {
        &self.id
    }

    /// Shows the certificates, leaf first, root left out.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Gives the key, for a request to renew under the same one.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// Tells from when the leaf is valid.
    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// Tells until when the chain is valid: the earliest end of all its certificates.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Gives chain and key as rustls wants them.
    pub fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified_key)
    }

    /// Gives the same key with `root` at the end of the chain: what a joining host or cluster needs to find the root it was told the
    /// digest of.
    pub fn certified_key_with_root(&self, root: &CertificateDer<'static>) -> Arc<CertifiedKey> {
        let chain = self.chain.iter().chain([root]).cloned().collect();
        Arc::new(CertifiedKey::new(
            chain,
            Arc::clone(&self.certified_key.key),
        ))
    }
}

impl fmt::Debug for X509Svid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("X509Svid")
            .field("id", &self.id)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}
