//! HAProxy as the distribution ships it.

use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::resource::{Resource, getrlimit};

use super::{Leg, Spoken};
use crate::certificates::Certificates;

/// Debian's `haproxy`.
///
/// # Errors
/// When it isn't installed.
pub fn program() -> Result<PathBuf, String> {
    testbed::not_run::tool("haproxy").ok_or_else(|| "HAProxy isn't installed".to_owned())
}

/// In the foreground, without a master.
pub fn command(program: &Path, file: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("-db").arg("-f").arg(file);
    command
}

/// One proxy of a pair.
pub fn configuration(tcp: bool, leg: &Leg, certificates: &Certificates) -> String {
    let both = certificates.file("both.pem");
    let authority = certificates.file("ca.pem");
    let alpn = if tcp { "" } else { " alpn h2" };
    let tls = |side: &str| {
        format!(
            " ssl crt {} ca-file {} verify required{side}{alpn}",
            both.display(),
            authority.display()
        )
    };
    let plain = match (tcp, leg.spoken) {
        (false, Spoken::Http2) => " proto h2",
        _ => "",
    };
    let (bind, server) = if leg.near {
        (plain.to_owned(), tls(" sni str(side)"))
    } else {
        (tls(""), plain.to_owned())
    };
    let (mode, reuse) = if tcp {
        ("tcp", "")
    } else {
        ("http", "\n  http-reuse always")
    };
    // it refuses to start with more than it has descriptors for, one each way
    let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(1_024, |(soft, _)| soft);
    let connections = (files.saturating_sub(200) / 2).clamp(100, 30_000);
    format!(
        "global
  nbthread 1
  maxconn {connections}
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-server-options ssl-min-ver TLSv1.3
defaults
  mode {mode}
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout http-keep-alive 600s
frontend in
  bind {}{bind}
  default_backend out
backend out{reuse}
  server next {}{server}
",
        leg.listen, leg.upstream
    )
}
