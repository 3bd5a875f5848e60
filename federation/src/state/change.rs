//! Every write there is, in one enum: the controller's whole power on one page.
//!
//! What needs a clock or a die is drawn by the proposer and carried in the change, so that applying it gives the same state everywhere.

use protocol::cid::{Handle, RoutingKey};
use protocol::name::{ClusterName, HostPort, Label, Locality, TrustDomain};
use protocol::resource::Resource;
use serde::{Deserialize, Serialize};

use super::resource::Effect;
use super::{
    BundleRecord, Founding, HostKey, HostRole, Imports, Invitation, PeerRecord, ResourceKey, Token,
    UnixSeconds,
};

pub use super::peer::PeerNews;
pub use super::token::TokenUse;

/// One replicated write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// The cluster's first change: who it is, its first routing key, its own roots.
    Found {
        /// Who it is.
        founding: Founding,
        /// The first key.
        routing_key: RoutingKey,
        /// The roots of its own trust domain.
        bundle: BundleRecord,
    },
    /// A controller's replica came up: every start makes the version grow, so that Views never go back.
    Start {
        /// Which replica.
        host: HostKey,
        /// Drawn for a replica that has no handle yet.
        handle: Handle,
        /// Where the cluster reaches it.
        address: HostPort,
    },
    /// A known host says where it is.
    PutHost {
        /// Which.
        host: HostKey,
        /// Where it is reached.
        address: HostPort,
        /// Where it stands.
        locality: Locality,
    },
    /// A join token was made.
    PutToken {
        /// Hash of its secret.
        hash: String,
        /// The rest.
        token: Token,
    },
    /// A host joins with a token.
    RedeemToken(TokenUse),
    /// A peer is invited.
    PutInvitation {
        /// Hash of its secret.
        hash: String,
        /// The rest.
        invitation: Invitation,
    },
    /// A cluster shows an invitation's secret.
    RedeemInvitation {
        /// Hash of the secret shown.
        hash: String,
        /// The proposer's clock.
        now: UnixSeconds,
        /// The cluster that showed it.
        peer: PeerRecord,
    },
    /// This cluster joined another.
    PutPeer(PeerRecord),
    /// News of a peer came on the link.
    UpdatePeer(PeerNews),
    /// A peer is forgotten: selectors, bundle, imports and invitations with it.
    RemovePeer {
        /// Which.
        cluster: ClusterName,
    },
    /// What a peer exports to this cluster.
    PutImports {
        /// Which peer.
        cluster: ClusterName,
        /// Its exports, whole.
        imports: Imports,
    },
    /// A peer's exports aged out.
    DropImports {
        /// Which peer.
        cluster: ClusterName,
    },
    /// Resources were applied, all or none.
    PutResources {
        /// As checked.
        resources: Vec<Resource>,
    },
    /// A resource was deleted.
    DeleteResource {
        /// Which.
        key: ResourceKey,
    },
    /// Tokens and invitations past their time are forgotten.
    Prune {
        /// The proposer's clock.
        now: UnixSeconds,
    },
    /// Nothing but a greater version, for a controller whose Views have used up the steps between two.
    Tick,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Nothing was to be done.
    Unchanged,
    /// It was done.
    Done,
    /// It was done, to the host of this handle.
    Handle(Handle),
    /// Resources were applied.
    Applied {
        /// What was done to each, in the order given.
        effects: Vec<Effect>,
    },
    /// It was refused, and nothing was changed.
    Refused(Refusal),
}

impl Outcome {
    /// Whether the change was refused.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    pub(super) fn alters(&self) -> bool {
        match self {
            Self::Unchanged | Self::Refused(_) => false,
            Self::Done | Self::Handle(_) => true,
            Self::Applied { effects } => effects.iter().any(|effect| *effect != Effect::Unchanged),
        }
    }
}

/// Why a change was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// A number that the proposer drew is taken: draw again.
    #[error("a number drawn at random is taken")]
    Clash,
    /// A first routing key that doesn't seal.
    #[error("the first routing key must be one that seals")]
    NoSealingKey,
    /// The cluster exists already.
    #[error("this cluster is founded already, as {cluster}")]
    Founded {
        /// Its name.
        cluster: ClusterName,
    },
    /// No token or invitation has that secret.
    #[error(
        "nothing is known of this secret; it was never issued here, or was withdrawn or forgotten after its expiry"
    )]
    UnknownSecret,
    /// A token or invitation is single-use.
    #[error("it was used already")]
    Used,
    /// Past its time.
    #[error("it expired at {at} (unix seconds)")]
    Expired {
        /// When.
        at: UnixSeconds,
    },
    /// A token for another role.
    #[error("the token is for a {wanted}, and a {got} showed it")]
    WrongRole {
        /// What it lets in.
        wanted: HostRole,
        /// What came.
        got: HostRole,
    },
    /// A token for another host.
    #[error("the token is for the name {wanted}, and {got} showed it")]
    WrongName {
        /// Whom it lets in.
        wanted: Label,
        /// Who came.
        got: Label,
    },
    /// A host of that name joined before, and the token was made for no name.
    #[error(
        "the name is taken: a host {host} joined before, and only a token that was made for this name takes its place"
    )]
    NameTaken {
        /// Which.
        host: String,
    },
    /// An invitation for another trust domain.
    #[error("the invitation is for the trust domain {wanted}, and one of {got} showed it")]
    WrongTrustDomain {
        /// For which it is.
        wanted: TrustDomain,
        /// Which came.
        got: TrustDomain,
    },
    /// An invitation for another cluster.
    #[error("the invitation is for the cluster {wanted}, and {got} showed it")]
    WrongCluster {
        /// For whom it is.
        wanted: ClusterName,
        /// Who came.
        got: ClusterName,
    },
    /// A cluster can't be its own peer.
    #[error("a cluster can't be its own peer: names and trust domains must differ")]
    Oneself,
    /// That name is a peer's.
    #[error("the cluster {cluster} is a peer already")]
    PeerExists {
        /// Which.
        cluster: ClusterName,
    },
    /// That trust domain is a peer's.
    #[error("the trust domain {trust_domain} is the peer {cluster}'s already")]
    TrustDomainTaken {
        /// Which.
        trust_domain: TrustDomain,
        /// Whose.
        cluster: ClusterName,
    },
    /// No peer of that name.
    #[error("there is no peer {cluster}")]
    UnknownPeer {
        /// Which.
        cluster: ClusterName,
    },
    /// No host of that name joined.
    #[error("no host {host} joined this cluster")]
    UnknownHost {
        /// Which.
        host: String,
    },
    /// No resource of that name.
    #[error("there is no {resource}")]
    UnknownResource {
        /// Which.
        resource: String,
    },
    /// A bundle with a lower sequence, or others roots under the same one.
    #[error("the bundle's sequence goes back: {held} is held, {got} came")]
    BundleRollback {
        /// Held.
        held: u64,
        /// Came.
        got: u64,
    },
    /// The services of all peers together have too many bytes.
    #[error(
        "with this catalog the services of all peers would have {bytes} bytes, and at most {most} are taken"
    )]
    ImportsTooLarge {
        /// They would have.
        bytes: usize,
        /// They may have.
        most: usize,
    },
    /// A catalog with a lower sequence.
    #[error("the catalog's sequence goes back: {held} is held, {got} came")]
    CatalogRollback {
        /// Held.
        held: u64,
        /// Came.
        got: u64,
    },
}
