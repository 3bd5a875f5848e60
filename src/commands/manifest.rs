//! The resources that verbs write, as YAML: what `--dry-run` prints and people keep in Git.

pub(crate) mod caller;
pub(crate) mod place;

use std::fmt::Write as _;

use protocol::name::{Label, ServiceName};
use protocol::resource::ExportTo;

use self::caller::Caller;

const OURS: &str = "weft.dev/v1alpha1";
const MCS: &str = "multicluster.x-k8s.io/v1alpha1";
const LABEL_MAX: usize = 63;

fn head(api_version: &str, kind: &str, namespace: &Label, name: &str) -> String {
    format!(
        "apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: {namespace}\n"
    )
}

fn targets(service: &ServiceName) -> String {
    format!(
        "  targetRefs:\n  - {{group: \"\", kind: Service, name: {}}}\n",
        service.name
    )
}

/// A service, of the protocol that its instances speak.
pub(crate) fn service(name: &ServiceName, protocol: &str) -> String {
    head(OURS, "Service", &name.namespace, name.name.as_str())
        + &format!("spec:\n  protocol: {protocol}\n")
}

/// A workload on a node.
#[derive(Debug)]
pub(crate) struct Workload<'a> {
    /// Its own name.
    pub(crate) name: &'a Label,
    /// The service it is for; its service account is called like it unless said otherwise.
    pub(crate) service: &'a ServiceName,
    /// As whom it calls.
    pub(crate) service_account: &'a Label,
    /// Where it runs.
    pub(crate) node: &'a str,
    /// Where it serves, if it does.
    pub(crate) port: Option<u16>,
    /// Where its HTTP proxy listens.
    pub(crate) proxy_port: u16,
}

impl Workload<'_> {
    /// Writes it.
    pub(crate) fn yaml(&self) -> String {
        let mut text = head(
            OURS,
            "Workload",
            &self.service.namespace,
            self.name.as_str(),
        );
        let Workload {
            node,
            service_account,
            proxy_port,
            ..
        } = self;
        add(
            &mut text,
            format_args!(
                "spec:\n  node: {node}\n  serviceAccount: {service_account}\n  proxyPort: {proxy_port}\n"
            ),
        );
        if let Some(port) = self.port {
            add(
                &mut text,
                format_args!(
                    "  serves:\n  - {{service: {}, port: {port}}}\n",
                    self.service.name
                ),
            );
        }
        text
    }
}

/// An export to some peers, or to all.
pub(crate) fn export(service: &ServiceName, to: &ExportTo) -> String {
    head(
        MCS,
        "ServiceExport",
        &service.namespace,
        service.name.as_str(),
    ) + &format!("  annotations: {{weft.dev/to: \"{to}\"}}\n")
}

/// A policy that lets callers in.
#[derive(Debug)]
pub(crate) struct Allow<'a> {
    /// Its own name.
    pub(crate) name: String,
    /// Whom they may call.
    pub(crate) service: &'a ServiceName,
    /// Who they are.
    pub(crate) callers: &'a [Caller],
    /// Which methods; none is all.
    pub(crate) methods: &'a [String],
    /// Which paths; none is all.
    pub(crate) paths: &'a [String],
}

impl Allow<'_> {
    /// Writes it.
    pub(crate) fn yaml(&self) -> String {
        let mut text = head(
            OURS,
            "AuthorizationPolicy",
            &self.service.namespace,
            &self.name,
        ) + "spec:\n"
            + &targets(self.service);
        text.push_str("  action: Allow\n  rules:\n  - from:\n");
        for caller in self.callers {
            add(&mut text, format_args!("    - {}\n", caller.yaml()));
        }
        if !self.methods.is_empty() || !self.paths.is_empty() {
            let list = |name: &str, items: &[String]| {
                (!items.is_empty()).then(|| format!("{name}: {}", quoted(items)))
            };
            let parts: Vec<_> = [list("methods", self.methods), list("paths", self.paths)]
                .into_iter()
                .flatten()
                .collect();
            add(
                &mut text,
                format_args!("    to:\n    - {{{}}}\n", parts.join(", ")),
            );
        }
        text
    }
}

/// The name of the policy that lets one caller call one service, so that each can be taken back alone.
pub(crate) fn allow_name(service: &ServiceName, caller: &Caller) -> String {
    fitted(&format!("{}{}", allow_prefix(service), caller.words()))
}

/// What the names of a service's policies begin with.
pub(crate) fn allow_prefix(service: &ServiceName) -> String {
    format!("{}-allow-", service.name)
}

/// A name that is too long ends in a fingerprint of what was cut.
pub(crate) fn fitted(name: &str) -> String {
    if name.len() <= LABEL_MAX {
        return name.to_owned();
    }
    let fingerprint = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let kept: String = name.chars().take(LABEL_MAX - 9).collect();
    format!("{}-{:08x}", kept.trim_end_matches('-'), fingerprint >> 32)
}

/// A failover order and how to leave and come back.
#[derive(Debug)]
pub(crate) struct Failover<'a> {
    /// Whose it is.
    pub(crate) service: &'a ServiceName,
    /// In this order.
    pub(crate) places: &'a [place::Place],
    /// `50%`: leave a place with fewer healthy endpoints.
    pub(crate) leave_healthy_below: Option<u8>,
    /// Leave an endpoint after so many.
    pub(crate) consecutive_errors: Option<u32>,
    /// `40%`: send no more away than this.
    pub(crate) spill_max: Option<u8>,
    /// How to come back.
    pub(crate) failback: Option<&'a place::Failback>,
}

impl Failover<'_> {
    /// Writes it.
    pub(crate) fn yaml(&self) -> String {
        let mut text = head(
            OURS,
            "FailoverPolicy",
            &self.service.namespace,
            self.service.name.as_str(),
        ) + "spec:\n"
            + &targets(self.service);
        text.push_str("  places:\n");
        for place in self.places {
            add(&mut text, format_args!("  - {}\n", place.yaml()));
        }
        let healthy = self
            .leave_healthy_below
            .map(|percent| format!("healthyBelow: {percent}%"));
        let errors = self
            .consecutive_errors
            .map(|count| format!("consecutiveErrors: {count}"));
        let leave: Vec<_> = [healthy, errors].into_iter().flatten().collect();
        if !leave.is_empty() {
            add(
                &mut text,
                format_args!("  leave: {{{}}}\n", leave.join(", ")),
            );
        }
        if let Some(percent) = self.spill_max {
            add(&mut text, format_args!("  spill: {{max: {percent}%}}\n"));
        }
        if let Some(failback) = self.failback {
            add(&mut text, format_args!("  failback: {}\n", failback.yaml()));
        }
        text
    }
}

fn quoted(items: &[String]) -> String {
    serde_json::Value::from(items.to_vec()).to_string()
}

fn add(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    if text.write_fmt(arguments).is_err() {
        unreachable!("a String takes every write");
    }
}

#[cfg(test)]
mod tests;
