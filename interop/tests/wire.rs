//! HTTP/1 to the byte, and what an upgrade makes of it: a server and a client of raw sockets, and the WebSocket of Python.
//!
//! Each client runs against its server directly first: what it asks for can be had.

use interop::Crossing;
use interop::crossing::AUTHORITY;
use interop::crossing::Encoding;
use interop::script::{ScriptServer, run_client};
use testbed::not_run;

#[test]
fn http1_arrives_as_it_was_sent() {
    let server = match ScriptServer::start("wire_server.py", &[]) {
        Ok(server) => server,
        Err(reason) => return not_run("http1_arrives_as_it_was_sent", &reason),
    };
    run_client(
        "wire_client.py",
        &[],
        &[&server.port.to_string(), AUTHORITY],
    );
    let crossing = Crossing::to(server.port, "http", Encoding::Weft1);
    let ports = [crossing.port, crossing.proxy].map(|port| port.to_string());
    run_client("wire_client.py", &[], &[&ports[0], AUTHORITY, &ports[1]]);
}

#[test]
fn websockets_of_python_cross() {
    const MODULES: [&str; 1] = ["websockets"];
    let server = match ScriptServer::start("websocket_server.py", &MODULES) {
        Ok(server) => server,
        Err(reason) => return not_run("websockets_of_python_cross", &reason),
    };
    run_client(
        "websocket_client.py",
        &MODULES,
        &[&server.port.to_string(), AUTHORITY],
    );
    let crossing = Crossing::to(server.port, "http", Encoding::Weft1);
    run_client(
        "websocket_client.py",
        &MODULES,
        &[&crossing.port.to_string(), AUTHORITY],
    );
}
