//! Resources out.

use protocol::resource::Kind;
use protocol::wire::v1;
use tonic::Status;

use super::answer;
use crate::controller::Parts;

/// Lists resources: of one kind or all, of one namespace or all, of one name or all.
pub(super) fn get(parts: &Parts, request: v1::GetRequest) -> Result<v1::GetReply, Status> {
    let kind = match request.kind.as_str() {
        "" => None,
        text => Some(
            text.parse::<Kind>()
                .map_err(|error| answer::invalid(error, "weft get"))?,
        ),
    };
    let state = parts.state();
    let wanted = state.resources.iter().filter(|(key, _)| {
        kind.is_none_or(|kind| key.kind == kind)
            && (request.namespace.is_empty() || key.namespace.as_str() == request.namespace)
            && (request.name.is_empty() || key.name.as_str() == request.name)
    });
    let resources: Vec<_> = wanted
        .map(|(key, stored)| v1::Resource {
            kind: key.kind.to_string(),
            namespace: key.namespace.to_string(),
            name: key.name.to_string(),
            yaml: stored.resource.to_yaml(),
            version: stored.version,
        })
        .collect();
    if let (true, false, Some(kind)) = (resources.is_empty(), request.name.is_empty(), kind) {
        return Err(answer::not_found(
            format!("there is no {kind} {:?}", request.name),
            format!("weft get {kind}"),
        ));
    }
    Ok(v1::GetReply { resources })
}
