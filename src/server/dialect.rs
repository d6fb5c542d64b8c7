//! The dialects of the server: which protocol serves which path.
//!
//! Adding one: a variant here, whose matches then ask for everything else, and a module that translates requests into
//! messages for [`PoolHandle`](distributex_actors::PoolHandle) and replies into bytes.

use std::{rc::Rc, sync::Arc};

use actix_web::{HttpResponse, dev::ServiceRequest};
use distributex_actors::Registry;

use super::{classic, connection::Peer, monitoring::MonitoringPath, page, shared::Shared, v1};

/// A protocol of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// JSON below `/v1`.
    V1,
    /// `/metrics`, `/healthz` and `/readyz`.
    Monitoring,
    /// The operator's page.
    Page,
    /// `/get`, `/wait` and `/release`; also answers every path that belongs to no other dialect.
    Classic,
}

impl Dialect {
    /// The dialects with paths of their own, in the order in which they are tried.
    const WITH_PATHS: [Self; 3] = [Self::V1, Self::Monitoring, Self::Page];

    /// The dialect of a path.
    #[must_use]
    pub fn of(path: &str) -> Self {
        Self::WITH_PATHS.into_iter().find(|dialect| dialect.is_for(path)).unwrap_or(Self::Classic)
    }

    fn is_for(self, path: &str) -> bool {
        match self {
            Self::V1 => v1::is_for(path),
            Self::Monitoring => MonitoringPath::at(path).is_some(),
            Self::Page => page::is_for(path),
            Self::Classic => true,
        }
    }

    /// The label of a path's call in metrics: one of a fixed set, whatever the path is.
    #[must_use]
    pub fn call(self, path: &str) -> &'static str {
        match self {
            Self::V1 => v1::word(path),
            Self::Monitoring => MonitoringPath::at(path).map_or("other", MonitoringPath::word),
            Self::Page => "page",
            Self::Classic => classic::call_word(path),
        }
    }

    /// Serves a request with one of its paths.
    pub async fn respond(
        self,
        request: &mut ServiceRequest,
        registry: &Registry,
        peer: &Rc<Peer>,
        shared: &Arc<Shared>,
    ) -> HttpResponse {
        match self {
            Self::V1 => v1::respond(request, registry, peer, shared).await,
            Self::Monitoring => {
                let _handling = peer.begin();
                MonitoringPath::respond(request, registry).await
            }
            Self::Page => {
                let _handling = peer.begin();
                page::respond(request)
            }
            Self::Classic => classic::respond(request, &registry.pools(), peer).await,
        }
    }

    /// The response to a request whose head is too large.
    #[must_use]
    pub fn head_too_large(self, registry: &Registry) -> HttpResponse {
        match self {
            Self::V1 => v1::head_too_large(&registry.pools()),
            Self::Monitoring | Self::Page | Self::Classic => classic::head_too_large(),
        }
    }
}
