//! What the command line calls, on a unix socket that only the controller's own user and root can use.
//!
//! Messages of errors are for people: what happened, on which side, the evidence, and on a line of its own `Try: command`.

pub(crate) mod answer;
mod apply;
mod hosts;
mod peers;
mod read;
pub(crate) mod socket;
mod status;

use std::sync::Arc;

use protocol::wire::v1;
use tonic::{Request, Response, Status};
use tunnel::rpc::v1::api_server::Api;

use crate::controller::Parts;

/// Serves the command line.
pub(crate) struct ApiService(pub(crate) Arc<Parts>);

#[tonic::async_trait]
impl Api for ApiService {
    async fn apply(
        &self,
        request: Request<v1::ApplyRequest>,
    ) -> Result<Response<v1::ApplyReply>, Status> {
        apply::apply(&self.0, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn get(
        &self,
        request: Request<v1::GetRequest>,
    ) -> Result<Response<v1::GetReply>, Status> {
        read::get(&self.0, request.into_inner()).map(Response::new)
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteRequest>,
    ) -> Result<Response<v1::ChangeReply>, Status> {
        apply::delete(&self.0, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Result<Response<v1::CreateTokenReply>, Status> {
        hosts::create_token(&self.0, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn invite_peer(
        &self,
        request: Request<v1::InvitePeerRequest>,
    ) -> Result<Response<v1::InvitePeerReply>, Status> {
        peers::invite(&self.0, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn join_peer(
        &self,
        request: Request<v1::JoinPeerRequest>,
    ) -> Result<Response<v1::JoinPeerReply>, Status> {
        peers::join(&self.0, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn list_peers(
        &self,
        _request: Request<v1::ListPeersRequest>,
    ) -> Result<Response<v1::ListPeersReply>, Status> {
        Ok(Response::new(v1::ListPeersReply {
            peers: peers::list(&self.0),
        }))
    }

    async fn remove_peer(
        &self,
        request: Request<v1::RemovePeerRequest>,
    ) -> Result<Response<v1::ChangeReply>, Status> {
        peers::remove(&self.0, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn status(
        &self,
        _request: Request<v1::StatusRequest>,
    ) -> Result<Response<v1::StatusReply>, Status> {
        Ok(Response::new(status::status(&self.0)))
    }

    async fn wait_acknowledged(
        &self,
        request: Request<v1::WaitRequest>,
    ) -> Result<Response<v1::WaitReply>, Status> {
        hosts::wait_acknowledged(&self.0, request.into_inner())
            .await
            .map(Response::new)
    }
}
