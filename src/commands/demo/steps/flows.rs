//! The load of each step: who calls what, and how often.

use crate::commands::demo::{
    load::{Door, Expect, Flow, Kind},
    world::{World, host},
};

/// Half of the HTTP requests; the other half takes the other door.
const HTTP: u32 = 265;
const CHARGES: u32 = 80;
const STREAMING: u32 = 12;

/// Names that each cluster could serve.
pub(super) fn local(world: &World) -> Vec<Flow> {
    let mut flows = at_home(world);
    flows.extend(streaming(world, host::TILL, STREAMING));
    flows
}

/// The same, and what only west has.
pub(super) fn abroad(world: &World) -> Vec<Flow> {
    let mut flows = local(world);
    flows.push(Flow::new(host::LEDGER, proxy(world), Kind::Get, 30));
    flows.push(Flow::new(
        host::LEDGER,
        world.listener(host::LEDGER),
        Kind::Post,
        20,
    ));
    flows.push(Flow::new(
        host::WEST_TILL,
        world.listener(host::WEST_TILL),
        Kind::Charge,
        6,
    ));
    flows.extend(streaming(world, host::WEST_TILL, 6));
    flows
}

/// The instances of east die in this one. A broken call that may be made again is, by the mesh; a broken stream only its
/// application could go on with, so streaming calls name the cluster that stays.
pub(super) fn failing_over(world: &World) -> Vec<Flow> {
    let mut flows = at_home(world);
    flows.extend(streaming(world, host::WEST_TILL, STREAMING));
    flows
}

/// A service that west keeps to itself is called as well.
pub(super) fn refused(world: &World) -> Vec<Flow> {
    let mut flows = local(world);
    flows.push(Flow::new(host::VAULT, proxy(world), Kind::Get, 30).expecting(Expect::Refused));
    flows.push(
        Flow::new(host::VAULT, world.listener(host::VAULT), Kind::Post, 10)
            .expecting(Expect::Refused),
    );
    flows
}

/// West's application calls east, east's calls west, until the peer is removed.
pub(super) fn removed(world: &World) -> Vec<Flow> {
    let mut flows = local(world);
    let clerk = Flow::new(
        host::EAST_SHOP,
        Door::Proxy(world.west.proxy),
        Kind::Get,
        25,
    )
    .expecting(Expect::Either);
    flows.push(Flow {
        from_east: false,
        ..clerk
    });
    flows.push(Flow::new(host::LEDGER, proxy(world), Kind::Get, 25).expecting(Expect::Either));
    let till = world.listener(host::WEST_TILL);
    flows.push(Flow::new(host::WEST_TILL, till, Kind::Charge, 10).expecting(Expect::Either));
    flows
}

fn at_home(world: &World) -> Vec<Flow> {
    vec![
        Flow::new(host::SHOP, proxy(world), Kind::Get, HTTP),
        Flow::new(host::SHOP, world.listener(host::SHOP), Kind::Get, HTTP),
        Flow::new(
            host::TILL,
            world.listener(host::TILL),
            Kind::Charge,
            CHARGES,
        ),
    ]
}

fn streaming(world: &World, name: &'static str, per_second: u32) -> [Flow; 3] {
    let door = world.listener(name);
    Kind::STREAMING.map(|kind| Flow::new(name, door, kind, per_second))
}

fn proxy(world: &World) -> Door {
    Door::Proxy(world.east.proxy)
}
