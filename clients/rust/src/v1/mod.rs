//! Requests and responses of the v1 protocol.

mod request;
mod response;

pub(crate) use self::{
    request::V1Call,
    response::{Payload, V1Response},
};
