//! The root of a trust domain: self-signed, signs intermediates, vouches for everything below.

use std::{
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use data_encoding::HEXLOWER;
use protocol::name::TrustDomain;
use rcgen::{BasicConstraints, Issuer, PublicKeyData};
use rustls_pki_types::CertificateDer;

use super::{
    AuthorityError, IntermediateAuthority, LoadAuthorityError,
    certificate::{self, BACK_DATED},
};
use crate::{
    bundle::Bundle,
    key::{PrivateKey, create_private_dir, create_private_file, read_private_file},
    pem::{self, PemError},
};

const FILE: &str = "root.pem";
const DAY: Duration = Duration::from_secs(86_400);
const LIFETIME: Duration = Duration::from_secs(5 * 365 * DAY.as_secs());
const INTERMEDIATE_LIFETIME: Duration = Duration::from_secs(365 * DAY.as_secs());

/// The root authority of a trust domain, with its key.
#[derive(Debug, Clone)]
pub struct RootAuthority {
    trust_domain: TrustDomain,
    key: PrivateKey,
    certificate: CertificateDer<'static>,
    not_after: SystemTime,
}

impl RootAuthority {
    /// Makes a root for `trust_domain`, valid for five years from `now`.
    pub fn create(trust_domain: &TrustDomain, now: SystemTime) -> Result<Self, AuthorityError> {
        let key = PrivateKey::generate()?;
        let pair = key.key_pair()?;
        // Roots that follow each other must be told apart by name.
        let name = format!(
            "root {}",
            HEXLOWER.encode(&fingerprint(&pair.subject_public_key_info()))
        );
        let params = certificate::params(
            trust_domain,
            name,
            BasicConstraints::Unconstrained,
            now - BACK_DATED,
            now + LIFETIME,
        )?;
        let certificate = params.self_signed(&*pair)?.der().clone();
        drop(pair);
        Self::from_parts(key, certificate)
    }

    fn from_parts(
        key: PrivateKey,
        certificate: CertificateDer<'static>,
    ) -> Result<Self, AuthorityError> {
        let read = certificate::read(&certificate)?;
        certificate::check_key(&certificate, &key.key_pair()?.subject_public_key_info())?;
        Ok(Self {
            trust_domain: read.trust_domain,
            key,
            certificate,
            not_after: read.not_after,
        })
    }

    /// Makes and signs an intermediate that issues leaves only, valid for a year at most; `serial` is random.
    pub fn intermediate(
        &self,
        now: SystemTime,
        serial: [u8; 16],
    ) -> Result<IntermediateAuthority, AuthorityError> {
        if now >= self.not_after {
            return Err(AuthorityError::RootExpired(self.trust_domain.clone()));
        }
        let key = PrivateKey::generate()?;
        let name = format!("intermediate {}", HEXLOWER.encode(&serial[..8]));
        let not_after = (now + INTERMEDIATE_LIFETIME).min(self.not_after);
        let mut params = certificate::params(
            &self.trust_domain,
            name,
            BasicConstraints::Constrained(0),
            now - BACK_DATED,
            not_after,
        )?;
        params.serial_number = Some(certificate::serial(serial));
        let issuer_key = self.key.key_pair()?;
        let issuer = Issuer::from_ca_cert_der(&self.certificate, &*issuer_key)?;
        let signed = params.signed_by(&*key.key_pair()?, &issuer)?;
        IntermediateAuthority::from_parts(key, signed.der().clone(), self.certificate.clone())
    }

    /// Writes key and certificate into `dir`, as one private file.
    pub fn save(&self, dir: &Path) -> io::Result<()> {
        create_private_dir(dir)?;
        let text = pem::write(&self.key, std::slice::from_ref(&self.certificate));
        create_private_file(&dir.join(FILE), text.as_bytes())
    }

    /// Reads what [`RootAuthority::save`] wrote.
    pub fn load(dir: &Path) -> Result<Self, LoadAuthorityError> {
        let path = dir.join(FILE);
        let text = read_private_file(&path)?;
        let damaged = |source| LoadAuthorityError::Pem {
            path: path.clone(),
            source,
        };
        let (key, certificates) = pem::read(&text).map_err(damaged)?;
        let [certificate] = <[_; 1]>::try_from(certificates).map_err(|found| {
            damaged(PemError::Certificates {
                found: found.len(),
                expected: "1",
            })
        })?;
        Self::from_parts(key, certificate)
            .map_err(|source| LoadAuthorityError::Authority { path, source })
    }

    /// Says whose root it is.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// Shows its certificate, the one that bundles carry.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Shows its certificate, the one that bundles carry.
    pub fn root_certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Computes the digest that invitations and join tokens carry.
    pub fn digest(&self) -> [u8; 32] {
        Bundle::digest_of(&self.certificate)
    }

    /// Tells until when it is valid.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }
}

fn fingerprint(public_key_info: &[u8]) -> [u8; 8] {
    let digest = Bundle::digest_of(&CertificateDer::from(public_key_info));
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    first
}
