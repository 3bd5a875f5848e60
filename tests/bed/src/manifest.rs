//! The manifests that most tests need, written as a user writes them.

use std::fmt::Write;

/// A `Service`.
pub fn service(namespace: &str, name: &str, protocol: &str) -> String {
    format!(
        "---\napiVersion: weft.dev/v1alpha1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{protocol: {protocol}}}\n"
    )
}

/// A `Service` of which every path may be asked twice without harm.
pub fn idempotent_service(namespace: &str, name: &str, protocol: &str) -> String {
    format!(
        "---\napiVersion: weft.dev/v1alpha1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{protocol: {protocol}, idempotent: [\"/*\"]}}\n"
    )
}

/// A `Workload`: where it runs, what it serves, whom it calls.
#[derive(Debug, Clone, Default)]
pub struct Workload<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its service account; its name when empty.
    pub service_account: &'a str,
    /// The node that it runs on.
    pub node: &'a str,
    /// Services and the ports on which it serves them.
    pub serves: &'a [(&'a str, u16)],
    /// Local ports and the names to which they lead.
    pub listeners: &'a [(u16, &'a str)],
    /// The port of its forward proxy.
    pub proxy_port: Option<u16>,
}

impl Workload<'_> {
    /// Writes it down.
    pub fn yaml(&self) -> String {
        let mut yaml = format!(
            "---\napiVersion: weft.dev/v1alpha1\nkind: Workload\nmetadata: {{name: {}, namespace: {}}}\nspec:\n  node: {}\n",
            self.name, self.namespace, self.node
        );
        if !self.service_account.is_empty() {
            line(
                &mut yaml,
                &format!("serviceAccount: {}", self.service_account),
            );
        }
        if !self.serves.is_empty() {
            line(&mut yaml, "serves:");
            for (service, port) in self.serves {
                line(
                    &mut yaml,
                    &format!("- {{service: {service}, port: {port}}}"),
                );
            }
            line(
                &mut yaml,
                "health: {every: 200ms, healthyAfter: 1, unhealthyAfter: 2}",
            );
        }
        if !self.listeners.is_empty() {
            line(&mut yaml, "listeners:");
            for (port, host) in self.listeners {
                line(&mut yaml, &format!("- {{port: {port}, host: {host}}}"));
            }
        }
        if let Some(port) = self.proxy_port {
            line(&mut yaml, &format!("proxyPort: {port}"));
        }
        yaml
    }
}

fn line(yaml: &mut String, text: &str) {
    writeln!(yaml, "  {text}").expect("writing to a string");
}

/// An `AuthorizationPolicy` that lets the callers of one service account of one peer in.
pub fn allow(namespace: &str, service: &str, peer: &str, caller: (&str, &str)) -> String {
    format!(
        "---\napiVersion: weft.dev/v1alpha1\nkind: AuthorizationPolicy\nmetadata: {{name: {service}-from-{peer}, namespace: {namespace}}}\nspec:\n  targetRefs: [{{group: \"\", kind: Service, name: {service}}}]\n  action: Allow\n  rules:\n  - from: [{{peer: {peer}, namespace: {}, serviceAccount: {}}}]\n",
        caller.0, caller.1
    )
}

/// A `FailoverPolicy` of local first, then one peer; back in short steps.
pub fn failover(namespace: &str, service: &str, peer: &str) -> String {
    format!(
        "---\napiVersion: weft.dev/v1alpha1\nkind: FailoverPolicy\nmetadata: {{name: {service}, namespace: {namespace}}}\nspec:\n  targetRefs: [{{group: \"\", kind: Service, name: {service}}}]\n  places:\n  - {{cluster: local}}\n  - {{peer: {peer}}}\n  leave: {{healthyBelow: 50%, consecutiveErrors: 5}}\n  failback: {{hold: 1s, steps: [50%, 100%], every: 1s}}\n"
    )
}
