//! Resources in: parsed and checked again here, as clients aren't trusted, and stored all or none.

use protocol::name::Label;
use protocol::resource::{self, Kind, Resource, defaults};
use protocol::wire::v1;
use tonic::Status;

use super::answer;
use crate::audit;
use crate::compile;
use crate::controller::Parts;
use crate::push::acknowledged;
use crate::state::{Change, Effect, Outcome, Refusal, ResourceKey, State};

/// Applies a manifest.
pub(super) async fn apply(
    parts: &Parts,
    request: v1::ApplyRequest,
) -> Result<v1::ApplyReply, Status> {
    let namespace = namespace(&request.default_namespace)?;
    let resources = resource::parse(&request.manifest, &request.file, &namespace)
        .map_err(|problems| Status::invalid_argument(problems.to_string()))?;
    let state = parts.state();
    let change = Change::PutResources {
        resources: resources.clone(),
    };
    let warnings = warnings(&state, &change, &resources);
    if request.dry_run {
        let effects = resources
            .iter()
            .map(|resource| state.effect_of(resource))
            .collect();
        return Ok(v1::ApplyReply {
            applied: applied(&resources, effects),
            version: state.version,
            warnings,
        });
    }
    let outcome = parts
        .store
        .propose(change)
        .await
        .map_err(|error| answer::unavailable(&error))?;
    let Outcome::Applied { effects } = outcome else {
        return Err(Status::internal(
            "resources were neither applied nor refused",
        ));
    };
    let version = parts.state().version;
    for (resource, effect) in resources.iter().zip(&effects) {
        if *effect != Effect::Unchanged {
            audit::record(
                "apply",
                "api",
                &format!("{} {}", resource.name(), effect.as_str()),
                version,
            );
        }
    }
    Ok(v1::ApplyReply {
        applied: applied(&resources, effects),
        version,
        warnings,
    })
}

/// References are looked up in the state as it will be, so that one manifest may hold both ends.
fn warnings(state: &State, change: &Change, resources: &[Resource]) -> Vec<String> {
    let mut after = state.clone();
    after.apply(change.clone());
    compile::warnings(&after, resources)
}

fn applied(resources: &[Resource], effects: Vec<Effect>) -> Vec<v1::Applied> {
    let each = resources.iter().zip(effects).map(|(resource, effect)| {
        let name = resource.name();
        v1::Applied {
            kind: name.kind.to_string(),
            namespace: name.namespace.to_string(),
            name: name.name.to_string(),
            outcome: effect.as_str().to_owned(),
        }
    });
    each.collect()
}

/// Deletes one resource. A second time is no error for a script, but `NOT_FOUND` all the same.
pub(super) async fn delete(
    parts: &Parts,
    request: v1::DeleteRequest,
) -> Result<v1::ChangeReply, Status> {
    let key = key(&request)?;
    let state = parts.state();
    if !state.resources.contains_key(&key) {
        return Err(missing(&key));
    }
    if !request.dry_run {
        match parts
            .store
            .propose(Change::DeleteResource { key: key.clone() })
            .await
        {
            Ok(Outcome::Refused(Refusal::UnknownResource { .. })) => return Err(missing(&key)),
            Ok(Outcome::Refused(refusal)) => {
                return Err(Status::failed_precondition(refusal.to_string()));
            }
            Ok(_) => audit::record("delete", "api", &key.to_string(), parts.state().version),
            Err(error) => return Err(answer::unavailable(&error)),
        }
    }
    let version = parts.state().version;
    let now = acknowledged(parts, version, std::time::Duration::ZERO).await;
    Ok(v1::ChangeReply {
        version,
        outcome: "deleted".to_owned(),
        acknowledged: now.acknowledged,
        nodes: now.hosts,
    })
}

fn missing(key: &ResourceKey) -> Status {
    answer::not_found(
        format!("there is no {} {}/{}", key.kind, key.namespace, key.name),
        format!("weft get {}", key.kind),
    )
}

fn key(request: &v1::DeleteRequest) -> Result<ResourceKey, Status> {
    let kind: Kind = request
        .kind
        .parse()
        .map_err(|error| answer::invalid(error, "weft get"))?;
    let name = Label::parse(&request.name)
        .map_err(|error| answer::invalid(error, format!("weft get {kind}")))?;
    Ok(ResourceKey {
        kind,
        namespace: namespace(&request.namespace)?,
        name,
    })
}

/// The namespace that was asked for, or the default one.
pub(super) fn namespace(text: &str) -> Result<Label, Status> {
    let text = if text.is_empty() {
        defaults::NAMESPACE
    } else {
        text
    };
    Label::parse(text)
        .map_err(|error| Status::invalid_argument(format!("the namespace is no name: {error}")))
}
