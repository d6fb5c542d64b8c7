//! The v1 protocol: JSON over HTTP.

mod answer;
mod call;

pub(super) use self::{
    answer::{Answer, Said},
    call::{Call, POOLS, pool_path},
};
