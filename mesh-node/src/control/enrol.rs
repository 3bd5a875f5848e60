//! A host joins: it dials the controller that its token names, checks the root by its digest, shows the secret, and gets an SVID.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use identity::tls::Expect;
use identity::{PrivateKey, Trust, X509Svid};
use protocol::invitation::{HostRole, JoinToken};
use protocol::name::{HostPort, SpiffeId};
use protocol::wire::v1;
use rustls::pki_types::CertificateDer;
use tokio::time::{Instant, sleep, timeout};
use tunnel::{Alpn, Dial, Endpoint, Routing, Tunnel};

use super::cache::CacheError;
use super::store::{self, Stored};
use super::{MembershipSettings, link};

/// How long a host goes on trying to reach a controller that it joins.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long one dial, and one call, may take.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Why a host isn't a member of its cluster.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// There is no enrolment and no token to make one.
    #[error("this host is not enrolled in {dir} and was given no join token")]
    NotEnrolled {
        /// The data directory.
        dir: PathBuf,
    },
    /// The token is for another kind of host.
    #[error("the join token is for a {token}, and this is a {host}")]
    WrongToken {
        /// For whom it is.
        token: String,
        /// Who showed it.
        host: String,
    },
    /// The data directory belongs to the other kind of host.
    #[error("{dir} holds the enrolment of another kind of host")]
    OtherRole {
        /// The data directory.
        dir: PathBuf,
    },
    /// The data directory belongs to another cluster, or to an earlier one of the same name.
    #[error(
        "{dir} holds the enrolment in {found}, and the join token is of another cluster, or of another root of that name"
    )]
    OtherCluster {
        /// The data directory.
        dir: PathBuf,
        /// Whose enrolment it holds.
        found: String,
    },
    /// The UDP address can't be had.
    #[error("can't bind udp {bind}")]
    Bind {
        /// The address.
        bind: std::net::SocketAddr,
        /// Why.
        source: tunnel::BindError,
    },
    /// The data directory can't be used.
    #[error("can't use {path}")]
    DataDir {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What an earlier enrolment left can't be used.
    #[error("what an earlier enrolment left can't be used")]
    Kept(#[source] CacheError),
    /// The secret of this process can't be had.
    #[error("the node's own secret can't be had")]
    Secret(#[source] tunnel::NodeSecretError),
    /// The host's SVID can't be read or written.
    #[error("the SVID in {dir} can't be used: {reason}")]
    Svid {
        /// Its directory.
        dir: PathBuf,
        /// Why.
        reason: String,
    },
    /// No controller answered.
    #[error("the controller at {controller} can't be reached: {reason}")]
    Unreachable {
        /// Where it should be.
        controller: HostPort,
        /// What happened on the last try.
        reason: String,
    },
    /// The controller refused the token.
    #[error("the controller at {controller} refused the join token: {reason}")]
    Refused {
        /// Who refused.
        controller: HostPort,
        /// What it said.
        reason: String,
    },
    /// The controller's answer makes no sense.
    #[error("the controller's answer is not usable: {reason}")]
    Answer {
        /// What is wrong with it.
        reason: String,
    },
}

impl JoinError {
    pub(super) fn answer(reason: impl Display) -> Self {
        Self::Answer {
            reason: reason.to_string(),
        }
    }

    pub(super) fn data_dir(path: &Path, source: impl Into<io::Error>) -> Self {
        Self::DataDir {
            path: path.to_owned(),
            source: source.into(),
        }
    }
}

/// Enrols with the token and keeps what came of it.
pub(super) async fn enrol(
    settings: &MembershipSettings,
    address: &str,
    endpoint: &Endpoint,
    routing: &Arc<Routing>,
    trust: &Trust,
) -> Result<(Stored, X509Svid), JoinError> {
    let Some(token) = &settings.join else {
        return Err(JoinError::NotEnrolled {
            dir: settings.data_dir.clone(),
        });
    };
    if v1::Role::from(token.role) != settings.role {
        let host = HostRole::try_from(settings.role)
            .map_or_else(|_| "host".to_owned(), |role| role.to_string());
        return Err(JoinError::WrongToken {
            token: token.role.to_string(),
            host,
        });
    }
    let controller = settings
        .controller
        .clone()
        .unwrap_or_else(|| token.controller.clone());
    let key = PrivateKey::generate().map_err(JoinError::answer)?;
    let request = v1::EnrolRequest {
        version: 1,
        secret: token.secret.expose().to_vec(),
        role: settings.role as i32,
        name: settings.name.to_string(),
        csr: key.csr().map_err(JoinError::answer)?,
        address: address.to_owned(),
        locality: settings
            .locality
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    };
    let reply = ask(token, &controller, endpoint, trust, request).await?;
    let chain = reply
        .svid
        .clone()
        .ok_or_else(|| JoinError::answer("no SVID"))?
        .certificates;
    let svid = X509Svid::from_parts(chain.into_iter().map(CertificateDer::from).collect(), key)
        .map_err(JoinError::answer)?;
    let stored = Stored {
        reply: Some(reply),
        controller: controller.to_string(),
        role: settings.role as i32,
    };
    let facts = stored.facts()?;
    check(token, &facts, &svid)?;
    routing.install(facts.handle, facts.routing_keys, facts.selectors);
    store::save(&settings.data_dir, &stored, &svid)?;
    tracing::info!(id = %svid.id(), cluster = %facts.cluster, "enrolled");
    Ok((stored, svid))
}

/// The answer must be of the cluster that the token names, root included.
fn check(token: &JoinToken, facts: &store::Facts, svid: &X509Svid) -> Result<(), JoinError> {
    if facts.cluster != token.cluster || facts.bundle.trust_domain != token.trust_domain {
        return Err(JoinError::answer("it is of another cluster than the token"));
    }
    if svid.id().trust_domain() != &token.trust_domain {
        return Err(JoinError::answer(
            "the SVID is of another trust domain than the token",
        ));
    }
    let known = facts
        .bundle
        .roots
        .iter()
        .any(|root| identity::Bundle::digest_of(&root.as_slice().into()) == token.root_digest);
    if !known {
        return Err(JoinError::answer(
            "its bundle lacks the root that the token names",
        ));
    }
    Ok(())
}

/// Dials until the controller answers the question, however the answer falls out.
async fn ask(
    token: &JoinToken,
    controller: &HostPort,
    endpoint: &Endpoint,
    trust: &Trust,
    request: v1::EnrolRequest,
) -> Result<v1::EnrolReply, JoinError> {
    let deadline = Instant::now() + PATIENCE;
    let mut attempt = 0;
    loop {
        let reason = match try_dial(token, controller, endpoint, trust).await {
            Ok(tunnel) => return call(&tunnel, controller, request).await,
            Err(reason) => reason,
        };
        attempt += 1;
        let pause = identity::renewal::backoff(attempt, rand::random()).min(Duration::from_secs(1));
        if Instant::now() + pause > deadline {
            return Err(JoinError::Unreachable {
                controller: controller.clone(),
                reason,
            });
        }
        tracing::debug!(%controller, %reason, attempt, "the controller can't be reached yet");
        sleep(pause).await;
    }
}

async fn call(
    tunnel: &Tunnel,
    controller: &HostPort,
    request: v1::EnrolRequest,
) -> Result<v1::EnrolReply, JoinError> {
    let unreachable = |reason: String| JoinError::Unreachable {
        controller: controller.clone(),
        reason,
    };
    let channel = tunnel::rpc::connect(tunnel)
        .await
        .map_err(|error| unreachable(link::with_causes(&error)))?;
    let mut client = tunnel::rpc::v1::enrolment_client::EnrolmentClient::new(channel);
    let reply = timeout(ATTEMPT, client.enrol(request))
        .await
        .map_err(|_| unreachable(format!("no answer within {ATTEMPT:?}")))?
        .map_err(|status| JoinError::Refused {
            controller: controller.clone(),
            reason: status.message().to_owned(),
        })?;
    tunnel.close(tunnel::CloseCode::Done);
    Ok(reply.into_inner())
}

async fn try_dial(
    token: &JoinToken,
    controller: &HostPort,
    endpoint: &Endpoint,
    trust: &Trust,
) -> Result<Tunnel, String> {
    let mut last = "its name has no address".to_owned();
    for remote in link::resolve(controller)
        .await
        .map_err(|error| error.to_string())?
    {
        let expect = Expect::RootDigest {
            digest: token.root_digest,
            id: SpiffeId::controller(&token.trust_domain),
        };
        let dial = Dial {
            remote,
            capability: &token.capability,
            handle: token.controller_handle,
            server_name: tunnel::JOIN_NAME,
            source: None,
            expect,
            trust,
            alpn: Alpn::Enrol,
            within: ATTEMPT,
        };
        match endpoint.dial(dial).await {
            Ok(tunnel) => return Ok(tunnel),
            Err(error) => last = link::with_causes(&error),
        }
    }
    Err(last)
}
