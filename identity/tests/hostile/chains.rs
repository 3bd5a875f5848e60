//! Chains that lead to the wrong root, through the wrong hands, or nowhere (P-1).

use identity::VerifyError as E;
use rcgen::{
    BasicConstraints, ExtendedKeyUsagePurpose as Purpose, GeneralSubtree, IsCa, KeyPair,
    KeyUsagePurpose as Usage, NameConstraints,
};
use rustls_pki_types::CertificateDer;

use super::{Hostile, chain, leaf as signed};
use crate::{
    der::{SEQUENCE, tlv},
    world::{Authority, CART, World, authority, extension, id, leaf, uri},
};

const NAME_CONSTRAINTS: &[u64] = &[2, 5, 29, 30];
const URI: u8 = 0x86;

pub(crate) fn all(world: &World) -> Vec<Hostile> {
    let mut all = foreign(world);
    all.extend(self_made(world));
    all.extend(issuers(world));
    all.extend(constraints(world));
    all.extend(shapes(world));
    all
}

/// A leaf that `issuers`, last one first, are said to vouch for.
fn under(
    world: &World,
    name: &'static str,
    id: &str,
    issuers: &[&Authority],
    reason: fn(&E) -> bool,
) -> Hostile {
    let key = KeyPair::generate().unwrap();
    let leaf = issuers[0].sign(&leaf(id), &key);
    let shown = issuers.iter().map(|issuer| issuer.der.clone());
    chain(
        world,
        name,
        key,
        std::iter::once(leaf).chain(shown).collect(),
        reason,
    )
}

fn is_without_path(error: &E) -> bool {
    matches!(error, E::NoPath { .. })
}

fn is_foreign(error: &E) -> bool {
    matches!(error, E::ForeignAuthority { .. })
}

/// P-1: east's authorities, which are trusted for east, vouch for west.
fn foreign(world: &World) -> Vec<Hostile> {
    let as_west = world
        .east_root
        .authority(authority("west", "west intermediate"));
    let mut silent = authority("east", "nameless");
    silent.subject_alt_names.clear();
    let silent = world.east_root.authority(silent);
    let bridge = world.root.authority(authority("east", "east intermediate"));
    let east_by_west = Hostile {
        claims: id("spiffe://east/ns/shop/sa/cart"),
        ..under(
            world,
            "east's identity from west's root",
            "spiffe://east/ns/shop/sa/cart",
            &[&bridge],
            is_without_path,
        )
    };
    vec![
        under(
            world,
            "west's identity from east's root",
            CART,
            &[&world.east_root],
            is_foreign,
        ),
        under(
            world,
            "west's identity from east's intermediate",
            CART,
            &[&world.east],
            is_foreign,
        ),
        under(
            world,
            "west's identity, intermediate says west, root is east's",
            CART,
            &[&as_west],
            is_without_path,
        ),
        under(
            world,
            "west's identity from a nameless intermediate of east",
            CART,
            &[&silent],
            is_without_path,
        ),
        under(
            world,
            "west's identity through an intermediate of east's under west's root",
            CART,
            &[&bridge],
            is_foreign,
        ),
        east_by_west,
        Hostile {
            claims: id("spiffe://north/ns/shop/sa/cart"),
            ..under(
                world,
                "identity of an unknown trust domain",
                "spiffe://north/ns/shop/sa/cart",
                &[&nowhere()],
                |e| matches!(e, E::UnknownTrustDomain(_)),
            )
        },
    ]
}

fn nowhere() -> Authority {
    Authority::self_signed(authority("north", "north root"))
}

fn self_made(world: &World) -> Vec<Hostile> {
    let own = Authority::self_signed(authority("west", "own root"));
    let twin = Authority::self_signed(authority("west", "west root"));
    let below = twin.authority(authority("west", "west intermediate"));
    let key = KeyPair::generate().unwrap();
    let alone = leaf(CART).self_signed(&key).unwrap().der().clone();
    vec![
        chain(world, "self-signed leaf", key, vec![alone], is_without_path),
        under(world, "root of one's own", CART, &[&own], is_without_path),
        under(
            world,
            "root of one's own with the name of west's",
            CART,
            &[&twin],
            is_without_path,
        ),
        under(
            world,
            "chain of one's own with the names of west's",
            CART,
            &[&below, &twin],
            is_without_path,
        ),
        Hostile {
            chain: [
                under(world, "", CART, &[&below], is_without_path).chain,
                vec![world.root.der.clone()],
            ]
            .concat(),
            ..under(
                world,
                "west's real root behind a false intermediate",
                CART,
                &[&below],
                is_without_path,
            )
        },
    ]
}

fn issuers(world: &World) -> Vec<Hostile> {
    let below_root = |change: &dyn Fn(&mut rcgen::CertificateParams)| {
        let mut params = authority("west", "odd intermediate");
        change(&mut params);
        world.root.authority(params)
    };
    let no_authority = |e: &E| matches!(e, E::NotAnAuthority { position: 1, .. });
    let plain = below_root(&|p| p.is_ca = IsCa::ExplicitNoCa);
    let unsaid = below_root(&|p| p.is_ca = IsCa::NoCa);
    let no_sign = below_root(&|p| p.key_usages = vec![Usage::DigitalSignature, Usage::CrlSign]);
    let no_usage = below_root(&|p| p.key_usages.clear());
    let server = below_root(&|p| p.extended_key_usages = vec![Purpose::ServerAuth]);
    let person = below_root(&|p| p.subject_alt_names = vec![uri("spiffe://west/ns/shop/sa/admin")]);
    let two =
        below_root(&|p| p.subject_alt_names = vec![uri("spiffe://west"), uri("spiffe://east")]);
    let short = below_root(&|p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    let too_deep = short.authority(authority("west", "too deep"));
    let svid = world
        .intermediate
        .authority(leaf("spiffe://west/ns/shop/sa/front"));
    vec![
        under(
            world,
            "intermediate that is no authority",
            CART,
            &[&plain],
            no_authority,
        ),
        under(
            world,
            "intermediate without basic constraints",
            CART,
            &[&unsaid],
            no_authority,
        ),
        under(
            world,
            "intermediate without keyCertSign",
            CART,
            &[&no_sign],
            no_authority,
        ),
        under(
            world,
            "intermediate without key usage",
            CART,
            &[&no_usage],
            no_authority,
        ),
        under(
            world,
            "leaf issued by another workload's SVID",
            CART,
            &[&svid, &world.intermediate],
            no_authority,
        ),
        under(
            world,
            "intermediate for servers only",
            CART,
            &[&server],
            |e| *e == E::ExtendedKeyUsage(1),
        ),
        under(
            world,
            "intermediate with a workload's identity",
            CART,
            &[&person],
            is_foreign,
        ),
        under(
            world,
            "intermediate of two trust domains",
            CART,
            &[&two],
            is_foreign,
        ),
        under(
            world,
            "path longer than the intermediate allows",
            CART,
            &[&too_deep, &short],
            is_without_path,
        ),
    ]
}

fn constraints(world: &World) -> Vec<Hostile> {
    let limited = |e: &E| matches!(e, E::NameConstraints(_));
    let on_uri = |tag: u8, host: &str| {
        tlv(
            SEQUENCE,
            &tlv(tag, &tlv(SEQUENCE, &tlv(URI, host.as_bytes()))),
        )
    };
    let below = |content: Vec<u8>| {
        let mut params = authority("west", "limited intermediate");
        params.custom_extensions = vec![extension(NAME_CONSTRAINTS, content)];
        world.root.authority(params)
    };
    let mut dns = authority("west", "limited intermediate");
    dns.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("shop.example".into())],
        excluded_subtrees: Vec::new(),
    });
    let dns = world.root.authority(dns);
    let mut on_leaf = leaf(CART);
    on_leaf.custom_extensions = vec![extension(NAME_CONSTRAINTS, on_uri(0xa0, "west"))];
    vec![
        under(
            world,
            "intermediate permitted another trust domain only",
            CART,
            &[&below(on_uri(0xa0, "east"))],
            limited,
        ),
        under(
            world,
            "intermediate excluded from this trust domain",
            CART,
            &[&below(on_uri(0xa1, "west"))],
            limited,
        ),
        under(
            world,
            "intermediate permitted this trust domain",
            CART,
            &[&below(on_uri(0xa0, "west"))],
            limited,
        ),
        under(
            world,
            "intermediate with constraints that can't be read",
            CART,
            &[&below(vec![5, 0])],
            |e| matches!(e, E::NameConstraints(1) | E::Malformed { position: 1, .. }),
        ),
        under(
            world,
            "intermediate with DNS constraints",
            CART,
            &[&dns],
            limited,
        ),
        signed(world, "leaf with name constraints", on_leaf, limited),
    ]
}

fn shapes(world: &World) -> Vec<Hostile> {
    let out_of_order = |e: &E| matches!(e, E::OutOfOrder(_));
    let second = world.intermediate.authority(authority("west", "second"));
    let with =
        |name, shown: &[&CertificateDer<'static>], issuer: &Authority, reason: fn(&E) -> bool| {
            let key = KeyPair::generate().unwrap();
            let leaf = issuer.sign(&leaf(CART), &key);
            let shown = shown.iter().map(|der| (*der).clone());
            chain(
                world,
                name,
                key,
                std::iter::once(leaf).chain(shown).collect(),
                reason,
            )
        };
    let (root, first) = (&world.root.der, &world.intermediate.der);
    let alike: Vec<Authority> = (0..4)
        .map(|_| world.root.authority(authority("west", "west root")))
        .collect();
    let alike: Vec<_> = alike.iter().map(|authority| &authority.der).collect();
    let mut fat = authority("west", "fat");
    fat.custom_extensions = vec![extension(&[1, 3, 6, 1, 4, 1, 99999, 2], vec![0; 60_000])];
    let fat = world.root.authority(fat);
    let ten: Vec<_> = std::iter::once(first)
        .chain(std::iter::repeat_n(root, 9))
        .collect();
    vec![
        with(
            "missing intermediate",
            &[],
            &world.intermediate,
            is_without_path,
        ),
        with(
            "missing intermediate in the middle",
            &[&second.der],
            &second,
            is_without_path,
        ),
        with("wrong order", &[first, &second.der], &second, out_of_order),
        with(
            "another trust domain's intermediate in between",
            &[&world.east.der, first],
            &world.intermediate,
            out_of_order,
        ),
        with(
            "a certificate of another trust domain appended",
            &[first, root, &world.east_root.der],
            &world.intermediate,
            out_of_order,
        ),
        with(
            "another's leaf in front",
            &[&second.der, first],
            &world.intermediate,
            out_of_order,
        ),
        with("eleven certificates", &ten, &world.intermediate, |e| {
            *e == E::TooManyCertificates(11)
        }),
        with(
            "issuers of one name",
            &[&[first][..], &alike].concat(),
            &world.intermediate,
            |e| matches!(e, E::SameSubject(4)),
        ),
        with("more than 64 KiB", &[&fat.der, &fat.der], &fat, |e| {
            matches!(e, E::TooManyBytes(_))
        }),
    ]
}
