//! Peers that stall, vanish and come in thousands: memory stays within limits, nothing locks up, and everything is given back.
#![allow(clippy::print_stdout, reason = "says how much memory was used")]

mod aborts;
mod bed;
mod client;

use std::io::{Read, Write};
use std::net::TcpStream;

use testbed::{http, wait};

use bed::{Bed, ORIGIN};

const GIB: u64 = 1 << 30;
/// What a tunnel may hold unread: its own window, and behind it a window's worth that waits to be sent.
const WINDOWS_MIB: u64 = 32;

fn connect(bed: &Bed) -> TcpStream {
    let stream = TcpStream::connect(bed.listeners[0]).unwrap();
    stream.set_read_timeout(Some(wait::GENEROUS)).unwrap();
    stream
}

/// A gibibyte for somebody who reads nothing, and then everything: it waits at its source, not in the nodes.
#[test]
fn stalled_reader_leaves_a_gibibyte_at_its_source() {
    let bed = Bed::start();
    let before = bed.resident_kib();
    let mut stalled = connect(&bed);
    write!(
        stalled,
        "GET /bytes/{GIB} HTTP/1.1\r\nhost: {ORIGIN}\r\n\r\n"
    )
    .unwrap();
    let waiting = bed.settled("written");
    println!("{} KiB on their way", waiting >> 10);
    assert!(
        waiting < GIB / 4,
        "{waiting} bytes were taken from the application"
    );
    bed.assert_grew_less(before, bed.peak_kib(), WINDOWS_MIB);
    let mut byte = [0; 1 << 16];
    let mut read = 0;
    while read < GIB {
        let count = stalled.read(&mut byte).unwrap();
        assert_ne!(count, 0, "the answer broke off after {read} bytes");
        read += count as u64;
    }
    bed.assert_grew_less(before, bed.peak_kib(), WINDOWS_MIB);
}

/// The same the other way: an application that reads nothing of a gibibyte until it is told to.
#[test]
fn stalled_application_leaves_a_gibibyte_at_its_caller() {
    let bed = Bed::start();
    let before = bed.resident_kib();
    let stalled = connect(&bed);
    let mut writer = stalled.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        write!(
            writer,
            "POST /stall HTTP/1.1\r\nhost: {ORIGIN}\r\ncontent-length: {GIB}\r\n\r\n"
        )
        .unwrap();
        let block = vec![0; 1 << 16];
        for _ in 0..GIB >> 16 {
            writer.write_all(&block).unwrap();
        }
    });
    wait::until("the application has the request", wait::GENEROUS, || {
        (bed.count("held") == 1).then_some(())
    });
    // What can be buffered is, once the nodes grow no more.
    let (mut last, mut same) = ([0; 2], 0);
    wait::until("the nodes come to rest", wait::GENEROUS, || {
        let now = bed.peak_kib();
        same = if now == last { same + 1 } else { 0 };
        last = now;
        (same == 50).then_some(())
    });
    assert!(!sending.is_finished(), "somebody holds a gibibyte");
    bed.assert_grew_less(before, bed.peak_kib(), WINDOWS_MIB);
    bed.release();
    let mut reader = std::io::BufReader::new(stalled);
    let head = client::head(&mut reader);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    sending.join().unwrap();
    bed.assert_grew_less(before, bed.peak_kib(), WINDOWS_MIB);
}

/// More stalled readers than fit into one tunnel's window take no more than the windows, and what they held is free once they go.
#[test]
fn stalled_readers_take_no_more_than_the_windows() {
    let bed = Bed::start();
    let before = bed.resident_kib();
    let stalled: Vec<TcpStream> = (0..24)
        .map(|_| {
            let mut stream = connect(&bed);
            write!(
                stream,
                "GET /bytes/{GIB} HTTP/1.1\r\nhost: {ORIGIN}\r\n\r\n"
            )
            .unwrap();
            stream
        })
        .collect();
    bed.settled("written");
    bed.assert_grew_less(before, bed.peak_kib(), 2 * WINDOWS_MIB);
    drop(stalled);
    for _ in 0..20 {
        assert_eq!(
            http::get(bed.listeners[1], ORIGIN, "/").unwrap().status,
            200
        );
    }
    wait::until("the application hears of it", wait::GENEROUS, || {
        (bed.count("connections") <= 16).then_some(())
    });
}

/// Ten thousand requests at once, all held by the application: memory is bounded, each is answered, and then all is as before.
#[test]
fn ten_thousand_requests_at_once_are_all_answered() {
    const REQUESTS: usize = 10_000;
    const NAME: &str = "faults::ten_thousand_requests_at_once_are_all_answered";
    if let Some(reason) = client::lacks_descriptors(REQUESTS as u64 + 1000) {
        return testbed::not_run(NAME, &reason);
    }
    let bed = Bed::start();
    let before = bed.resident_kib();
    let crowd = client::Crowd::ask(&bed.listeners, ORIGIN, "/hold", REQUESTS);
    // As many as a tunnel has streams, one after the other.
    wait::until("they are at the application", wait::GENEROUS, || {
        (bed.count("held") >= 1000).then_some(())
    });
    let held = bed.settled("held");
    println!("{held} of {REQUESTS} are at the application");
    bed.release();
    let answers = crowd.answers();
    println!("{answers:?}");
    assert_eq!(answers.values().sum::<usize>(), REQUESTS);
    assert_eq!(answers.get(&200), Some(&REQUESTS), "{answers:?}");
    // About 40 KiB a request at each node, of which most is what an HTTP connection reads into.
    bed.assert_grew_less(before, bed.peak_kib(), 512);
    bed.wait_served();
    wait::until("the connections are gone", wait::GENEROUS, || {
        (bed.descriptors()[0] < 200).then_some(())
    });
}
