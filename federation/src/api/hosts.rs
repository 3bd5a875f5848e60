//! Join tokens, and waiting for hosts.

use std::time::Duration;

use protocol::cid::Selector;
use protocol::invitation::{HostRole, JoinToken, Secret};
use protocol::name::Label;
use protocol::wire::v1;
use tonic::{Code, Status};

use super::answer;
use crate::controller::{Parts, unix_now};
use crate::push::acknowledged;
use crate::state::{self, Change, Outcome, Token, UnixSeconds};
use crate::{audit, enrol};

const TOKEN_LIFETIME: UnixSeconds = 3600;
const LONGEST_LIFETIME: UnixSeconds = 7 * 24 * 3600;
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Makes a join token.
pub(super) async fn create_token(
    parts: &Parts,
    request: v1::CreateTokenRequest,
) -> Result<v1::CreateTokenReply, Status> {
    let role: HostRole = request
        .role
        .parse()
        .map_err(|error| answer::invalid(error, "weft token create --role node"))?;
    let name = match request.name.as_str() {
        "" => None,
        name => Some(Label::parse(name).map_err(|error| {
            answer::invalid(error, format!("weft token create --role {role} --name n1"))
        })?),
    };
    let lifetime = lifetime(request.expires_seconds, TOKEN_LIFETIME)?;
    let state = parts.state();
    let Some(keys) = &state.routing_keys else {
        return Err(Status::unavailable("the cluster is not founded yet"));
    };
    let (secret, expires_at) = (
        Secret::new(rand::random()),
        unix_now().saturating_add(lifetime),
    );
    let stored_role = match role {
        HostRole::Node => state::HostRole::Node,
        HostRole::Gateway => state::HostRole::Gateway,
    };
    let mut selector = Selector::from_random(0);
    let draw = || {
        selector = Selector::from_random(rand::random());
        let token = Token {
            role: stored_role,
            name: name.clone(),
            expires_at,
            selector,
            used_by: None,
        };
        Change::PutToken {
            hash: enrol::hash(secret.expose()),
            token,
        }
    };
    let outcome = parts
        .store
        .propose_drawn(draw)
        .await
        .map_err(|error| answer::unavailable(&error))?;
    if let Outcome::Refused(refusal) = outcome {
        return Err(Status::failed_precondition(refusal.to_string()));
    }
    audit::record(
        "token create",
        "api",
        &match &name {
            Some(name) => format!("{role}/{name}"),
            None => role.to_string(),
        },
        parts.state().version,
    );
    let token = JoinToken {
        controller: parts.advertised.clone(),
        trust_domain: parts.trust_domain().clone(),
        cluster: parts.cluster().clone(),
        root_digest: parts.authority.root().digest(),
        capability: keys.capability(selector, expires_at),
        secret,
        controller_handle: parts.handle,
        role,
        expires_at,
    };
    Ok(v1::CreateTokenReply {
        token: token.to_string(),
        expires_at,
    })
}

/// The lifetime that was asked for, within bounds.
pub(super) fn lifetime(asked: UnixSeconds, default: UnixSeconds) -> Result<UnixSeconds, Status> {
    match asked {
        0 => Ok(default),
        asked if asked <= LONGEST_LIFETIME => Ok(asked),
        asked => Err(answer::invalid(
            format!(
                "{asked} s is too long for a secret that is carried by hand; {LONGEST_LIFETIME} s (7 days) is the most"
            ),
            "--expires 15m",
        )),
    }
}

/// Waits until every host in touch has applied a version.
pub(super) async fn wait_acknowledged(
    parts: &Parts,
    request: v1::WaitRequest,
) -> Result<v1::WaitReply, Status> {
    let within = Duration::from_millis(request.timeout_millis).min(LONGEST_WAIT);
    let known = acknowledged(parts, request.version, within).await;
    if known.lagging.is_empty() {
        return Ok(v1::WaitReply {
            acknowledged: known.acknowledged,
            nodes: known.hosts,
            lagging: Vec::new(),
        });
    }
    Err(answer::with_hint(
        Code::DeadlineExceeded,
        format!(
            "{} of {} hosts have applied version {} within {within:?}; waiting for {}",
            known.acknowledged,
            known.hosts,
            known.version,
            known.lagging.join(", ")
        ),
        "weft status",
    ))
}
