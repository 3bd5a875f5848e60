//! A CA and a P-256 certificate for both sides of the peers, by the `openssl` program.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A directory with `ca.pem`, `side.pem`, `side.key`, and `both.pem`, which is certificate and key in one file.
#[derive(Debug)]
pub struct Certificates {
    directory: TempDir,
}

impl Certificates {
    /// Makes them; nothing where `openssl` isn't installed.
    pub fn make() -> Option<Self> {
        testbed::not_run::tool("openssl")?;
        let directory = TempDir::with_prefix("weft-bench-").unwrap();
        let place = directory.path();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -sha256";
        openssl(
            place,
            &format!("req -x509 -subj /CN=ca -keyout ca.key -out ca.pem {key}"),
        );
        let key = key.replace("-days 2 ", "");
        openssl(
            place,
            &format!("req -subj /CN=side -keyout side.key -out side.csr {key}"),
        );
        std::fs::write(place.join("names"), "subjectAltName=DNS:side\n").unwrap();
        openssl(
            place,
            "x509 -req -in side.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -sha256 -extfile names -out side.pem",
        );
        let both = ["side.pem", "side.key"].map(|name| std::fs::read(place.join(name)).unwrap());
        std::fs::write(place.join("both.pem"), both.concat()).unwrap();
        Some(Self { directory })
    }

    /// Where one of them is.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

fn openssl(place: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .current_dir(place)
        .args(arguments.split(' '))
        .output()
        .expect("openssl starts");
    assert!(
        output.status.success(),
        "openssl {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
