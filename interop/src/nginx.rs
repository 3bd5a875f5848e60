//! nginx as the application: stores what is PUT, gives it back, compresses, counts its connections.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use testbed::not_run::tool;
use testbed::{Process, http, ports, wait};

/// A running nginx.
#[derive(Debug)]
pub struct Nginx {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    /// What it serves and stores.
    pub files: PathBuf,
    _process: Process,
    _directory: TempDir,
}

impl Nginx {
    /// Starts it; `None` where it isn't installed.
    pub fn start() -> Option<Self> {
        let program = tool("nginx")?;
        let directory = TempDir::with_prefix("weft-nginx-").unwrap();
        let place = directory.path();
        let files = place.join("files");
        std::fs::create_dir_all(&files).unwrap();
        for name in ["body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            std::fs::create_dir_all(place.join(name)).unwrap();
        }
        let port = ports::free();
        std::fs::write(place.join("nginx.conf"), configuration(place, port)).unwrap();
        let mut command = Command::new(program);
        command.arg("-p").arg(place).args([
            "-c",
            "nginx.conf",
            "-e",
            "stderr",
            "-g",
            "daemon off;",
        ]);
        let process = Process::spawn("nginx", command, &place.join("nginx.log"));
        let nginx = Self {
            port,
            files,
            _process: process,
            _directory: directory,
        };
        wait::until("nginx answers", wait::GENEROUS, || nginx.connections());
        Some(nginx)
    }

    /// How many connections it has open, the one that asks not counted.
    pub fn connections(&self) -> Option<u64> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let text = http::get(address, "nginx", "/connections").ok()?.text();
        let active = text
            .strip_prefix("Active connections: ")?
            .split_whitespace()
            .next()?
            .parse::<u64>()
            .ok()?;
        Some(active - 1)
    }
}

fn configuration(place: &Path, port: u16) -> String {
    let place = place.display();
    let user = if nix_root() { "user root;" } else { "" };
    format!(
        "{user}
master_process off; # one process: killed, it leaves no worker behind
pid {place}/pid;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  client_max_body_size 0;
  keepalive_timeout 75s;
  types {{ text/plain txt; }}
  server {{
    listen 127.0.0.1:{port};
    root {place}/files;
    gzip on; gzip_types text/plain; gzip_min_length 1;
    location = / {{ return 200 \"nginx\\n\"; }}
    location = /connections {{ stub_status; }}
    location /stored/ {{ dav_methods PUT DELETE; create_full_put_path on; }}
    location = /slow {{ limit_rate 20k; try_files /large.bin =404; }}
  }}
}}
"
    )
}

fn nix_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
