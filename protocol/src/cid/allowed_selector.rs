//! One entry of the list of those who may knock.

use serde::{Deserialize, Serialize};

use super::{Handle, Selector};
use crate::name::ClusterName;

/// A selector that gateways, nodes and controllers let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedSelector {
    /// The number in the tokens.
    pub selector: Selector,
    /// Who holds its capability; nobody but this cluster itself if it's absent.
    pub peer: Option<ClusterName>,
    /// Unix seconds; after this second its tokens are dropped.
    pub not_after: u64,
    /// The one handle that it leads to: an invitation's leads to the controller only.
    pub only_handle: Option<Handle>,
}
