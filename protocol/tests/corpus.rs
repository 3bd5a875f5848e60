//! Replays the corpora of the fuzz targets, with each file cut short and changed in many places too: what a fuzzer once found stays found,
//! without nightly and without cargo-fuzz.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[path = "../fuzz/checks/cid.rs"]
mod cid;
#[path = "../fuzz/checks/datagram.rs"]
mod datagram;
#[path = "../fuzz/checks/forward.rs"]
mod forward;
#[path = "../fuzz/checks/frame.rs"]
mod frame;
#[path = "../fuzz/checks/invitation.rs"]
mod invitation;
#[path = "../fuzz/checks/packet.rs"]
mod packet;
#[path = "../fuzz/checks/resource.rs"]
mod resource;
#[path = "../fuzz/checks/view.rs"]
mod view;

/// Cuts and changes made to each file.
const VARIANTS: usize = 100;

type Check = fn(&[u8]);

const TARGETS: [(&str, Check); 8] = [
    ("cid", cid::check),
    ("datagram", datagram::check),
    ("forward", forward::check),
    ("frame", frame::check),
    ("invitation", invitation::check),
    ("packet", packet::check),
    ("resource", resource::check),
    ("view", view::check),
];

#[test]
fn every_file_of_every_corpus_passes_its_check() {
    for (target, check) in TARGETS {
        let files = names(&fuzz().join("corpus").join(target));
        assert!(!files.is_empty(), "{target} has no corpus");
        for file in files {
            let path = fuzz().join("corpus").join(target).join(&file);
            let input = std::fs::read(path).unwrap();
            for (what, input) in variants(&input) {
                let outcome = std::panic::catch_unwind(|| check(&input));
                assert!(outcome.is_ok(), "{target}/{file} {what}: {input:02x?}");
            }
        }
    }
}

#[test]
fn every_target_is_replayed() {
    let replayed: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let stem = |name: String| name.trim_end_matches(".rs").to_owned();
    let targets = names(&fuzz().join("fuzz_targets"))
        .into_iter()
        .map(stem)
        .collect();
    assert_eq!(replayed, targets);
    assert_eq!(replayed, names(&fuzz().join("corpus")));
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// The input itself, then beginnings of it, then the whole with one byte changed.
fn variants(input: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> + '_ {
    let step = input.len().div_ceil(VARIANTS).max(1);
    let places = move || (0..input.len()).step_by(step);
    let cuts = places().map(|at| (format!("cut at {at}"), input[..at].to_vec()));
    let changes = places().map(|at| {
        let mut changed = input.to_vec();
        changed[at] ^= 1 << (at % 8);
        (format!("changed at {at}"), changed)
    });
    std::iter::once(("as it is".to_owned(), input.to_vec()))
        .chain(cuts)
        .chain(changes)
}
