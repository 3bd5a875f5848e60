//! Why a chain proves nobody.

use std::time::SystemTime;

use protocol::name::{SpiffeId, SpiffeIdError, TrustDomain};

/// Why a chain was refused. Positions count from 0, the leaf.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// There was no certificate at all.
    #[error("no certificate was shown")]
    NoCertificate,
    /// More certificates than any honest chain has.
    #[error("the chain has {0} certificates, at most 10 are looked at")]
    TooManyCertificates(usize),
    /// More bytes than any honest chain has.
    #[error("the chain has {0} bytes, at most 65536 are looked at")]
    TooManyBytes(usize),
    /// Not an X.509 v3 certificate in strict DER.
    #[error("certificate {position} is malformed: {what}")]
    Malformed {
        /// Which.
        position: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// A certificate was not issued by the one after it.
    #[error("certificate {0} was not issued by the next one in the chain")]
    OutOfOrder(usize),
    /// So many issuers of one name that finding a path would cost us more than sending them cost.
    #[error("{0} certificates in the chain have the same subject")]
    SameSubject(usize),
    /// A key too weak, or of a kind that we don't use.
    #[error("the key of certificate {position} can't be trusted: {what}")]
    WeakKey {
        /// Which.
        position: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// Limits on names that we couldn't honour, so the chain is refused rather than the limits ignored.
    #[error("certificate {0} has name constraints, which are not supported")]
    NameConstraints(usize),
    /// The leaf names nobody.
    #[error("the leaf has no URI name, so it names nobody")]
    NoSpiffeId,
    /// The leaf names several.
    #[error("the leaf has {0} URI names, an SVID has exactly one")]
    SeveralUris(usize),
    /// A name in the leaf can't be read.
    #[error("the leaf has an alternative name that can't be read")]
    UnreadableName,
    /// What the leaf names is no SPIFFE ID.
    #[error("the leaf's URI name is no SPIFFE ID: {0}")]
    BadSpiffeId(#[source] SpiffeIdError),
    /// The leaf may act as an authority.
    #[error("the leaf is a certificate authority")]
    LeafIsAuthority,
    /// The leaf doesn't say what its key is for.
    #[error("the leaf has no key usage")]
    NoKeyUsage,
    /// The leaf's key isn't for signing handshakes.
    #[error("the leaf's key usage lacks digitalSignature")]
    NoDigitalSignature,
    /// The leaf's key may sign what only an authority's may.
    #[error("the leaf's key usage has {0}")]
    LeafMaySign(&'static str),
    /// The extended key usage is there, but doesn't have both server and client authentication.
    #[error("certificate {0} has an extended key usage without both serverAuth and clientAuth")]
    ExtendedKeyUsage(usize),
    /// A certificate after the leaf is no authority, or may not sign certificates.
    #[error("certificate {position} may not issue certificates: {what}")]
    NotAnAuthority {
        /// Which.
        position: usize,
        /// What it lacks.
        what: &'static str,
    },
    /// An authority names a trust domain that isn't the leaf's.
    #[error("certificate {position} is an authority of {found}, not of {}", trust_domain.uri())]
    ForeignAuthority {
        /// Which.
        position: usize,
        /// The URI it names.
        found: String,
        /// The leaf's trust domain.
        trust_domain: TrustDomain,
    },
    /// We have no bundle for the leaf's trust domain.
    #[error("no bundle of the trust domain {0} is known")]
    UnknownTrustDomain(TrustDomain),
    /// The bundle's lease has run out: nobody there is trusted until our controller renews it.
    #[error("the bundle of {0} has not been renewed in time")]
    LeaseEnded(TrustDomain),
    /// The bundle is there, but none of its roots can be used at this time.
    #[error("the bundle of {trust_domain} has no usable root: {why}")]
    NoUsableRoot {
        /// Whose bundle.
        trust_domain: TrustDomain,
        /// Why the last one couldn't be used.
        why: &'static str,
    },
    /// A certificate of the chain is past its end.
    #[error("the certificate of {id} or of one of its issuers has expired")]
    Expired {
        /// Who it would have been.
        id: SpiffeId,
    },
    /// A certificate of the chain is not valid yet.
    #[error("the certificate of {id} or of one of its issuers is not valid yet")]
    NotValidYet {
        /// Who it would have been.
        id: SpiffeId,
    },
    /// No path of good signatures leads from the leaf to a root of its trust domain.
    #[error("no root of {trust_domain} vouches for the chain")]
    NoPath {
        /// Whose roots.
        trust_domain: TrustDomain,
        /// What webpki says.
        source: webpki::Error,
    },
    /// The identity is proven, but it isn't the one that was expected (P-3).
    #[error("it is {found}, not the one expected ({expected})")]
    Unexpected {
        /// Who it is.
        found: SpiffeId,
        /// Who it should have been.
        expected: String,
    },
    /// The root that was told beforehand isn't in the chain.
    #[error("no certificate shown has the root's digest that was told")]
    NotThatRoot,
    /// A time that can't be handled.
    #[error("the clock says {0:?}, which is before 1970")]
    Clock(SystemTime),
}

impl VerifyError {
    /// Tells whether time alone is to blame: a certificate ran out or hasn't begun, or a lease ended.
    pub fn is_about_time(&self) -> bool {
        matches!(
            self,
            Self::Expired { .. } | Self::NotValidYet { .. } | Self::LeaseEnded(_)
        )
    }
}
