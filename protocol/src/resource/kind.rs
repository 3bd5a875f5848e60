//! The kinds of resources, and what people may call them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::suggestion;

/// A kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A named set of endpoints.
    Service,
    /// A program on a node.
    Workload,
    /// A service offered to peers (MCS).
    ServiceExport,
    /// Where a service is sought, in which order.
    FailoverPolicy,
    /// Who may call.
    AuthorizationPolicy,
}

/// A kind that there isn't.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind {kind:?}{}", hint.map(|h| format!("; did you mean {h:?}?")).unwrap_or_default())]
pub struct UnknownKind {
    kind: String,
    hint: Option<&'static str>,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Service,
        Self::Workload,
        Self::ServiceExport,
        Self::FailoverPolicy,
        Self::AuthorizationPolicy,
    ];

    /// Shows it as manifests write it.
    pub fn as_str(self) -> &'static str {
        self.names()[0]
    }

    /// Its name, what several are called, and its short forms.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Service => &["Service", "services", "svc"],
            Self::Workload => &["Workload", "workloads", "wl"],
            Self::ServiceExport => &["ServiceExport", "serviceexports", "se"],
            Self::FailoverPolicy => &["FailoverPolicy", "failoverpolicies", "fop"],
            Self::AuthorizationPolicy => &["AuthorizationPolicy", "authorizationpolicies", "ap"],
        }
    }

    /// Tells which `apiVersion` it has.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::ServiceExport => "multicluster.x-k8s.io/v1alpha1",
            Self::Service | Self::Workload | Self::FailoverPolicy | Self::AuthorizationPolicy => {
                "weft.dev/v1alpha1"
            }
        }
    }

    /// Finds the kind that a manifest names, which writes it exactly.
    pub(super) fn of_manifest(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| unknown(text))
    }
}

fn unknown(text: &str) -> UnknownKind {
    let hint = suggestion::nearest(text, &Kind::ALL.map(Kind::as_str));
    UnknownKind {
        kind: text.chars().take(100).collect(),
        hint,
    }
}

/// Reads what people type: any case, one or several, or the short form.
impl FromStr for Kind {
    type Err = UnknownKind;
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let is_named = |kind: &Self| {
            kind.names()
                .iter()
                .any(|name| name.eq_ignore_ascii_case(text))
        };
        Self::ALL
            .into_iter()
            .find(is_named)
            .ok_or_else(|| unknown(text))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_in_every_form_that_people_type() {
        for (texts, kind) in [
            (["service", "Services", "SVC"], Kind::Service),
            (["workload", "workloads", "wl"], Kind::Workload),
            (
                ["ServiceExport", "serviceexports", "se"],
                Kind::ServiceExport,
            ),
            (
                ["failoverpolicy", "FailoverPolicies", "fop"],
                Kind::FailoverPolicy,
            ),
            (
                ["authorizationPolicy", "authorizationpolicies", "ap"],
                Kind::AuthorizationPolicy,
            ),
        ] {
            for text in texts {
                assert_eq!(text.parse(), Ok(kind));
            }
        }
        let error = "servce".parse::<Kind>().map_err(|e| e.to_string());
        assert_eq!(
            error,
            Err("unknown kind \"servce\"; did you mean \"Service\"?".to_owned())
        );
        assert!(
            "pod"
                .parse::<Kind>()
                .is_err_and(|e| e.to_string() == "unknown kind \"pod\"")
        );
    }
}
