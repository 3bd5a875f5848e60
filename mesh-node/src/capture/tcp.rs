//! Connections that aren't HTTP, and those of which that isn't known yet.

use std::time::Duration;

use protocol::name::MeshHost;
use tokio::time::timeout;

use super::detect::{self, Beginning, Speaks};
use crate::io::Io;
use crate::outbound::{Outbound, Source, Standing};

/// How long an app may say nothing on a connection that its policies let nobody open as TCP: it may still speak HTTP.
const PATIENCE: Duration = Duration::from_secs(10);

/// Goes on with a connection on which nobody has spoken: whoever does first, decides. Gives it back if that is the app, in HTTP; the
/// TCP connection that was opened meanwhile is let go then, no byte having passed on it.
pub(super) async fn until_spoken(
    mut io: Io,
    outbound: &Outbound,
    source: &Source,
    host: &MeshHost,
    mut standing: Option<Standing>,
) -> Option<(Io, Speaks)> {
    let app = {
        let server = async {
            if standing.is_none() {
                standing = outbound.connect(source, host).await.ok();
            }
            match &mut standing {
                Some(standing) => standing.first_words().await,
                None => false,
            }
        };
        tokio::select! {
            biased;
            beginning = detect::first_bytes(&mut io) => Some(beginning),
            spoken = server => if spoken { Some(Beginning::Speaks(Speaks::Bytes)) } else { None },
        }
    };
    let app = match app {
        Some(beginning) => beginning,
        None => timeout(PATIENCE, detect::first_bytes(&mut io))
            .await
            .unwrap_or(Beginning::Gone),
    };
    match (app, standing) {
        (Beginning::Speaks(speaks @ (Speaks::Http1 | Speaks::Http2)), standing) => {
            if let Some(standing) = standing {
                standing.let_go();
            }
            Some((io, speaks))
        }
        // An end without a word may be half of one.
        (_, Some(standing)) => {
            standing.carry(io).await;
            None
        }
        (Beginning::Speaks(Speaks::Bytes), None) => {
            outbound.carry(source, host, io).await;
            None
        }
        (Beginning::Gone | Beginning::Silence, None) => {
            io.reset();
            None
        }
    }
}
