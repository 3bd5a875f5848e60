//! What each cluster of the demo declares, as a user would write it in a file for `weft apply -f`.

use std::fmt::Write;

use super::cluster::{App, Cluster, Plan};

/// The manifest of a cluster.
pub(super) fn of(cluster: &Cluster, plan: &Plan) -> String {
    let mut services: Vec<&str> = cluster.apps.iter().map(|app| app.service).collect();
    services.dedup();
    let mut documents: Vec<String> = services
        .iter()
        .map(|service| self::service(service))
        .collect();
    documents.extend(cluster.apps.iter().map(|app| workload(cluster.name, app)));
    documents.push(caller(cluster, plan));
    // An export brings a policy for the peer's callers; from then on one's own need one as well.
    documents.extend(["shop", "till"].map(|service| policy(service, plan.caller)));
    documents.join("---\n")
}

/// A service. Charging twice does no harm, so a call that broke may be made again.
fn service(name: &str) -> String {
    let spec = match name {
        "till" => "{protocol: grpc, idempotent: [/weft.demo.v1.Till/Charge]}",
        _ => "{protocol: http}",
    };
    format!(
        "{}metadata: {{name: {name}, namespace: shop}}\nspec: {spec}\n",
        head("Service")
    )
}

/// An application that serves.
fn workload(cluster: &str, app: &App) -> String {
    let App {
        service,
        instance,
        node,
        port,
        ..
    } = app;
    let health = match *service {
        "till" => "{every: 500ms, healthyAfter: 1, unhealthyAfter: 1}",
        _ => "{httpPath: /healthz, every: 500ms, healthyAfter: 1, unhealthyAfter: 1}",
    };
    format!(
        "{}metadata: {{name: {instance}, namespace: shop}}\nspec:\n  node: {cluster}-{node}\n  serviceAccount: {service}\n  \
         serves: [{{service: {service}, port: {port}}}]\n  health: {health}\n",
        head("Workload")
    )
}

/// The application that calls.
fn caller(cluster: &Cluster, plan: &Plan) -> String {
    let mut text = format!(
        "{}metadata: {{name: {}, namespace: shop}}\nspec:\n  node: {}-1\n  proxyPort: {}\n",
        head("Workload"),
        plan.caller,
        cluster.name,
        cluster.proxy
    );
    for (index, (host, port)) in cluster.listeners.iter().enumerate() {
        let key = if index == 0 { "  listeners:\n" } else { "" };
        if writeln!(text, "{key}  - {{port: {port}, host: {host}}}").is_err() {
            unreachable!("a String takes every write");
        }
    }
    text
}

/// The caller may call this cluster's own service.
fn policy(service: &str, caller: &str) -> String {
    format!(
        "{}metadata: {{name: {service}-at-home, namespace: shop}}\nspec:\n  \
         targetRefs: [{{group: \"\", kind: Service, name: {service}}}]\n  action: Allow\n  \
         rules:\n  - from: [{{namespace: shop, serviceAccount: {caller}}}]\n",
        head("AuthorizationPolicy")
    )
}

fn head(kind: &str) -> String {
    format!("apiVersion: weft.dev/v1alpha1\nkind: {kind}\n")
}
