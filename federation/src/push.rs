//! Views to nodes and gateways, answers back: the Control service, and the task that compiles anew whenever something changed.
//!
//! ```text
//!   store.watch ──┐                                        ┌── subscriber of node/n1
//!   roster.health ┼─> pace ─> compile ─> watch (newest) ───┼── subscriber of gateway/g1
//!   each minute ──┘              └─> own doors and trust   └── catalogs to peers (peer/sync)
//! ```
//! A watch holds the newest only, so that a slow subscriber skips versions and no queue ever grows.

mod acknowledged;
mod pace;
mod roster;
mod subscriber;
mod version;

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::name::{Label, SpiffeId};
use protocol::wire::v1;
use tonic::{Request, Response, Status, Streaming};
use tunnel::rpc::Caller;
use tunnel::rpc::v1::control_server::Control;

pub(crate) use acknowledged::{Acknowledged, acknowledged};
pub(crate) use pace::{compile_first, install, run};
pub(crate) use roster::{Presence, Roster};

use crate::authority::issue;
use crate::controller::Parts;
use crate::state::HostKey;

/// Serves nodes and gateways.
pub(crate) struct ControlService(pub(crate) Arc<Parts>);

#[tonic::async_trait]
impl Control for ControlService {
    type FollowStream = subscriber::Views;

    async fn follow(
        &self,
        request: Request<Streaming<v1::FollowRequest>>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let host = self.host(&request)?;
        let views = subscriber::follow(Arc::clone(&self.0), host, request.into_inner()).await?;
        Ok(Response::new(views))
    }

    async fn issue(
        &self,
        request: Request<v1::IssueRequest>,
    ) -> Result<Response<v1::SvidChain>, Status> {
        let host = self.host(&request)?;
        let request = request.into_inner();
        let id = SpiffeId::parse(&request.spiffe_id).map_err(|error| {
            Status::invalid_argument(format!("{:?} is no SPIFFE ID: {error}", request.spiffe_id))
        })?;
        if !issue::may_have(&self.0.state(), &host, &id) {
            return Err(Status::permission_denied(format!(
                "{host} may not have {id}: no workload with it is registered for it"
            )));
        }
        let issued = self
            .0
            .authority
            .issue(&request.csr, &id, std::time::SystemTime::now());
        let certificates = issued
            .map_err(|error| Status::invalid_argument(format!("no SVID for {id}: {error}")))?;
        tracing::debug!(%host, %id, "issued an SVID");
        Ok(Response::new(v1::SvidChain { certificates }))
    }
}

impl ControlService {
    fn host<T>(&self, request: &Request<T>) -> Result<HostKey, Status> {
        let caller = request
            .extensions()
            .get::<Caller>()
            .and_then(|caller| caller.id.as_ref());
        let Some(caller) = caller else {
            return Err(Status::unauthenticated(
                "only a host with an SVID is served here",
            ));
        };
        issue::host_of(&self.0.state(), caller).ok_or_else(|| {
            Status::permission_denied(format!(
                "{caller} is no host of the cluster {}",
                self.0.cluster()
            ))
        })
    }
}

/// The health of a host's workloads, by namespace and name; names that can't be are left out.
fn health_of(health: v1::Health) -> BTreeMap<(Label, Label), bool> {
    let parsed = health.workloads.into_iter().filter_map(|workload| {
        Some((
            (
                Label::parse(&workload.namespace).ok()?,
                Label::parse(&workload.name).ok()?,
            ),
            workload.healthy,
        ))
    });
    parsed.collect()
}
