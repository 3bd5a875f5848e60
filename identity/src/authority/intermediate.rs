//! The intermediate: online, signs leaves and nothing else.

use std::{
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use protocol::name::{SpiffeId, TrustDomain};
use rcgen::PublicKeyData;
use rustls_pki_types::CertificateDer;

use super::{AuthorityError, IssueError, LoadAuthorityError, certificate, issue};
use crate::{
    key::{PrivateKey, create_private_dir, create_private_file, read_private_file},
    pem::{self, PemError},
};

const FILE: &str = "intermediate.pem";

/// An intermediate authority of a trust domain, with its key and the root that signed it.
#[derive(Debug, Clone)]
pub struct IntermediateAuthority {
    trust_domain: TrustDomain,
    key: PrivateKey,
    certificate: CertificateDer<'static>,
    root: CertificateDer<'static>,
    not_before: SystemTime,
    not_after: SystemTime,
}

impl IntermediateAuthority {
    pub(super) fn from_parts(
        key: PrivateKey,
        certificate: CertificateDer<'static>,
        root: CertificateDer<'static>,
    ) -> Result<Self, AuthorityError> {
        let read = certificate::read(&certificate)?;
        certificate::check_key(&certificate, &key.key_pair()?.subject_public_key_info())?;
        if certificate::read(&root)?.trust_domain != read.trust_domain {
            return Err(AuthorityError::NotAnAuthority(
                "its root is of another trust domain",
            ));
        }
        let (not_before, not_after) = (read.not_before, read.not_after);
        Ok(Self {
            trust_domain: read.trust_domain,
            key,
            certificate,
            root,
            not_before,
            not_after,
        })
    }

    /// Issues an SVID: for `id`, which the caller of this takes from its own records, and for the key of the request (P-11).
    ///
    /// Gives leaf and intermediate. A life longer than the intermediate's own is cut; `serial` is random.
    pub fn issue(
        &self,
        csr_der: &[u8],
        id: &SpiffeId,
        lifetime: Duration,
        now: SystemTime,
        serial: [u8; 16],
    ) -> Result<Vec<CertificateDer<'static>>, IssueError> {
        if id.trust_domain() != &self.trust_domain {
            return Err(IssueError::ForeignTrustDomain {
                id: id.clone(),
                ours: self.trust_domain.clone(),
            });
        }
        if now >= self.not_after {
            return Err(IssueError::AuthorityExpired(self.trust_domain.clone()));
        }
        let key = issue::key_of_request(csr_der)?;
        let mut params = issue::leaf(id, lifetime, now)?;
        params.not_before = params.not_before.max(self.not_before.into());
        params.not_after = params.not_after.min(self.not_after.into());
        params.serial_number = Some(certificate::serial(serial));
        let leaf = issue::sign(&params, &key, &self.certificate, &self.key)?;
        Ok(vec![leaf, self.certificate.clone()])
    }

    /// Writes key, certificate and root into `dir`, as one private file.
    pub fn save(&self, dir: &Path) -> io::Result<()> {
        create_private_dir(dir)?;
        let text = pem::write(&self.key, &[self.certificate.clone(), self.root.clone()]);
        create_private_file(&dir.join(FILE), text.as_bytes())
    }

    /// Reads what [`IntermediateAuthority::save`] wrote.
    pub fn load(dir: &Path) -> Result<Self, LoadAuthorityError> {
        let path = dir.join(FILE);
        let text = read_private_file(&path)?;
        let damaged = |source| LoadAuthorityError::Pem {
            path: path.clone(),
            source,
        };
        let (key, certificates) = pem::read(&text).map_err(damaged)?;
        let [certificate, root] = <[_; 2]>::try_from(certificates).map_err(|found| {
            damaged(PemError::Certificates {
                found: found.len(),
                expected: "2",
            })
        })?;
        Self::from_parts(key, certificate, root)
            .map_err(|source| LoadAuthorityError::Authority { path, source })
    }

    /// Says whose authority it is.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// Shows its own certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Shows the root that signed it, the one that bundles carry.
    pub fn root_certificate(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// Tells until when it can issue.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }
}
