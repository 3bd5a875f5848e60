//! A file of resources: documents, each an envelope around one kind.

use std::collections::BTreeSet;

use super::{
    AuthorizationPolicy, FailoverPolicy, Kind, Metadata, Problems, Resource, Service,
    ServiceExport, Workload,
    field::Field,
    fields::Fields,
    node::{At, Node},
    report::Report,
    yaml,
};
use crate::name::Label;

/// The longest manifest that is read (SECURITY, section 4).
pub const CONFIG_BYTES: usize = 1024 * 1024;

/// Parses a manifest of any number of documents, all or none; every problem in it is told. `file` is what to call it.
pub fn parse(text: &str, file: &str, default_namespace: &Label) -> Result<Vec<Resource>, Problems> {
    let report = Report::new(file);
    let mut resources = Vec::new();
    if text.len() > CONFIG_BYTES {
        report.add(
            At::default(),
            "",
            format!("the manifest has more than {CONFIG_BYTES} bytes"),
            Some("split it".into()),
        );
    } else {
        read_documents(text, &report, default_namespace, &mut resources);
    }
    report.unless_problems(resources)
}

fn read_documents(
    text: &str,
    report: &Report<'_>,
    namespace: &Label,
    resources: &mut Vec<Resource>,
) {
    let mut names = BTreeSet::new();
    for document in yaml::read(text) {
        let node = match document {
            Ok(node) => node,
            Err(malformed) => {
                report.add(malformed.at, "", malformed.what, None);
                continue;
            }
        };
        let document = Field {
            node: &node,
            path: String::new(),
            report,
        };
        let Some(resource) = check(&document, namespace) else {
            continue;
        };
        if !names.insert(resource.name()) {
            document.wrong(format!("{} is there twice", resource.name()));
        }
        resources.push(resource);
    }
}

/// Checks one document.
pub(super) fn check(document: &Field<'_>, default_namespace: &Label) -> Option<Resource> {
    let envelope = document.fields(&["apiVersion", "kind", "metadata", "spec"])?;
    let kind = kind(&envelope);
    api_version(&envelope, kind);
    let metadata = envelope
        .required("metadata")
        .and_then(|f| Metadata::check(&f, default_namespace));
    let kind = kind?;
    // A name that isn't one must not hide what is wrong below it.
    let stand_in = || Metadata::new(default_namespace.clone(), default_namespace.clone());
    let resource = of_kind(kind, metadata.clone().unwrap_or_else(stand_in), &envelope);
    metadata.and(resource)
}

fn kind(envelope: &Fields<'_>) -> Option<Kind> {
    let field = envelope.required("kind")?;
    Kind::of_manifest(field.text()?)
        .map_err(|why| field.wrong(why.to_string()))
        .ok()
}

fn api_version(envelope: &Fields<'_>, kind: Option<Kind>) {
    let (Some(field), Some(kind)) = (envelope.required("apiVersion"), kind) else {
        return;
    };
    let expected = kind.api_version();
    if field.text().is_some_and(|text| text != expected) {
        field.wrong_try(
            format!("{kind} has another apiVersion"),
            format!("write {expected}"),
        );
    }
}

fn of_kind(kind: Kind, metadata: Metadata, envelope: &Fields<'_>) -> Option<Resource> {
    match kind {
        Kind::Service => Service::check(metadata, envelope).map(Resource::Service),
        Kind::Workload => Workload::check(metadata, envelope).map(Resource::Workload),
        Kind::ServiceExport => {
            ServiceExport::check(metadata, envelope).map(Resource::ServiceExport)
        }
        Kind::FailoverPolicy => {
            FailoverPolicy::check(metadata, envelope).map(Resource::FailoverPolicy)
        }
        Kind::AuthorizationPolicy => {
            AuthorizationPolicy::check(metadata, envelope).map(Resource::AuthorizationPolicy)
        }
    }
}

/// Makes the document of a resource.
pub(super) fn to_node(resource: &Resource) -> Node {
    let (metadata, spec) = match resource {
        Resource::Service(service) => (service.metadata.to_node(), Some(service.spec())),
        Resource::Workload(workload) => (workload.metadata.to_node(), Some(workload.spec())),
        Resource::ServiceExport(export) => (export.metadata_node(), None),
        Resource::FailoverPolicy(policy) => (policy.metadata.to_node(), Some(policy.spec())),
        Resource::AuthorizationPolicy(policy) => (policy.metadata.to_node(), Some(policy.spec())),
    };
    Node::map([
        (
            "apiVersion",
            Some(Node::text(resource.kind().api_version())),
        ),
        ("kind", Some(Node::text(resource.kind()))),
        ("metadata", Some(metadata)),
        ("spec", spec),
    ])
}
