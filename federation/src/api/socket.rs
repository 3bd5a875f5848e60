//! `data_dir/weft.sock`: 0600 in a 0700 directory, and the kernel says who calls: the controller's own user, or root.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;
use tunnel::rpc::v1::api_server::ApiServer;

use super::ApiService;
use crate::controller::Parts;

/// More than a manifest may have, so that one that is too large is told so by its check.
const MAX_REQUEST_BYTES: usize = 2 * protocol::resource::CONFIG_BYTES;

/// Binds the socket. The state's file is held, so that one left behind is nobody's.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves the command line for as long as it is polled.
pub(crate) async fn serve(
    parts: Arc<Parts>,
    listener: UnixListener,
) -> Result<(), tonic::transport::Error> {
    let callers =
        UnixListenerStream::new(listener).filter_map(|stream| std::future::ready(admit(stream)));
    let api = ApiServer::new(ApiService(parts)).max_decoding_message_size(MAX_REQUEST_BYTES);
    Server::builder()
        .add_service(api)
        .serve_with_incoming(callers)
        .await
}

fn admit(stream: io::Result<UnixStream>) -> Option<io::Result<UnixStream>> {
    let stream = match stream {
        Ok(stream) => stream,
        Err(error) => {
            tracing::warn!(%error, "a caller of the API could not be accepted");
            return None;
        }
    };
    let caller = stream.peer_cred().map(|caller| caller.uid());
    match caller {
        Ok(uid) if uid == 0 || uid == nix::unistd::geteuid().as_raw() => Some(Ok(stream)),
        Ok(uid) => {
            tracing::warn!(
                uid,
                "a caller of the API was refused: it is neither this user nor root"
            );
            None
        }
        Err(error) => {
            tracing::warn!(%error, "a caller of the API was refused: the kernel doesn't say who it is");
            None
        }
    }
}
