//! Keeping a slot for longer.

use std::time::Duration;

use super::{
    CtlOptions, CtlOutcome, LeaseSelector, failed,
    lease_reference::{LeaseReference, unusable},
    output::show,
};
use crate::program::console::{Console, DisplaySeconds};
use distributex_client::LeaseRecord;

/// Renews the lease once.
pub(super) async fn run(
    options: &CtlOptions,
    which: &LeaseSelector,
    ttl: Option<Duration>,
    json: bool,
    console: Console,
) -> Result<(), CtlOutcome> {
    let Some(mut holding) = LeaseReference::find(options, which, console)? else {
        console.error(format_args!("there is no lease file, and so no lease to renew"));
        return Err(CtlOutcome::Lost);
    };
    let renewed = holding.client.renew(&holding.pool, &holding.id, ttl).await;
    let lease = renewed.map_err(|error| failed(&error, console))?;
    let left = lease
        .expires_in
        .map_or_else(|| "for ever".to_owned(), |left| format!("for {} s", DisplaySeconds(left)));
    console.verbose(format_args!("renewed the lease of {:?}: it lives {left}", holding.pool));
    if let Some((path, file)) = &mut holding.file {
        file.lease = lease.clone();
        file.write(path).map_err(|error| unusable("write", path, &error, console))?;
    }
    if json { show(&document(&lease), console) } else { Ok(()) }
}

/// A lease as the protocol writes it.
pub(super) fn document(lease: &LeaseRecord) -> String {
    let json = serde_json::to_string(lease).unwrap_or_default(); // nothing in it fails
    super::output::document(&json)
}
