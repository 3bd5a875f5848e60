//! Python's gRPC on both sides: every kind of call and what goes with it, through two nodes and a gateway.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may end by panicking, and says what it saw"
)]

use interop::Crossing;
use interop::crossing::{AUTHORITY, Encoding};
use interop::grpc::PythonGrpc;
use testbed::not_run::not_run;

#[test]
fn python_grpc_works_unchanged() {
    works("python_grpc_works_unchanged", Encoding::Weft1);
}

#[test]
fn python_grpc_works_unchanged_over_h3() {
    works("python_grpc_works_unchanged_over_h3", Encoding::H3);
}

fn works(name: &str, encoding: Encoding) {
    let grpc = match PythonGrpc::start() {
        Ok(grpc) => grpc,
        Err(reason) => return not_run(name, &reason),
    };
    let crossing = Crossing::to(grpc.port, "grpc", encoding);
    for scenario in [
        "kinds",
        "deadline",
        "cancellation",
        "metadata",
        "errors",
        "large",
        "concurrent",
    ] {
        println!("{scenario}");
        grpc.scenario(crossing.port, AUTHORITY, scenario);
    }
    // A call that no policy lets in ends with a gRPC status, not with a broken connection.
    crossing.west.weft_ok(&[
        "delete",
        "authorizationpolicy",
        "payments-allow-east-shop-cart",
        "-n",
        "shop",
        "--wait=30s",
    ]);
    grpc.scenario(crossing.port, AUTHORITY, "refused");
}
