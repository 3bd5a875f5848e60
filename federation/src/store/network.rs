//! The way to other replicas. A cluster of one voter has none, so whoever is asked for is out of reach.

use std::io;

use openraft::error::{InstallSnapshotError, RPCError, RaftError, Unreachable};
use openraft::network::RPCOption;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use openraft::{EmptyNode, RaftNetwork, RaftNetworkFactory};

use super::raft::Types;

/// Knows no other replica.
pub(super) struct Network;

/// A replica that isn't there.
pub(super) struct Nobody {
    target: u64,
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Nobody;

    async fn new_client(&mut self, target: u64, _node: &EmptyNode) -> Nobody {
        Nobody { target }
    }
}

impl Nobody {
    fn unreachable(&self) -> Unreachable {
        Unreachable::new(&io::Error::new(
            io::ErrorKind::NotFound,
            format!("there is no replica {}", self.target),
        ))
    }
}

impl RaftNetwork<Types> for Nobody {
    async fn append_entries(
        &mut self,
        _request: AppendEntriesRequest<Types>,
        _option: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>, RPCError<u64, EmptyNode, RaftError<u64>>> {
        Err(RPCError::Unreachable(self.unreachable()))
    }

    async fn install_snapshot(
        &mut self,
        _request: InstallSnapshotRequest<Types>,
        _option: RPCOption,
    ) -> Result<
        InstallSnapshotResponse<u64>,
        RPCError<u64, EmptyNode, RaftError<u64, InstallSnapshotError>>,
    > {
        Err(RPCError::Unreachable(self.unreachable()))
    }

    async fn vote(
        &mut self,
        _request: VoteRequest<u64>,
        _option: RPCOption,
    ) -> Result<VoteResponse<u64>, RPCError<u64, EmptyNode, RaftError<u64>>> {
        Err(RPCError::Unreachable(self.unreachable()))
    }
}
