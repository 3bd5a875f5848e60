//! What a service speaks, as its owner says it: `protocol`, or as Kubernetes has it, `appProtocol` or the beginning of `portName`.
//! What is said twice must agree.

use super::super::{field::Field, fields::Fields, suggestion};
use crate::{name::Label, view::Protocol};

/// Names in `appProtocol`, and before the first `-` of `portName`.
const NAMES: &[(&str, Protocol)] = &[
    ("http", Protocol::Http),
    ("http2", Protocol::Http2),
    ("h2c", Protocol::Http2),
    ("kubernetes.io/h2c", Protocol::Http2),
    ("ws", Protocol::Http),
    ("kubernetes.io/ws", Protocol::Http),
    ("grpc", Protocol::Grpc),
    ("tcp", Protocol::Tcp),
    ("tls", Protocol::Tcp),
    ("postgresql", Protocol::Tcp),
    ("postgres", Protocol::Tcp),
    ("mysql", Protocol::Tcp),
    ("redis", Protocol::Tcp),
    ("mongo", Protocol::Tcp),
    ("udp", Protocol::Udp),
];

/// Names of HTTP inside TLS, which an app in the mesh doesn't speak.
const WITH_TLS: &[&str] = &["https", "wss", "kubernetes.io/wss"];

/// Reads all three fields; nothing said is [`Protocol::Auto`].
pub(super) fn protocol(spec: &Fields<'_>) -> Protocol {
    let readers: [(&'static str, Read); 3] = [
        ("protocol", |field| field.parse()),
        ("appProtocol", app_protocol),
        ("portName", port_name),
    ];
    let mut said: Option<(&str, Protocol)> = None;
    for (name, read) in readers {
        let Some(field) = spec.optional(name) else {
            continue;
        };
        let Some(protocol) = read(&field) else {
            continue;
        };
        said = match said {
            None => Some((name, protocol)),
            Some((first, before)) => match both(before, protocol) {
                Some(protocol) => Some((first, protocol)),
                None => {
                    field.wrong(format!("it says {protocol}, but {first} says {before}"));
                    said
                }
            },
        };
    }
    said.map(|(_, protocol)| protocol).unwrap_or_default()
}

type Read = fn(&Field<'_>) -> Option<Protocol>;

/// gRPC is HTTP/2: the closer word of the two holds.
fn both(one: Protocol, other: Protocol) -> Option<Protocol> {
    match (one, other) {
        (Protocol::Grpc, Protocol::Http2) | (Protocol::Http2, Protocol::Grpc) => {
            Some(Protocol::Grpc)
        }
        (one, other) => (one == other).then_some(one),
    }
}

fn app_protocol(field: &Field<'_>) -> Option<Protocol> {
    let text = field.text()?;
    let known = named(field, text)?;
    if known.is_none() {
        let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        field.wrong_try(
            "it is not a protocol that is known here",
            suggestion::nearest(text, &names).map_or_else(
                || format!("there are {}", names.join(", ")),
                |nearest| format!("did you mean {nearest:?}?"),
            ),
        );
    }
    known
}

/// Ports may be called anything, so a beginning that isn't known says nothing.
fn port_name(field: &Field<'_>) -> Option<Protocol> {
    let name: Label = field.parse()?;
    let beginning = name.as_str().split('-').next().unwrap_or_default();
    named(field, beginning)?
}

/// The protocol of a name; the outer `None` is a problem that has been told.
fn named(field: &Field<'_>, name: &str) -> Option<Option<Protocol>> {
    if WITH_TLS.contains(&name) {
        field.wrong_try(
            "the mesh encrypts, so the application speaks without TLS",
            "write http; an application with TLS of its own is tcp",
        );
        return None;
    }
    let found = NAMES.iter().find(|(known, _)| *known == name);
    Some(found.map(|(_, protocol)| *protocol))
}
