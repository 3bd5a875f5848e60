//! The YAML reader and writer: nobody else in the house knows which one it is.

use serde_saphyr::{
    DuplicateKeyPolicy, Error, MessageFormatter, UserMessageFormatter, options::AliasLimits,
};

use super::{
    node::{At, Node},
    report::printable,
};

/// A text that isn't YAML.
pub(super) struct Malformed {
    pub(super) what: String,
    pub(super) at: At,
}

/// Reads all documents up to the first that isn't YAML, which comes last then.
pub(super) fn read(text: &str) -> Vec<Result<Node, Malformed>> {
    let mut reader = text.as_bytes();
    serde_saphyr::read_with_options(&mut reader, options())
        .map(|document| document.map_err(malformed))
        .collect()
}

/// A file of no more than a mebibyte must not become gigabytes by aliases (SECURITY, section 4).
fn options() -> serde_saphyr::Options {
    let limits = serde_saphyr::budget! {
        max_events: 1_000_000,
        max_nodes: 500_000,
        max_depth: 64,
        max_aliases: 1_000,
        max_anchors: 1_000,
        max_documents: 20_000,
    };
    let mut aliases = AliasLimits::default();
    aliases.max_total_replayed_events = 100_000;
    serde_saphyr::options! {
        budget: limits,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        with_snippet: false,
        alias_limits: aliases,
    }
}

fn malformed(error: Error) -> Malformed {
    let error = error.without_snippet();
    let at = error.location().map_or_else(At::default, |l| At {
        line: l.line(),
        column: l.column(),
    });
    Malformed {
        what: printable(&UserMessageFormatter.format_message(error)),
        at,
    }
}

/// Writes one document.
pub(super) fn write(node: &Node) -> String {
    serde_saphyr::to_string(node).expect("a tree of texts, numbers, lists and maps is YAML")
}
