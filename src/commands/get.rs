//! `weft get`: resources as they are stored.

use std::process::ExitCode;

use protocol::name::Label;
use protocol::resource::Kind;
use protocol::wire::v1::{GetRequest, Resource};
use serde_json::{Value, json};

use super::Global;
use super::change::full_name;
use crate::api::{Api, refused};
use crate::failure::Failure;
use crate::output::{self, Answer, Format, table};

/// Show resources
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft get                                   everything
  weft get services -n shop
  weft get failoverpolicy shop/payments -o yaml
  weft get -o yaml > all.yaml                what `weft apply -f all.yaml` brings back")]
pub(crate) struct GetArgs {
    /// The kind: service, workload, serviceexport, failoverpolicy, authorizationpolicy.
    kind: Option<String>,
    /// NAMESPACE/NAME, or NAME in the namespace of -n.
    name: Option<String>,
}

/// The kind that somebody means, as manifests write it.
pub(crate) fn kind(text: &str) -> Result<&'static str, Failure> {
    let known = || {
        Kind::ALL
            .map(|kind| kind.as_str().to_ascii_lowercase())
            .join(", ")
    };
    text.parse()
        .map(Kind::as_str)
        .map_err(|error| Failure::usage(error).because(format!("kinds are {}", known())))
}

/// Runs the command.
pub(crate) async fn run(args: GetArgs, global: &Global) -> Result<ExitCode, Failure> {
    let kind = args
        .kind
        .as_deref()
        .map(kind)
        .transpose()?
        .unwrap_or_default();
    let (namespace, name) = match &args.name {
        Some(name) => global
            .service(name)
            .map(|name| (name.namespace.to_string(), name.name.to_string()))?,
        None => (
            global
                .namespace
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            String::new(),
        ),
    };
    let mut api = global.api().await?;
    let resources = fetch(&mut api, kind, &namespace, &name).await?;
    if !name.is_empty() && resources.is_empty() {
        return Err(Failure::new(format!(
            "there is no {kind} {}",
            full_name(&namespace, &name)
        ))
        .hint(format!("weft get {}", kind.to_ascii_lowercase())));
    }
    if resources.is_empty() {
        output::note("no resources");
    }
    if global.output == Format::Yaml {
        output::print(&documents(&resources))?;
    } else {
        answer(resources).print(global.output)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks for resources; an empty kind, namespace or name means all.
pub(crate) async fn fetch(
    api: &mut Api,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Result<Vec<Resource>, Failure> {
    let request = GetRequest {
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    match api.client.get(request).await {
        Ok(reply) => Ok(reply.into_inner().resources),
        Err(status) if status.code() == tonic::Code::NotFound => Ok(Vec::new()),
        Err(status) => Err(refused("resources can't be read", &status)),
    }
}

fn documents(resources: &[Resource]) -> String {
    resources
        .iter()
        .map(|resource| {
            format!(
                "---\n{}\n",
                resource.yaml.trim_start_matches("---\n").trim_end()
            )
        })
        .collect()
}

fn answer(resources: Vec<Resource>) -> Answer {
    let row = |resource: &Resource| {
        vec![
            resource.kind.clone(),
            full_name(&resource.namespace, &resource.name),
            resource.version.to_string(),
        ]
    };
    let rows: Vec<_> = resources.iter().map(row).collect();
    Answer {
        kind: "ResourceList",
        names: resources
            .iter()
            .map(|r| {
                format!(
                    "{}/{}",
                    r.kind.to_ascii_lowercase(),
                    full_name(&r.namespace, &r.name)
                )
            })
            .collect(),
        table: table::columns(&["KIND", "NAME", "VERSION"], &rows),
        wide: None,
        items: resources.iter().map(item).collect(),
    }
}

fn item(resource: &Resource) -> Value {
    let mut item = json!({"kind": resource.kind, "namespace": resource.namespace, "name": resource.name, "version": resource.version});
    item["resource"] = tree(resource);
    item
}

/// The resource as JSON; the text as it is where it is of a kind that this binary doesn't know.
pub(crate) fn tree(resource: &Resource) -> Value {
    let parsed = parse(resource).and_then(|parsed| serde_json::to_value(parsed).ok());
    parsed.unwrap_or_else(|| Value::from(resource.yaml.as_str()))
}

/// The resource as the types of this binary, if it knows them.
pub(crate) fn parse(resource: &Resource) -> Option<protocol::resource::Resource> {
    let namespace = Label::parse(&resource.namespace).ok()?;
    protocol::resource::parse(&resource.yaml, &resource.name, &namespace)
        .ok()?
        .pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(name: &str) -> Resource {
        let yaml = format!("kind: Service\nmetadata: {{name: {name}, namespace: shop}}\n");
        Resource {
            kind: "Service".into(),
            namespace: "shop".into(),
            name: name.into(),
            yaml,
            version: 3,
        }
    }

    #[test]
    fn an_unknown_kind_lists_the_known_ones() {
        assert_eq!(kind("svc").ok(), Some("Service"));
        insta::assert_snapshot!(kind("pod").expect_err("pods are elsewhere").render(false), @r#"unknown kind "pod": kinds are service, workload, serviceexport, failoverpolicy, authorizationpolicy"#);
    }

    #[test]
    fn yaml_is_one_stream_of_documents() {
        insta::assert_snapshot!(documents(&[resource("cart"), resource("payments")]), @r"
        ---
        kind: Service
        metadata: {name: cart, namespace: shop}
        ---
        kind: Service
        metadata: {name: payments, namespace: shop}
        ");
    }

    #[test]
    fn a_list_shows_kind_name_and_version() {
        insta::assert_snapshot!(answer(vec![resource("cart")]).render(Format::Table), @r"
        KIND     NAME       VERSION
        Service  shop/cart  3
        ");
    }
}
