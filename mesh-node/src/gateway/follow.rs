//! Puts each View in force as it comes, and looks names up again in between.

use std::sync::Arc;
use std::time::Duration;

use protocol::view::View;
use tokio::time::sleep;

use super::Routing;
use super::addresses::Addresses;
use crate::control::Membership;

const LOOKUP_EVERY: Duration = Duration::from_secs(30);

/// Follows the membership's Views for as long as there is one.
pub(super) async fn follow(membership: Membership, routing: Arc<Routing>) {
    let mut views = membership.views();
    let mut addresses = Addresses::default();
    loop {
        let view = views.borrow_and_update().clone();
        if let Some(view) = &view {
            install(view, &routing, &mut addresses).await;
            membership.acknowledge(view.version, Ok(()));
        }
        let again = async {
            match view {
                Some(view) if has_names(&view) => sleep(LOOKUP_EVERY).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = views.changed() => if changed.is_err() { return },
            () = again => {}
        }
    }
}

/// Addresses take effect at once, names as soon as they resolve.
async fn install(view: &View, routing: &Routing, addresses: &mut Addresses) {
    routing.install(view, addresses.known(&view.handles));
    if has_names(view) {
        addresses.refresh(&view.handles).await;
        routing.install(view, addresses.known(&view.handles));
    }
}

fn has_names(view: &View) -> bool {
    view.handles
        .values()
        .any(|host| host.socket_addr().is_none())
}
