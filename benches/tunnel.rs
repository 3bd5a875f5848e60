//! The tunnel alone against raw UDP: one stream as fast as it goes, two processes, two namespaces, no proxy around it.
//!
//! ```sh
//! cargo bench -p benches --bench tunnel -- [--rounds 5] [--seconds 5] [--congestion delivery|cubic] [--link "loss=0.01"]
//! ```
//! `--link` puts the link emulator between the two, with its defaults but for what is said (`link/conditions.rs`). Raw UDP, which
//! heeds nobody, then stays at home.
//! Raw UDP gets what quinn uses: batches of ten packets by GSO, and GRO at the receiver. It carries no keys, no acknowledgements and
//! no order: it is what the path can do. Both ends are this program, started again with a role.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints"
)]

#[path = "tunnel/quic.rs"]
mod quic;
#[path = "tunnel/udp.rs"]
mod udp;
#[path = "tunnel/world.rs"]
mod world;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ::tunnel::Congestion;
use benches::cost::cpu_seconds;
use benches::ground::{Ground, Side};
use benches::link::{Conditions, Link};
use benches::report::{Metric, Table, Taken, markdown, ratio};
use testbed::{Process, ports, wait};

const RAW: &str = "raw UDP, GSO of 10, GRO";
const TUNNEL: &str = "tunnel, one stream";
const WARM_UP: Duration = Duration::from_secs(1);

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    match &texts[..] {
        ["raw-receive", at] => udp::receive(at.parse().unwrap()),
        ["raw-send", to] => udp::send(to.parse().unwrap()),
        ["tunnel-receive", at, place, congestion] => {
            quic::receive(
                at.parse().unwrap(),
                Path::new(place),
                congestion.parse().unwrap(),
            );
        }
        ["tunnel-send", to, place, congestion] => {
            quic::send(
                to.parse().unwrap(),
                Path::new(place),
                congestion.parse().unwrap(),
            );
        }
        options => measure(options),
    }
}

/// Options come in pairs.
fn measure(options: &[&str]) {
    let (mut rounds, mut seconds, mut congestion) = (5, 5.0, Congestion::default());
    let mut conditions: Option<Conditions> = None;
    for pair in options.chunks(2) {
        match pair {
            ["--rounds", number] => rounds = number.parse().unwrap(),
            ["--seconds", number] => seconds = number.parse().unwrap(),
            ["--link", text] => conditions = Some(text.parse().unwrap()),
            ["--congestion", name] => congestion = name.parse().unwrap(),
            _ => panic!("{pair:?}? See the top of benches/tunnel.rs"),
        }
    }
    let mut link = conditions.map(|conditions| Link::start(&conditions, 1).unwrap());
    let ground = link.as_ref().map_or_else(Ground::lay, Link::ground);
    let ways = if link.is_some() {
        &[TUNNEL][..]
    } else {
        &[RAW, TUNNEL][..]
    };
    let directory = tempfile::TempDir::with_prefix("weft-tunnel-").unwrap();
    world::found(directory.path());
    let speed = if link.is_some() {
        Metric::Mbits
    } else {
        Metric::Gbits
    };
    let mut table = Table::new(
        "tunnel",
        "The tunnel alone",
        "One stream of bytes from one process to another; CPU of both",
        &[speed, Metric::CpuPerGb, Metric::Drops],
    );
    let network = conditions.map_or_else(|| ground.name().to_owned(), |link| link.to_string());
    table.taken = Taken::now(rounds, seconds, &network);
    let time = Duration::from_secs_f64(seconds);
    for _ in 0..rounds {
        for way in ways {
            run(&ground, &mut table, way, time, directory.path(), congestion);
            if let Some(link) = &mut link {
                let drops = u32::try_from(link.counters().unwrap().forth.overflowed).unwrap();
                table.note(way, Metric::Drops, drops.into());
            }
        }
    }
    println!("{}", markdown::table(&table));
    for metric in [Metric::Gbits, Metric::CpuPerGb] {
        let figures = table.figure(TUNNEL, metric).zip(table.figure(RAW, metric));
        let Some((ours, theirs)) = figures else {
            continue;
        };
        let said = ratio(metric, ours, theirs)
            .map_or_else(|refused| refused.to_string(), |ratio| ratio.to_string());
        println!("{TUNNEL} / {RAW}, {}: {said}", metric.heading());
    }
}

/// Starts both ends, lets them warm up, and looks how far the receiver gets.
fn run(
    ground: &Ground,
    table: &mut Table,
    way: &str,
    time: Duration,
    place: &Path,
    congestion: Congestion,
) {
    let at: SocketAddr = ground.socket(Side::Far, ground.on(Side::Far, ports::free));
    let (kind, more) = match way {
        RAW => ("raw", Vec::new()),
        _ => {
            let place = place.to_string_lossy().into_owned();
            ("tunnel", vec![place, congestion.to_string()])
        }
    };
    let start = |side: Side, role: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .arg(format!("{kind}-{role}"))
            .arg(at.to_string())
            .args(&more);
        let log = place.join(format!("{kind}-{role}-{}", at.port()));
        ground.spawn(side, role, command, &log)
    };
    let receiver = start(Side::Far, "receive");
    wait::until("the receiver listens", wait::GENEROUS, || {
        receiver.log().contains("READY").then_some(())
    });
    let sender = start(Side::Near, "send");
    wait::until("bytes arrive", wait::GENEROUS, || {
        (arrived(&receiver) > 0).then_some(())
    });
    std::thread::sleep(WARM_UP);
    let both = [&receiver, &sender];
    let (begun, bytes, cpu) = (Instant::now(), arrived(&receiver), cpu_seconds(&both));
    std::thread::sleep(time);
    let (bytes, cpu) = (arrived(&receiver) - bytes, cpu_seconds(&both) - cpu);
    let seconds = begun.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "bytes of seconds")]
    let gigabytes = bytes as f64 / 1e9;
    table.note(way, Metric::Gbits, gigabytes * 8.0 / seconds);
    table.note(way, Metric::Mbits, gigabytes * 8e3 / seconds);
    table.note(way, Metric::CpuPerGb, cpu / gigabytes);
}

/// How many bytes a receiver has said that it has: its last whole line.
fn arrived(receiver: &Process) -> u64 {
    let log = receiver.log();
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let last = whole.lines().next_back().unwrap_or_default();
    last.parse().unwrap_or(0)
}

/// Prints a running total, often enough for a second's figure and too seldom to cost anything.
pub(crate) struct Total {
    bytes: u64,
    next: Instant,
}

impl Total {
    const EVERY: Duration = Duration::from_millis(10);

    pub(crate) fn new() -> Self {
        println!("READY");
        Self {
            bytes: 0,
            next: Instant::now(),
        }
    }

    pub(crate) fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        let now = Instant::now();
        if now >= self.next {
            println!("{}", self.bytes);
            self.next = now + Self::EVERY;
        }
    }
}
