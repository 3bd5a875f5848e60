//! To whom a service is exported: read, widened, narrowed.

use protocol::name::{ClusterName, ServiceName};
use protocol::resource::{ExportTo, Resource};
use protocol::wire::v1;

use crate::api::Api;
use crate::commands::get;
use crate::failure::Failure;

/// `east,apac` or `*`.
pub(super) fn parse(text: &str) -> Result<ExportTo, String> {
    text.parse()
        .map_err(|error: protocol::name::InvalidName| error.to_string())
}

/// Who sees a service; `None` where it isn't exported.
pub(super) async fn to(api: &mut Api, service: &ServiceName) -> Result<Option<ExportTo>, Failure> {
    let stored = get::fetch(
        api,
        "ServiceExport",
        service.namespace.as_str(),
        service.name.as_str(),
    )
    .await?;
    stored.first().map(parsed).transpose()
}

/// Whom a stored export names.
pub(super) fn parsed(stored: &v1::Resource) -> Result<ExportTo, Failure> {
    match get::parse(stored) {
        Some(Resource::ServiceExport(export)) => Ok(export.to),
        _ => Err(Failure::new(format!(
            "the export of {}/{} can't be understood",
            stored.namespace, stored.name
        ))
        .because("the controller may be newer than this weft")
        .hint("weft get serviceexport -o yaml")),
    }
}

/// Those of both.
pub(super) fn union(before: Option<ExportTo>, more: ExportTo) -> ExportTo {
    match (before, more) {
        (None, more) => more,
        (Some(ExportTo::Peers(mut before)), ExportTo::Peers(more)) => {
            before.extend(more);
            ExportTo::Peers(before)
        }
        (Some(_), _) => ExportTo::All,
    }
}

/// Who still sees it (nobody: `None`), and who doesn't any more.
pub(super) fn without(
    before: &ExportTo,
    gone: Option<ExportTo>,
) -> Result<(Option<ExportTo>, ExportTo), Failure> {
    match (before, gone) {
        (all, None) | (all, Some(ExportTo::All)) => Ok((None, all.clone())),
        (ExportTo::Peers(before), Some(ExportTo::Peers(gone))) => {
            let left: std::collections::BTreeSet<_> = before.difference(&gone).cloned().collect();
            Ok(((!left.is_empty()).then_some(ExportTo::Peers(left)), ExportTo::Peers(gone)))
        }
        (ExportTo::All, Some(ExportTo::Peers(_))) => Err(Failure::usage("it is exported to all peers ('*'), so no single one can be taken out")
            .hint("weft service unexport NAMESPACE/NAME, then weft service export NAMESPACE/NAME --to PEER,…")),
    }
}

/// The peers that are named.
pub(super) fn named(to: &ExportTo) -> impl Iterator<Item = &ClusterName> {
    match to {
        ExportTo::Peers(peers) => Some(peers.iter()),
        ExportTo::All => None,
    }
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(text: &str) -> ExportTo {
        parse(text).expect("they are peers")
    }

    #[test]
    fn exporting_again_adds_and_never_takes_away() {
        assert_eq!(union(None, to("east")), to("east"));
        assert_eq!(union(Some(to("east")), to("apac")), to("apac,east"));
        assert_eq!(union(Some(to("*")), to("apac")), ExportTo::All);
        assert_eq!(union(Some(to("east")), to("*")), ExportTo::All);
    }

    #[test]
    fn unexporting_takes_out_those_named_or_all() {
        assert_eq!(
            without(&to("apac,east"), Some(to("east"))).ok(),
            Some((Some(to("apac")), to("east")))
        );
        assert_eq!(
            without(&to("east"), Some(to("east"))).ok(),
            Some((None, to("east")))
        );
        assert_eq!(
            without(&to("apac,east"), None).ok(),
            Some((None, to("apac,east")))
        );
        assert!(without(&to("*"), Some(to("east"))).is_err());
    }

    #[test]
    fn what_names_no_peer_is_refused() {
        for text in ["", "East", "east,", "a b"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
