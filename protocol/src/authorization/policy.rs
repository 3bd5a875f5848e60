//! An authorization policy as nodes hold it: peers resolved to trust domains, everything parsed.

use serde::{Deserialize, Serialize};

use super::{Asked, Caller, Principal};
use crate::name::{Label, PathPattern, ServiceName, is_ambiguous};

/// What a policy does to the requests that its rules match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Lets them in, and with that keeps out all that no ALLOW matches.
    Allow,
    /// Keeps them out, whatever else is allowed.
    Deny,
}

/// Rules for some services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Where it lives.
    pub namespace: Label,
    /// Its name.
    pub name: Label,
    /// The services that it covers.
    pub targets: Vec<ServiceName>,
    /// What it does.
    pub action: Action,
    /// It matches when one of these does; without any it matches nothing.
    pub rules: Vec<Rule>,
}

/// Some callers and what they ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The callers; empty: anybody.
    pub from: Vec<Principal>,
    /// The methods; empty: any.
    pub methods: Vec<String>,
    /// The paths; empty: any.
    pub paths: Vec<PathPattern>,
}

/// Whether something applies; `Unknown` counts against the caller either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    No,
    Unknown,
    Yes,
}

impl Policy {
    /// Tells whether it speaks of this service at all.
    pub fn covers(&self, service: &ServiceName) -> bool {
        self.targets.contains(service)
    }

    /// Prints `namespace/name`.
    pub fn display_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    pub(super) fn matches(&self, caller: &Caller<'_>, asked: &Asked<'_>) -> Match {
        self.rules
            .iter()
            .map(|rule| rule.matches(caller, asked))
            .max()
            .unwrap_or(Match::No)
    }
}

impl Rule {
    fn matches(&self, caller: &Caller<'_>, asked: &Asked<'_>) -> Match {
        let caller_matches = self.from.is_empty() || self.from.iter().any(|p| p.matches(caller.id));
        if !caller_matches {
            return Match::No;
        }
        match asked {
            Asked::Request(request) => {
                let method_matches =
                    self.methods.is_empty() || self.methods.iter().any(|m| m == request.method);
                if method_matches {
                    self.path_matches(request.path)
                } else {
                    Match::No
                }
            }
            Asked::Opaque(_) if self.methods.is_empty() && self.paths.is_empty() => Match::Yes,
            // What the bytes will ask for is unknown.
            Asked::Opaque(_) => Match::Unknown,
        }
    }

    fn path_matches(&self, path: &str) -> Match {
        let path = path.split('?').next().unwrap_or_default();
        if self.paths.is_empty() {
            return Match::Yes;
        }
        // P-13 refuses such a path before; should one get here, no rule about paths can tell what the app will make of it.
        if is_ambiguous(path) {
            return Match::Unknown;
        }
        if self.paths.iter().any(|p| p.matches(path)) {
            Match::Yes
        } else if has_parameters(path) {
            // Some apps read `/admin;x` as `/admin`, others don't.
            Match::Unknown
        } else {
            Match::No
        }
    }
}

fn has_parameters(path: &str) -> bool {
    path.contains(';') || path.contains("%3b") || path.contains("%3B")
}
