//! curl, wrk and nginx: HTTP/1.1 as they understand it, through two nodes and a gateway.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may end by panicking, and says what it saw"
)]

use std::path::Path;
use std::process::{Command, Output};

use interop::Crossing;
use interop::crossing::Encoding;
use interop::nginx::Nginx;
use testbed::not_run::{missing_tools, not_run};
use testbed::wait;

const GIB: u64 = 1 << 30;

/// The way from curl to nginx, or the reason why there is none.
fn crossing(name: &str, encoding: Encoding) -> Option<(Nginx, Crossing)> {
    if let Some(missing) = missing_tools(&["nginx", "curl", "wrk"]) {
        not_run(name, &missing);
        return None;
    }
    let nginx = Nginx::start()?;
    let crossing = Crossing::to(nginx.port, "http", encoding);
    Some((nginx, crossing))
}

fn curl(arguments: &[&str]) -> Output {
    Command::new("curl")
        .args(["--silent", "--show-error"])
        .args(arguments)
        .output()
        .unwrap()
}

#[track_caller]
fn curl_ok(arguments: &[&str]) -> (String, String) {
    let output = curl(arguments);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(
        output.status.success(),
        "curl {arguments:?}: {}\n{err}\n{out}",
        output.status
    );
    (out, err)
}

#[test]
fn curl_and_nginx_understand_each_other() {
    everything("curl_and_nginx_understand_each_other", Encoding::Weft1);
}

#[test]
fn curl_and_nginx_understand_each_other_over_h3() {
    everything("curl_and_nginx_understand_each_other_over_h3", Encoding::H3);
}

fn everything(name: &str, encoding: Encoding) {
    let Some((nginx, crossing)) = crossing(name, encoding) else {
        return;
    };
    keep_alive(&crossing);
    chunked_both_ways(&nginx, &crossing);
    expect_continue(&nginx, &crossing);
    head_and_ranges(&nginx, &crossing);
    aborted_requests(&nginx, &crossing);
    wrk(&crossing);
}

fn keep_alive(crossing: &Crossing) {
    let url = crossing.url("/");
    let (out, err) = curl_ok(&["--verbose", &url, &url, &url]);
    assert_eq!(out, "nginx\nnginx\nnginx\n");
    assert_eq!(
        err.matches("Re-using existing connection").count(),
        2,
        "{err}"
    );
}

fn chunked_both_ways(nginx: &Nginx, crossing: &Crossing) {
    let text = "weft ".repeat(100_000);
    let file = nginx.files.join("source.txt");
    std::fs::write(&file, &text).unwrap();
    let upload = format!("@{}", file.display());
    let stored = crossing.url("/stored/chunked.txt");
    curl_ok(&[
        "--fail",
        "-X",
        "PUT",
        "-H",
        "Transfer-Encoding: chunked",
        "--data-binary",
        &upload,
        &stored,
    ]);
    assert_eq!(
        std::fs::read_to_string(nginx.files.join("stored/chunked.txt")).unwrap(),
        text
    );
    // nginx compresses as it sends, and so doesn't know the length.
    let (out, err) = curl_ok(&["--verbose", "--compressed", &stored]);
    assert!(
        err.to_ascii_lowercase()
            .contains("< transfer-encoding: chunked"),
        "{err}"
    );
    assert_eq!(out, text);
}

fn expect_continue(nginx: &Nginx, crossing: &Crossing) {
    let upload = format!("@{}", nginx.files.join("source.txt").display());
    let stored = crossing.url("/stored/expected.txt");
    let (_, err) = curl_ok(&[
        "--verbose",
        "--fail",
        "--expect100-timeout",
        "60",
        "-X",
        "PUT",
        "-H",
        "Expect: 100-continue",
        "--data-binary",
        &upload,
        &stored,
    ]);
    assert!(err.contains("< HTTP/1.1 100 Continue"), "{err}");
    assert!(nginx.files.join("stored/expected.txt").exists());
}

fn head_and_ranges(nginx: &Nginx, crossing: &Crossing) {
    std::fs::write(nginx.files.join("digits.bin"), "0123456789").unwrap();
    let url = crossing.url("/digits.bin");
    let (out, _) = curl_ok(&["--fail", "--head", &url]);
    assert!(
        out.to_ascii_lowercase().contains("content-length: 10"),
        "{out}"
    );
    let (out, _) = curl_ok(&["--fail", "--range", "2-4", &url]);
    assert_eq!(out, "234");
    let (out, _) = curl_ok(&[
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code}",
        &crossing.url("/absent"),
    ]);
    assert_eq!(out, "404");
}

/// A client that goes away is heard by the application: its connection ends.
fn aborted_requests(nginx: &Nginx, crossing: &Crossing) {
    sparse(&nginx.files.join("large.bin"), 200 << 20);
    let output = curl(&[
        "--max-time",
        "2",
        "--output",
        "/dev/null",
        &crossing.url("/slow"),
    ]);
    assert_eq!(output.status.code(), Some(28), "curl gave up by itself");
    let mut upload = Command::new("curl")
        .args([
            "--silent",
            "--limit-rate",
            "10k",
            "-T",
            nginx.files.join("large.bin").to_str().unwrap(),
            &crossing.url("/stored/never"),
        ])
        .spawn()
        .unwrap();
    wait::until("the upload is under way", wait::GENEROUS, || {
        nginx.connections().filter(|open| *open >= 1)
    });
    upload.kill().unwrap();
    upload.wait().unwrap();
    wait::until("nginx has closed what was given up", wait::GENEROUS, || {
        // One idle connection may stay for the next request.
        nginx.connections().filter(|open| *open <= 1)
    });
    assert!(
        !nginx.files.join("stored/never").exists(),
        "half an upload is none"
    );
}

fn wrk(crossing: &Crossing) {
    let output = Command::new("wrk")
        .args(["-t1", "-c32", "-d3s", "--latency", &crossing.url("/")])
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    println!("{out}");
    assert!(output.status.success(), "{out}");
    assert!(
        !out.contains("Socket errors") && !out.contains("Non-2xx"),
        "{out}"
    );
}

#[test]
fn a_gibibyte_goes_both_ways_with_flat_memory() {
    let Some((nginx, crossing)) = crossing(
        "a_gibibyte_goes_both_ways_with_flat_memory",
        Encoding::Weft1,
    ) else {
        return;
    };
    let large = nginx.files.join("gibibyte.bin");
    sparse(&large, GIB);
    let before = crossing.peak_memory_kib();
    let (out, _) = curl_ok(&[
        "--fail",
        "--output",
        "/dev/null",
        "--write-out",
        "%{size_download}",
        &crossing.url("/gibibyte.bin"),
    ]);
    assert_eq!(out, GIB.to_string());
    curl_ok(&[
        "--fail",
        "--output",
        "/dev/null",
        "-T",
        large.to_str().unwrap(),
        &crossing.url("/stored/gibibyte.bin"),
    ]);
    assert_eq!(
        std::fs::metadata(nginx.files.join("stored/gibibyte.bin"))
            .unwrap()
            .len(),
        GIB
    );
    for ((name, before), (_, after)) in before.into_iter().zip(crossing.peak_memory_kib()) {
        println!("{name}: peak {before} KiB before, {after} KiB after 1 GiB each way");
        assert!(
            after - before < 128 << 10,
            "{name} grew by {} KiB",
            after - before
        );
    }
}

fn sparse(path: &Path, length: u64) {
    std::fs::File::create(path)
        .unwrap()
        .set_len(length)
        .unwrap();
}
