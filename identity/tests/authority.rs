//! Issuing: what an authority signs passes the verifier, and nothing comes from the request but its key.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, SystemTime},
};

use identity::{
    Bundle, Bundles, IntermediateAuthority, PrivateKey, RootAuthority, VerifyError, X509Svid,
    authority::{AuthorityError, IssueError},
    renewal, verify,
};
use protocol::name::{SpiffeId, TrustDomain};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose, SanType};
use x509_parser::prelude::{FromDer, X509Certificate};

const CART: &str = "spiffe://west/ns/shop/sa/cart";
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

fn west() -> TrustDomain {
    TrustDomain::parse("west").unwrap()
}

fn id(text: &str) -> SpiffeId {
    SpiffeId::parse(text).unwrap()
}

fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

struct Cluster {
    now: SystemTime,
    root: RootAuthority,
    intermediate: IntermediateAuthority,
    bundles: Bundles,
}

impl Cluster {
    fn new() -> Self {
        let now = whole_seconds(SystemTime::now());
        let root = RootAuthority::create(&west(), now).unwrap();
        let intermediate = root.intermediate(now, [1; 16]).unwrap();
        let bundle = Bundle {
            trust_domain: west(),
            sequence: 1,
            roots: vec![root.certificate().clone()],
            valid_until: None,
        };
        Self {
            now,
            root,
            intermediate,
            bundles: Bundles::from_iter([bundle]),
        }
    }

    fn issue(
        &self,
        csr: &[u8],
    ) -> Result<Vec<rustls_pki_types::CertificateDer<'static>>, IssueError> {
        self.intermediate
            .issue(csr, &id(CART), HOUR, self.now, [2; 16])
    }

    fn svid(&self) -> X509Svid {
        let key = PrivateKey::generate().unwrap();
        X509Svid::from_parts(self.issue(&key.csr().unwrap()).unwrap(), key).unwrap()
    }
}

#[test]
fn what_is_issued_verifies_as_whom_it_was_issued_for() {
    let cluster = Cluster::new();
    let svid = cluster.svid();
    assert_eq!(svid.chain().len(), 2);
    let verified = verify(svid.chain(), &cluster.bundles, cluster.now).unwrap();
    assert_eq!((verified.id(), verified.id()), (svid.id(), &id(CART)));
    assert_eq!(verified.not_after(), cluster.now + HOUR);
    assert_eq!(svid.not_before(), cluster.now - Duration::from_secs(60));
    assert_eq!(verified.serial_hex(), "42020202020202020202020202020202");
}

/// P-2: a leaf of ours, read by another eye.
#[test]
fn a_leaf_says_only_what_it_must() {
    let cluster = Cluster::new();
    let svid = cluster.svid();
    let (_, leaf) = X509Certificate::from_der(&svid.chain()[0]).unwrap();
    assert_eq!(leaf.subject().iter().count(), 0);
    let names = leaf.subject_alternative_name().unwrap().unwrap();
    assert!(names.critical && names.value.general_names.len() == 1);
    let usage = leaf.key_usage().unwrap().unwrap();
    assert!(
        usage.critical && usage.value.flags == 1,
        "digitalSignature alone"
    );
    let purposes = leaf.extended_key_usage().unwrap().unwrap().value;
    assert!(
        purposes.server_auth && purposes.client_auth && !purposes.any && purposes.other.is_empty()
    );
    assert!(!leaf.is_ca());
}

/// P-11
#[test]
fn names_and_powers_in_a_request_are_ignored() {
    let cluster = Cluster::new();
    let mut greedy = CertificateParams::default();
    greedy
        .distinguished_name
        .push(DnType::CommonName, "spiffe://west/weft/controller");
    greedy.subject_alt_names = vec![
        SanType::URI("spiffe://west/weft/controller".try_into().unwrap()),
        SanType::DnsName("west.example".try_into().unwrap()),
    ];
    greedy.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    greedy.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let csr = greedy
        .serialize_request(&KeyPair::generate().unwrap())
        .unwrap();
    let chain = cluster.issue(csr.der()).unwrap();
    assert_eq!(
        verify(&chain, &cluster.bundles, cluster.now).unwrap().id(),
        &id(CART)
    );
    let (_, leaf) = X509Certificate::from_der(&chain[0]).unwrap();
    assert_eq!(
        leaf.subject_alternative_name()
            .unwrap()
            .unwrap()
            .value
            .general_names
            .len(),
        1
    );
    assert_eq!(leaf.subject().iter().count(), 0);
}

/// P-11
#[test]
fn a_request_without_its_private_key_is_refused() {
    let cluster = Cluster::new();
    let csr = PrivateKey::generate().unwrap().csr().unwrap();
    let mut forged = csr.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert!(matches!(
        cluster.issue(&forged),
        Err(IssueError::NoProofOfPossession)
    ));
    for malformed in [
        &b""[..],
        b"no request",
        &csr[..csr.len() - 1],
        &[csr.as_slice(), b"x"].concat(),
        &[0x30; 20_000],
    ] {
        assert!(matches!(
            cluster.issue(malformed),
            Err(IssueError::MalformedRequest)
        ));
    }
}

/// P-11
#[test]
fn a_weak_key_gets_no_certificate_and_strong_ones_of_each_kind_do() {
    let cluster = Cluster::new();
    let request = |kind| {
        let key = KeyPair::generate_for(kind).unwrap();
        CertificateParams::default()
            .serialize_request(&key)
            .unwrap()
            .der()
            .to_vec()
    };
    assert!(matches!(
        cluster.issue(&request(&rcgen::PKCS_ECDSA_P521_SHA512)),
        Err(IssueError::WeakKey(_))
    ));
    for kind in [
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_RSA_SHA256,
    ] {
        let chain = cluster.issue(&request(kind)).unwrap();
        verify(&chain, &cluster.bundles, cluster.now).unwrap();
    }
}

/// P-1, P-11
#[test]
fn an_authority_issues_for_its_own_trust_domain_only() {
    let cluster = Cluster::new();
    let csr = PrivateKey::generate().unwrap().csr().unwrap();
    let foreign =
        cluster
            .intermediate
            .issue(&csr, &id("spiffe://east/x"), HOUR, cluster.now, [2; 16]);
    assert!(matches!(
        foreign,
        Err(IssueError::ForeignTrustDomain { .. })
    ));
    let short = cluster.intermediate.issue(
        &csr,
        &id(CART),
        Duration::from_millis(999),
        cluster.now,
        [2; 16],
    );
    assert!(matches!(short, Err(IssueError::LifetimeTooShort)));
}

/// P-9
#[test]
fn nothing_outlives_its_issuer() {
    let cluster = Cluster::new();
    let csr = PrivateKey::generate().unwrap().csr().unwrap();
    let issue = |now| {
        cluster
            .intermediate
            .issue(&csr, &id(CART), 48 * HOUR, now, [2; 16])
    };
    let late = cluster.now + 365 * DAY - HOUR;
    let chain = issue(late).unwrap();
    let verified = verify(&chain, &cluster.bundles, late).unwrap();
    assert_eq!(verified.not_after(), cluster.intermediate.not_after());
    let (_, leaf) = X509Certificate::from_der(&chain[0]).unwrap();
    let leaf_ends: SystemTime = leaf.validity().not_after.to_datetime().into();
    assert_eq!(leaf_ends, cluster.intermediate.not_after());
    assert!(matches!(
        issue(late + HOUR),
        Err(IssueError::AuthorityExpired(_))
    ));

    let later = cluster.now + 5 * 365 * DAY;
    let last = cluster.root.intermediate(later - DAY, [3; 16]).unwrap();
    assert_eq!(last.not_after(), cluster.root.not_after());
    assert!(matches!(
        cluster.root.intermediate(later, [3; 16]),
        Err(AuthorityError::RootExpired(_))
    ));
}

/// P-1: an intermediate can make no further authority, whatever it signs.
#[test]
fn an_intermediate_signs_leaves_only() {
    let cluster = Cluster::new();
    let (_, intermediate) = X509Certificate::from_der(cluster.intermediate.certificate()).unwrap();
    let constraints = intermediate.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
    let (_, root) = X509Certificate::from_der(cluster.root.certificate()).unwrap();
    for authority in [&intermediate, &root] {
        let usage = authority.key_usage().unwrap().unwrap();
        assert!(usage.critical && usage.value.key_cert_sign() && usage.value.crl_sign());
        assert!(!usage.value.digital_signature());
    }
    root.verify_signature(None).unwrap();
}

/// P-7: two roots in a bundle, as while one follows the other; the chains of both pass, and only as long as theirs is there.
#[test]
fn roots_follow_each_other_without_a_gap() {
    let cluster = Cluster::new();
    let next = RootAuthority::create(&west(), cluster.now).unwrap();
    let intermediate = next.intermediate(cluster.now, [9; 16]).unwrap();
    let csr = PrivateKey::generate().unwrap().csr().unwrap();
    let chain = intermediate
        .issue(&csr, &id(CART), HOUR, cluster.now, [4; 16])
        .unwrap();
    assert!(matches!(
        verify(&chain, &cluster.bundles, cluster.now),
        Err(VerifyError::NoPath { .. })
    ));

    let mut both = cluster.bundles.clone();
    let mut bundle = both.get(&west()).unwrap().clone();
    bundle.roots.push(next.certificate().clone());
    bundle.sequence += 1;
    both.accept(bundle.clone()).unwrap();
    verify(&chain, &both, cluster.now).unwrap();
    verify(cluster.svid().chain(), &both, cluster.now).unwrap();

    bundle.roots.remove(0);
    bundle.sequence += 1;
    both.accept(bundle).unwrap();
    verify(&chain, &both, cluster.now).unwrap();
    assert!(verify(cluster.svid().chain(), &both, cluster.now).is_err());
}

/// P-7: the first renewal lies ahead, however short the life.
#[test]
fn a_fresh_svid_is_renewed_later_than_now() {
    let cluster = Cluster::new();
    let key = PrivateKey::generate().unwrap();
    for lifetime in [10, 20, 60, 600, 3600, 86_400].map(Duration::from_secs) {
        let chain = cluster
            .intermediate
            .issue(
                &key.csr().unwrap(),
                &id(CART),
                lifetime,
                cluster.now,
                [5; 16],
            )
            .unwrap();
        let svid = X509Svid::from_parts(chain, key.clone()).unwrap();
        let due = renewal::next(svid.not_before(), svid.not_after(), 0.0);
        assert!(
            due > cluster.now + lifetime / 4 && due < cluster.now + lifetime / 2,
            "{lifetime:?}"
        );
    }
}

#[test]
fn authorities_and_svids_come_back_from_disk_as_they_were() {
    let cluster = Cluster::new();
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("authority");
    cluster.root.save(&dir).unwrap();
    cluster.intermediate.save(&dir).unwrap();
    assert_eq!(
        RootAuthority::load(&dir).unwrap().certificate(),
        cluster.root.certificate()
    );
    let intermediate = IntermediateAuthority::load(&dir).unwrap();
    assert_eq!(intermediate.root_certificate(), cluster.root.certificate());
    let csr = PrivateKey::generate().unwrap().csr().unwrap();
    let chain = intermediate
        .issue(&csr, &id(CART), HOUR, cluster.now, [6; 16])
        .unwrap();
    verify(&chain, &cluster.bundles, cluster.now).unwrap();

    let svid = cluster.svid();
    let own = directory.path().join("svid");
    assert!(X509Svid::load(&own).unwrap_err().is_not_found());
    svid.save(&own).unwrap();
    let loaded = X509Svid::load(&own).unwrap();
    assert_eq!(
        (loaded.id(), loaded.chain(), loaded.not_after()),
        (svid.id(), svid.chain(), svid.not_after())
    );
    for path in [
        dir.join("root.pem"),
        dir.join("intermediate.pem"),
        own.join("svid.pem"),
    ] {
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn what_is_damaged_open_or_mixed_up_is_refused() {
    let cluster = Cluster::new();
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("svid");
    let svid = cluster.svid();
    svid.save(&dir).unwrap();
    let path = dir.join("svid.pem");
    let good = fs::read_to_string(&path).unwrap();

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = X509Svid::load(&dir).unwrap_err().to_string();
    assert!(
        error.contains("mode 0644") && error.contains("chmod 600"),
        "{error}"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();

    for damaged in [
        "",
        "text",
        &good[..good.len() / 2],
        &good.replace("PRIVATE KEY", "PUBLIC KEY"),
    ] {
        fs::write(&path, damaged).unwrap();
        assert!(X509Svid::load(&dir).is_err());
    }
    let another = X509Svid::from_parts(svid.chain().to_vec(), PrivateKey::generate().unwrap());
    assert!(another.is_err(), "somebody else's key");
    assert!(X509Svid::from_parts(Vec::new(), svid.key().clone()).is_err());
    assert!(RootAuthority::load(&dir).unwrap_err().is_not_found());
}

#[test]
fn keys_are_never_printed() {
    let cluster = Cluster::new();
    let svid = cluster.svid();
    assert_eq!(format!("{:?}", svid.key()), "PrivateKey(…)");
    for text in [
        format!("{svid:?}"),
        format!("{:?}", cluster.root),
        format!("{:?}", cluster.intermediate),
    ] {
        assert!(
            !text.contains("PRIVATE") && !text.contains("serialized_der"),
            "{text}"
        );
    }
}

#[test]
fn bundles_know_when_their_first_root_ends() {
    let cluster = Cluster::new();
    let bundle = cluster.bundles.get(&west()).unwrap();
    assert_eq!(bundle.earliest_expiry(), Some(cluster.root.not_after()));
    assert_eq!(cluster.root.digest(), Bundle::digest_of(&bundle.roots[0]));
    let empty = Bundle {
        roots: Vec::new(),
        ..bundle.clone()
    };
    assert_eq!(empty.earliest_expiry(), None);
}
