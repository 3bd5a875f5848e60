//! The applications of the demo: ordinary programs on localhost that know nothing of Weft.
//! `weft demo` starts each as a process of its own by the hidden command `demo-app`.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use tokio::net::TcpListener;

use self::records::Records;
use super::trouble::DemoError;
use crate::failure::Failure;

mod records;
mod shop;
mod till;

/// Serve as one of the demo's applications.
#[derive(Debug, clap::Args)]
pub(crate) struct AppArgs {
    /// Which of the two applications
    #[arg(value_enum)]
    pub(super) kind: AppKind,
    /// The port on 127.0.0.1 to serve at
    #[arg(long)]
    pub(super) port: u16,
    /// The cluster it says to be in
    #[arg(long)]
    pub(super) cluster: String,
    /// The name it answers with
    #[arg(long)]
    pub(super) instance: String,
    /// The file to which the IDs of served requests are appended
    #[arg(long)]
    pub(super) records: PathBuf,
}

/// The two applications.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum AppKind {
    /// The HTTP/1.1 shop
    Http,
    /// The gRPC till
    Grpc,
}

/// Who answers, and where it notes what it served.
#[derive(Debug)]
struct Instance {
    cluster: String,
    name: String,
    records: Records,
}

/// Serves until it is killed.
pub(crate) async fn run(args: AppArgs) -> Result<ExitCode, Failure> {
    serve(args).await?;
    Ok(ExitCode::SUCCESS)
}

/// Serves until it is killed, or can't.
pub(super) async fn serve(args: AppArgs) -> Result<(), DemoError> {
    let records = Records::open(&args.records)
        .map_err(|error| DemoError::io(args.records.display(), error))?;
    let address = SocketAddr::from(([127, 0, 0, 1], args.port));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| DemoError::io(format!("listen at {address}"), error))?;
    let instance = Arc::new(Instance {
        cluster: args.cluster,
        name: args.instance,
        records,
    });
    match args.kind {
        AppKind::Http => shop::serve(listener, instance).await,
        AppKind::Grpc => till::serve(listener, instance).await,
    }
}
