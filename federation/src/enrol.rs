//! A stranger shows a secret: a host joins with a join token, a cluster with an invitation.
//!
//! A token lets in any name of its role that no host has. A name whose host isn't in touch may be taken again with a token that was made
//! for it: that is how a machine comes back after its disk was lost. It keeps its handle, so that nothing else has to change.

use std::sync::Arc;
use std::time::SystemTime;

use data_encoding::HEXLOWER;
use identity::attest::join_token;
use protocol::cid::Handle;
use protocol::name::{HostPort, Label, Locality};
use protocol::view::BundleData;
use protocol::wire::v1;
use tonic::{Request, Response, Status};
use tunnel::rpc::v1::enrolment_server::Enrolment;

use crate::api::answer;
use crate::controller::{Parts, unix_now};
use crate::peer::join;
use crate::state::change::TokenUse;
use crate::state::{Change, HostKey, HostRole, Outcome, Refusal, State, WITHOUT_END};

/// The version of enrolment that this software speaks.
const ENROL_VERSION: u32 = 1;

/// Serves strangers.
pub(crate) struct EnrolmentService(pub(crate) Arc<Parts>);

#[tonic::async_trait]
impl Enrolment for EnrolmentService {
    async fn enrol(
        &self,
        request: Request<v1::EnrolRequest>,
    ) -> Result<Response<v1::EnrolReply>, Status> {
        enrol(&self.0, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn redeem(
        &self,
        request: Request<v1::RedeemRequest>,
    ) -> Result<Response<v1::RedeemReply>, Status> {
        join::accept(&self.0, request.into_inner())
            .await
            .map(Response::new)
    }
}

/// The form in which a secret's hash is a key of the state.
pub(crate) fn hash(secret: &[u8]) -> String {
    HEXLOWER.encode(&join_token::hash(secret))
}

async fn enrol(parts: &Parts, request: v1::EnrolRequest) -> Result<v1::EnrolReply, Status> {
    let (host, address, locality) = check(&request)?;
    let hash = hash(&request.secret);
    if !parts.state().tokens.contains_key(&hash) {
        return Err(token_refused(&host, &Refusal::UnknownSecret));
    }
    if parts
        .roster
        .presences()
        .get(&host)
        .is_some_and(|presence| presence.in_touch)
    {
        return Err(answer::refused(
            format!(
                "the name {host} is taken: a host of that name is in touch with its controller"
            ),
            "use another name (--name), or stop that host first",
        ));
    }
    // Everything that can fail comes before the token is used up.
    let id = host.spiffe_id(parts.trust_domain());
    let issued = parts.authority.issue(&request.csr, &id, SystemTime::now());
    let certificates = issued.map_err(|error| {
        Status::invalid_argument(format!("the signing request of {host} is no good: {error}"))
    })?;
    let redeem = || {
        Change::RedeemToken(TokenUse {
            hash: hash.clone(),
            now: unix_now(),
            host: host.clone(),
            handle: Handle::new(rand::random()),
            address: address.clone(),
            locality: locality.clone(),
        })
    };
    let outcome = parts
        .store
        .propose_drawn(redeem)
        .await
        .map_err(|error| answer::unavailable(&error))?;
    match outcome {
        Outcome::Handle(handle) => {
            let state = parts.state();
            crate::audit::record("enrol", "join token", &host.to_string(), state.version);
            reply(parts, &state, &id, handle, certificates)
        }
        Outcome::Refused(refusal) => Err(token_refused(&host, &refusal)),
        _ => Err(Status::internal(
            "the token was neither redeemed nor refused",
        )),
    }
}

fn check(request: &v1::EnrolRequest) -> Result<(HostKey, HostPort, Locality), Status> {
    let invalid = |error: protocol::name::InvalidName| Status::invalid_argument(error.to_string());
    if request.version != ENROL_VERSION {
        return Err(Status::failed_precondition(format!(
            "the host enrols by version {} and this controller by version {ENROL_VERSION}",
            request.version
        )));
    }
    let role = match request.role() {
        v1::Role::Node => HostRole::Node,
        v1::Role::Gateway => HostRole::Gateway,
        v1::Role::Unspecified => {
            return Err(Status::invalid_argument("a host enrols as node or gateway"));
        }
    };
    let name = Label::parse(&request.name).map_err(invalid)?;
    let address = HostPort::parse(&request.address).map_err(invalid)?;
    let locality = Locality::parse(&request.locality).map_err(invalid)?;
    Ok((HostKey { role, name }, address, locality))
}

fn token_refused(host: &HostKey, refusal: &Refusal) -> Status {
    tracing::warn!(%host, %refusal, "a join token was refused");
    let mut hint = format!("weft token create --role {}", host.role);
    if matches!(
        refusal,
        Refusal::NameTaken { .. } | Refusal::WrongName { .. }
    ) {
        hint.push_str(&format!(" --name {}", host.name));
    }
    answer::refused(
        format!("{host} cannot join: its join token was refused by the controller: {refusal}"),
        hint,
    )
}

fn reply(
    parts: &Parts,
    state: &State,
    id: &protocol::name::SpiffeId,
    handle: Handle,
    certificates: Vec<Vec<u8>>,
) -> Result<v1::EnrolReply, Status> {
    let (Some(founding), Some(keys)) = (&state.founding, &state.routing_keys) else {
        return Err(Status::unavailable("the cluster is not founded yet"));
    };
    Ok(v1::EnrolReply {
        cluster: founding.cluster.to_string(),
        spiffe_id: id.to_string(),
        svid: Some(v1::SvidChain { certificates }),
        bundle: own_bundle(state).as_ref().map(v1::Bundle::from),
        handle: handle.into(),
        routing_keys: keys.into(),
        local: Some((&keys.capability(founding.local_selector, WITHOUT_END)).into()),
        controller_handle: parts.handle.into(),
    })
}

/// The cluster's own bundle, for those who join.
pub(crate) fn own_bundle(state: &State) -> Option<BundleData> {
    let trust_domain = state.trust_domain()?;
    let record = state.bundles.get(trust_domain)?;
    Some(BundleData {
        trust_domain: trust_domain.clone(),
        sequence: record.sequence,
        roots: record.roots.iter().map(|root| root.0.clone()).collect(),
        valid_until: None,
    })
}
