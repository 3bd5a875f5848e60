//! The process between two network namespaces: `link-emulator NEAR FAR SEED CONDITIONS`, the first two as paths of namespaces.
//!
//! Orders come as lines: conditions change the link, `counters` asks for what happened since. It ends with its input.
#![allow(clippy::print_stdout, reason = "answers go to standard output")]

use std::fs::File;
use std::io::{self, BufRead};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use benches::link::conditions::Conditions;
use benches::link::namespace::Namespace;
use benches::link::wire::Wire;
use benches::link::{FAR, NEAR, device, relay};
use serde_json::json;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [near, far, seed, conditions] = &arguments[..] else {
        return Err(io::Error::other("link-emulator NEAR FAR SEED CONDITIONS"));
    };
    let seed: u64 = seed.parse().map_err(io::Error::other)?;
    let conditions: Conditions = conditions.parse().map_err(io::Error::other)?;
    let near = end(near, NEAR.to_string(), FAR.to_string())?;
    let far = end(far, FAR.to_string(), NEAR.to_string())?;
    let wires =
        [seed, seed ^ u64::MAX].map(|seed| Arc::new(Mutex::new(Wire::new(conditions, seed))));
    let epoch = Instant::now();
    let (near, far) = (Arc::new(near), Arc::new(far));
    let [forth, back] = &wires;
    start(&near, &far, forth, epoch);
    start(&far, &near, back, epoch);
    println!("READY");
    for line in io::stdin().lock().lines() {
        obey(&line?, forth, back)?;
    }
    Ok(())
}

/// A device in a namespace, with its address and the other one's.
fn end(namespace: &str, own: String, other: String) -> io::Result<File> {
    let namespace = Namespace::open(namespace)?;
    let file = namespace.run(|| device::open(device::NAME))?;
    namespace.ip(&["address", "add", &own, "peer", &other, "dev", device::NAME])?;
    let mtu = device::MTU.to_string();
    // the sender's own queue must not drop: the link's does
    namespace.ip(&[
        "link",
        "set",
        "dev",
        device::NAME,
        "mtu",
        &mtu,
        "txqueuelen",
        "10000",
        "up",
    ])?;
    Ok(file)
}

fn start(from: &Arc<File>, to: &Arc<File>, wire: &Arc<Mutex<Wire>>, epoch: Instant) {
    let (from, to, wire) = (Arc::clone(from), Arc::clone(to), Arc::clone(wire));
    std::thread::spawn(move || {
        let failed = relay::carry(&from, &to, &wire, epoch);
        println!("FAILED {failed:?}");
        std::process::exit(1);
    });
}

fn obey(line: &str, forth: &Mutex<Wire>, back: &Mutex<Wire>) -> io::Result<()> {
    if line == "counters" {
        let [forth, back] = [forth, back].map(|wire| relay::lock(wire).take_counters().to_json());
        println!("{}", json!({"forth": forth, "back": back}));
        return Ok(());
    }
    let conditions: Conditions = line.parse().map_err(io::Error::other)?;
    for wire in [forth, back] {
        relay::lock(wire).change(conditions);
    }
    println!("CHANGED");
    Ok(())
}
