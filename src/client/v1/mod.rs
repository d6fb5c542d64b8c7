//! The v1 protocol: JSON over HTTP.

mod answer;
mod call;

pub(super) use self::{
    answer::{Answer, Said},
    call::{Call, POOLS, RELOAD, events_path, lever_path, page_path, pool_path},
};
