//! The v1 protocol: JSON over HTTP.

mod request;
mod response;

pub(super) use self::{
    request::{POOLS, RELOAD, V1Call, admin_path, events_path, page_path, pool_path},
    response::{Payload, V1Response},
};
