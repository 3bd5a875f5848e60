//! nginx: a small answer at `/`, larger ones at `/page` and `/large`, and one at `/endless` that nobody reads to its end.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use testbed::not_run::tool;
use testbed::{Process, http, ports, wait};

use crate::ground::{Ground, Side};

/// What `/` answers has so many bytes.
const SMALL: usize = 128;
/// And `/large` so many.
const LARGE: usize = 64 * 1024;
/// And `/page` so many.
const PAGE: usize = 16 * 1024;
/// A file without blocks: a hundred days at 1 Mbit/s.
const ENDLESS: u64 = 1 << 40;

/// A running nginx, one process.
#[derive(Debug)]
pub struct Nginx {
    /// Its port, on all addresses of the far side.
    pub port: u16,
    _process: Process,
    _directory: TempDir,
}

impl Nginx {
    /// Starts it.
    ///
    /// # Errors
    /// When it isn't installed.
    pub fn start(ground: &Ground) -> Result<Self, String> {
        let program = tool("nginx").ok_or("nginx isn't installed")?;
        let directory = TempDir::with_prefix("weft-nginx-").unwrap();
        let place = directory.path();
        std::fs::write(place.join("large"), vec![b'x'; LARGE]).unwrap();
        std::fs::write(place.join("page"), vec![b'x'; PAGE]).unwrap();
        let endless = std::fs::File::create(place.join("endless")).unwrap();
        endless.set_len(ENDLESS).unwrap();
        for name in ["body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            std::fs::create_dir_all(place.join(name)).unwrap();
        }
        let port = ground.on(Side::Far, ports::free);
        std::fs::write(place.join("nginx.conf"), configuration(place, port)).unwrap();
        let mut command = Command::new(program);
        command.arg("-p").arg(place);
        command.args(["-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"]);
        let process = ground.spawn(Side::Far, "nginx", command, &place.join("nginx.log"));
        let nginx = Self {
            port,
            _process: process,
            _directory: directory,
        };
        wait::until("nginx answers", wait::GENEROUS, || {
            ground.on(Side::Near, || {
                http::get(nginx.direct(ground), "nginx", "/").ok()
            })
        });
        Ok(nginx)
    }

    /// Where the near side reaches it directly.
    pub fn direct(&self, ground: &Ground) -> SocketAddr {
        ground.socket(Side::Far, self.port)
    }
}

/// It never closes a connection by itself: a proxy's pool would look slow for it.
fn configuration(place: &Path, port: u16) -> String {
    let small = "x".repeat(SMALL);
    let place = place.display();
    format!(
        "user root;
master_process off; # one process: killed, it leaves no worker behind
pid {place}/pid;
worker_rlimit_nofile 60000;
events {{ worker_connections 20000; }}
http {{
  access_log off;
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  keepalive_timeout 3600s; keepalive_requests 1000000000;
  sendfile on;
  default_type text/plain;
  server {{
    listen {port} backlog=4096;
    root {place};
    add_header X-Origin bench;
    location = / {{ return 200 \"{small}\"; }}
    location = /large {{ }}
    location = /page {{ }}
    location = /endless {{ }}
  }}
}}
"
    )
}
