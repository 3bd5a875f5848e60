//! Two trust domains and everything needed to make certificates in them, good and bad.

use std::time::{Duration, SystemTime};

use identity::{Bundle, Bundles, PrivateKey, X509Svid};
use protocol::name::{SpiffeId, TrustDomain};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
};
use rustls_pki_types::CertificateDer;

pub(crate) const CART: &str = "spiffe://west/ns/shop/sa/cart";
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const TWO_MINUTES: Duration = Duration::from_secs(120);

/// Something that signs: a certificate and its key.
pub(crate) struct Authority {
    pub params: CertificateParams,
    pub key: KeyPair,
    pub der: CertificateDer<'static>,
}

impl Authority {
    pub(crate) fn self_signed(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().clone();
        Self { params, key, der }
    }

    /// Signs another authority.
    pub(crate) fn authority(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let der = self.sign(&params, &key);
        Self { params, key, der }
    }

    /// Signs whatever it is asked to.
    pub(crate) fn sign(
        &self,
        params: &CertificateParams,
        key: &impl PublicKeyData,
    ) -> CertificateDer<'static> {
        params
            .signed_by(key, &Issuer::from_params(&self.params, &self.key))
            .unwrap()
            .der()
            .clone()
    }
}

/// Everybody whom the tests trust, and who signs for them.
pub(crate) struct World {
    pub now: SystemTime,
    pub root: Authority,
    pub intermediate: Authority,
    pub east_root: Authority,
    pub east: Authority,
    pub bundles: Bundles,
}

impl World {
    pub(crate) fn new() -> Self {
        let root = Authority::self_signed(authority("west", "west root"));
        let intermediate = root.authority(authority("west", "west intermediate"));
        let east_root = Authority::self_signed(authority("east", "east root"));
        let east = east_root.authority(authority("east", "east intermediate"));
        let bundles = [
            bundle("west", &[&root.der]),
            bundle("east", &[&east_root.der]),
        ];
        Self {
            now: SystemTime::now(),
            root,
            intermediate,
            east_root,
            east,
            bundles: Bundles::from_iter(bundles),
        }
    }

    /// Issues a good SVID of west.
    pub(crate) fn svid(&self, id: &str) -> X509Svid {
        let key = KeyPair::generate().unwrap();
        let chain = vec![
            self.intermediate.sign(&leaf(id), &key),
            self.intermediate.der.clone(),
        ];
        X509Svid::from_parts(
            chain,
            PrivateKey::from_pkcs8_der(key.serialized_der()).unwrap(),
        )
        .unwrap()
    }
}

pub(crate) fn bundle(trust_domain: &str, roots: &[&CertificateDer<'static>]) -> Bundle {
    Bundle {
        trust_domain: TrustDomain::parse(trust_domain).unwrap(),
        sequence: 1,
        roots: roots.iter().map(|root| (*root).clone()).collect(),
        valid_until: None,
    }
}

pub(crate) fn id(text: &str) -> SpiffeId {
    SpiffeId::parse(text).unwrap()
}

/// What a good authority's certificate says.
pub(crate) fn authority(trust_domain: &str, name: &str) -> CertificateParams {
    let mut params = dated(name);
    valid(
        &mut params,
        SystemTime::now() - 2 * HOUR,
        SystemTime::now() + 2 * HOUR,
    );
    params.subject_alt_names = vec![uri(&format!("spiffe://{trust_domain}"))];
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// What a good leaf says.
pub(crate) fn leaf(id: &str) -> CertificateParams {
    let mut params = dated("leaf");
    params.subject_alt_names = vec![uri(id)];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params.use_authority_key_identifier_extension = true;
    params
}

fn dated(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    valid(
        &mut params,
        SystemTime::now() - HOUR,
        SystemTime::now() + HOUR,
    );
    params
}

pub(crate) fn valid(params: &mut CertificateParams, from: SystemTime, until: SystemTime) {
    params.not_before = from.into();
    params.not_after = until.into();
}

pub(crate) fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

pub(crate) fn extension(oid: &[u64], content: Vec<u8>) -> CustomExtension {
    CustomExtension::from_oid_content(oid, content)
}
