//! The `renew` command.

use std::time::Duration;

use super::{
    CtlOptions, CtlOutcome,
    command::LeaseSelector,
    failed,
    lease_reference::{LeaseReference, unusable},
    output::show,
};
use crate::program::console::{Console, DisplaySeconds};
use distributex_client::LeaseRecord;

/// Renews the lease once.
pub(super) async fn run(
    options: &CtlOptions,
    selector: &LeaseSelector,
    ttl: Option<Duration>,
    json: bool,
    console: Console,
) -> Result<(), CtlOutcome> {
    let Some(mut held_lease) = LeaseReference::find(options, selector, console)? else {
        console.error(format_args!("no lease file, so no lease to renew"));
        return Err(CtlOutcome::Lost);
    };
    let renewed = held_lease.client.renew(&held_lease.pool, &held_lease.id, ttl).await;
    let lease = renewed.map_err(|error| failed(&error, console))?;
    let left = lease.expires_in.map_or_else(
        || "does not expire".to_owned(),
        |left| format!("expires in {} s", DisplaySeconds(left)),
    );
    console.verbose(format_args!("renewed the lease of {:?}: it {left}", held_lease.pool));
    if let Some((path, file)) = &mut held_lease.file {
        file.lease = lease.clone();
        file.write(path).map_err(|error| unusable("write", path, &error, console))?;
    }
    if json { show(&document(&lease), console) } else { Ok(()) }
}

/// The lease as JSON of the protocol.
pub(super) fn document(lease: &LeaseRecord) -> String {
    let json = serde_json::to_string(lease).unwrap_or_default(); // serializing it cannot fail
    super::output::document(&json)
}
