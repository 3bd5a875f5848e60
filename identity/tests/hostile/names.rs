//! Leaves that name nobody, several, or something that is no SPIFFE ID (P-2).

use identity::VerifyError as E;
use protocol::name::SpiffeIdError as Id;
use rcgen::{CertificateParams, DnType, SanType};

use super::{Hostile, leaf as signed};
use crate::{
    der::{SEQUENCE, tlv},
    world::{CART, World, extension, leaf, uri},
};

const ALTERNATIVE_NAME: &[u64] = &[2, 5, 29, 17];
const URI: u8 = 0x86;

pub(crate) fn all(world: &World) -> Vec<Hostile> {
    let mut all = no_uri(world);
    all.extend(several(world));
    all.extend(bad_ids(world));
    all.extend(unreadable(world));
    all
}

fn named(names: Vec<SanType>) -> CertificateParams {
    let mut params = leaf(CART);
    params.subject_alt_names = names;
    params
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn no_uri(world: &World) -> Vec<Hostile> {
    let nobody = |e: &E| *e == E::NoSpiffeId;
    let mut common_name = named(Vec::new());
    common_name
        .distinguished_name
        .push(DnType::CommonName, CART);
    let email = SanType::Rfc822Name(CART.try_into().unwrap());
    let other = SanType::OtherName((vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 3], CART.into()));
    vec![
        signed(world, "no alternative name", named(Vec::new()), nobody),
        signed(world, "SPIFFE ID as common name only", common_name, nobody),
        signed(
            world,
            "DNS name only",
            named(vec![dns("cart.shop")]),
            nobody,
        ),
        signed(
            world,
            "SPIFFE ID as DNS name",
            named(vec![dns(CART)]),
            nobody,
        ),
        signed(world, "SPIFFE ID as e-mail", named(vec![email]), nobody),
        signed(world, "SPIFFE ID as otherName", named(vec![other]), nobody),
        signed(
            world,
            "IP address only",
            named(vec![SanType::IpAddress([10, 0, 0, 1].into())]),
            nobody,
        ),
    ]
}

fn several(world: &World) -> Vec<Hostile> {
    let two = |e: &E| *e == E::SeveralUris(2);
    let web = uri("https://cart.shop/");
    vec![
        signed(
            world,
            "two SPIFFE IDs",
            named(vec![uri(CART), uri("spiffe://west/ns/shop/sa/admin")]),
            two,
        ),
        signed(
            world,
            "the same SPIFFE ID twice",
            named(vec![uri(CART), uri(CART)]),
            two,
        ),
        signed(
            world,
            "SPIFFE IDs of two trust domains",
            named(vec![uri("spiffe://east/x"), uri(CART)]),
            two,
        ),
        signed(
            world,
            "another URI after the SPIFFE ID",
            named(vec![uri(CART), web.clone()]),
            two,
        ),
        signed(
            world,
            "another URI before the SPIFFE ID",
            named(vec![web, uri(CART)]),
            two,
        ),
        signed(
            world,
            "three URIs between DNS names",
            named(vec![
                dns("a.b"),
                uri(CART),
                dns("c.d"),
                uri(CART),
                uri("urn:x"),
            ]),
            |e| *e == E::SeveralUris(3),
        ),
    ]
}

fn bad_ids(world: &World) -> Vec<Hostile> {
    let bad = |name, text: &str, reason| signed(world, name, named(vec![uri(text)]), reason);
    let long = format!("spiffe://west/{}", "a".repeat(2048 - 13));
    vec![
        bad("scheme https", "https://west/ns/shop/sa/cart", |e| {
            *e == E::BadSpiffeId(Id::Scheme)
        }),
        bad("scheme in capitals", "SPIFFE://west/ns/shop/sa/cart", |e| {
            *e == E::BadSpiffeId(Id::Scheme)
        }),
        bad("no scheme", "west/ns/shop/sa/cart", |e| {
            *e == E::BadSpiffeId(Id::Scheme)
        }),
        bad("a space in front", " spiffe://west/ns/shop/sa/cart", |e| {
            *e == E::BadSpiffeId(Id::Scheme)
        }),
        bad(
            "trust domain in capitals",
            "spiffe://West/ns/shop/sa/cart",
            is_trust_domain,
        ),
        bad(
            "trust domain left out",
            "spiffe:///ns/shop/sa/cart",
            is_trust_domain,
        ),
        bad(
            "a port",
            "spiffe://west:443/ns/shop/sa/cart",
            is_trust_domain,
        ),
        bad(
            "a user",
            "spiffe://root@west/ns/shop/sa/cart",
            is_trust_domain,
        ),
        bad(
            "trust domain percent-encoded",
            "spiffe://w%65st/ns/shop/sa/cart",
            is_trust_domain,
        ),
        bad("no path", "spiffe://west", |e| {
            *e == E::BadSpiffeId(Id::NoPath)
        }),
        bad("a slash as path", "spiffe://west/", |e| {
            *e == E::BadSpiffeId(Id::NoPath)
        }),
        bad(
            "a slash at the end",
            "spiffe://west/ns/shop/sa/cart/",
            |e| *e == E::BadSpiffeId(Id::EmptySegment),
        ),
        bad("an empty segment", "spiffe://west/ns//shop/sa/cart", |e| {
            *e == E::BadSpiffeId(Id::EmptySegment)
        }),
        bad("a segment .", "spiffe://west/ns/./shop/sa/cart", |e| {
            *e == E::BadSpiffeId(Id::DotSegment)
        }),
        bad("a segment ..", "spiffe://west/ns/x/../shop/sa/cart", |e| {
            *e == E::BadSpiffeId(Id::DotSegment)
        }),
        bad(
            "percent-encoding",
            "spiffe://west/ns/shop/sa/c%61rt",
            is_character,
        ),
        bad("a query", "spiffe://west/ns/shop/sa/cart?x=1", is_character),
        bad(
            "a fragment",
            "spiffe://west/ns/shop/sa/cart#x",
            is_character,
        ),
        bad("a star", "spiffe://west/ns/shop/sa/*", is_character),
        bad(
            "a NUL",
            "spiffe://west/ns/shop/sa/cart\0.evil",
            is_character,
        ),
        bad(
            "a line break at the end",
            "spiffe://west/ns/shop/sa/cart\n",
            is_character,
        ),
        bad("2049 bytes", &long, |e| {
            *e == E::BadSpiffeId(Id::TooLong(2049))
        }),
    ]
}

fn is_trust_domain(error: &E) -> bool {
    matches!(error, E::BadSpiffeId(Id::TrustDomain(_)))
}

fn is_character(error: &E) -> bool {
    *error == E::BadSpiffeId(Id::Character)
}

fn unreadable(world: &World) -> Vec<Hostile> {
    let raw = |names: Vec<u8>| {
        let mut params = named(Vec::new());
        params.custom_extensions = vec![extension(ALTERNATIVE_NAME, names)];
        params
    };
    let good = tlv(URI, CART.as_bytes());
    let mut twice = leaf(CART);
    twice.custom_extensions = vec![extension(
        ALTERNATIVE_NAME,
        tlv(SEQUENCE, &tlv(URI, b"spiffe://west/ns/shop/sa/admin")),
    )];
    let accented = tlv(
        SEQUENCE,
        &tlv(URI, "spiffe://west/ns/shop/sa/càrt".as_bytes()),
    );
    let latin = tlv(SEQUENCE, &tlv(URI, b"spiffe://west/ns/shop/sa/c\xe0rt"));
    let hidden = tlv(SEQUENCE, &[good.clone(), tlv(URI, b"\xff\xfe")].concat());
    let after = [
        tlv(SEQUENCE, &good),
        tlv(SEQUENCE, &tlv(URI, b"spiffe://west/ns/shop/sa/admin")),
    ]
    .concat();
    let universal = tlv(SEQUENCE, &tlv(0x06, CART.as_bytes()));
    let cut = tlv(SEQUENCE, &[good, vec![URI, 0x40, b's']].concat());
    vec![
        signed(world, "alternative names twice", twice, is_malformed),
        signed(world, "a URI outside ASCII", raw(accented), |e| {
            matches!(
                e,
                E::BadSpiffeId(_) | E::UnreadableName | E::Malformed { .. }
            )
        }),
        signed(world, "a URI that is no text", raw(latin), |e| {
            matches!(e, E::UnreadableName | E::Malformed { .. })
        }),
        signed(world, "a second URI that is no text", raw(hidden), |e| {
            matches!(e, E::UnreadableName | E::Malformed { .. })
        }),
        signed(world, "names after the names", raw(after), is_malformed),
        signed(
            world,
            "a URI with the tag of another type",
            raw(universal),
            |e| matches!(e, E::UnreadableName | E::Malformed { .. } | E::NoSpiffeId),
        ),
        signed(world, "names that are cut short", raw(cut), is_malformed),
        signed(
            world,
            "no names in the names",
            raw(tlv(SEQUENCE, &[])),
            |e| matches!(e, E::NoSpiffeId | E::Malformed { .. }),
        ),
    ]
}

fn is_malformed(error: &E) -> bool {
    matches!(error, E::Malformed { position: 0, .. })
}
