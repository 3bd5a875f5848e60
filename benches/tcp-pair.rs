//! One end of TLS over kernel TCP: `tcp-pair near|far http2|http2-short|pipe LISTEN UPSTREAM CONGESTION CERTIFICATES`.
#![allow(clippy::print_stdout, reason = "it says when it is ready")]

use std::io;
use std::path::Path;

use benches::tcp_pair::{Orders, far, near};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [role, orders @ .., place] = &words[..] else {
        return Err(io::Error::other("tcp-pair near|far ORDERS CERTIFICATES"));
    };
    let orders = Orders::parse(orders)?;
    let ready = || println!("READY");
    match role.as_str() {
        "near" => near::run(&orders, Path::new(place), ready).await,
        "far" => far::run(&orders, Path::new(place), ready).await,
        _ => Err(io::Error::other(format!("{role:?} is no end"))),
    }
}
