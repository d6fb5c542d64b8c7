//! Leases: acquired, renewed in the background, released.
//!
//! | file | contents |
//! | --- | --- |
//! | `acquire` | the requests from the first try to the lease |
//! | `options` | what is requested |
//! | `handle` | `Lease`, the handle of its holder |
//! | `status` | the status that a holder sees |
//! | `renewal` | renewals in the background |
//! | `give_back` | releases, also in the background |
//! | `record` | a lease in JSON, for another process |
//! | `detached` | calls for a lease of which only the id is known |
//! | `secret` | lease ids and owners |

pub(crate) mod acquire;
pub(crate) mod detached;
pub(crate) mod give_back;
pub(crate) mod handle;
pub(crate) mod options;
pub(crate) mod record;
pub(crate) mod renewal;
pub(crate) mod secret;
pub(crate) mod status;
