//! Every metric of the controller: its name, its help, and the one function that records it.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

/// Changes proposed, by what became of them: applied, refused, failed.
pub const PROPOSALS: &str = "weft_controller_proposals_total";
/// Hosts in touch, by role.
pub const HOSTS: &str = "weft_controller_hosts";
/// Views sent, by role.
pub const VIEWS_PUSHED: &str = "weft_controller_views_pushed_total";
/// Views that a host refused, by role.
pub const VIEWS_REJECTED: &str = "weft_controller_views_rejected_total";
/// SVIDs issued, by whom they name: node, gateway, controller, workload.
pub const SVIDS_ISSUED: &str = "weft_controller_svids_issued_total";
/// 1 while the link to a peer's controller is up.
pub const PEER_LINK_UP: &str = "weft_controller_peer_link_up";
/// Catalogs of a peer that were refused, by reason.
pub const CATALOGS_REFUSED: &str = "weft_controller_catalogs_refused_total";
/// Seconds until a certificate expires, by certificate: root, intermediate, controller.
pub const CERTIFICATE_EXPIRY: &str = "weft_controller_certificate_expiry_seconds";

/// Gives each metric its help text. Call it once, after the recorder is installed.
pub fn describe() {
    describe_counter!(PROPOSALS, "Changes proposed, by what became of them");
    describe_gauge!(HOSTS, "Hosts in touch, by role");
    describe_counter!(VIEWS_PUSHED, "Views sent to hosts, by role");
    describe_counter!(VIEWS_REJECTED, "Views that a host refused, by role");
    describe_counter!(SVIDS_ISSUED, "SVIDs issued, by whom they name");
    describe_gauge!(
        PEER_LINK_UP,
        "1 while the link to a peer's controller is up"
    );
    describe_counter!(
        CATALOGS_REFUSED,
        "Catalogs of a peer that were refused, by reason"
    );
    describe_gauge!(
        CERTIFICATE_EXPIRY,
        Unit::Seconds,
        "Seconds until a certificate of this controller expires"
    );
}

pub(crate) fn proposal(outcome: &'static str) {
    counter!(PROPOSALS, "outcome" => outcome).increment(1);
}

pub(crate) fn hosts(role: &'static str, in_touch: usize) {
    gauge!(HOSTS, "role" => role).set(in_touch as f64);
}

pub(crate) fn view_pushed(role: &'static str) {
    counter!(VIEWS_PUSHED, "role" => role).increment(1);
}

pub(crate) fn view_rejected(role: &'static str) {
    counter!(VIEWS_REJECTED, "role" => role).increment(1);
}

pub(crate) fn svid_issued(kind: &'static str) {
    counter!(SVIDS_ISSUED, "kind" => kind).increment(1);
}

pub(crate) fn peer_link(peer: &str, up: bool) {
    gauge!(PEER_LINK_UP, "peer" => peer.to_owned()).set(if up { 1.0 } else { 0.0 });
}

pub(crate) fn catalog_refused(peer: &str, reason: &'static str) {
    counter!(CATALOGS_REFUSED, "peer" => peer.to_owned(), "reason" => reason).increment(1);
}

pub(crate) fn certificate_expiry(certificate: &'static str, seconds: f64) {
    gauge!(CERTIFICATE_EXPIRY, "certificate" => certificate).set(seconds);
}
