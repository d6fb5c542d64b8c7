//! The `release` command.

use std::fs;

use super::{
    CtlOptions, CtlOutcome,
    command::LeaseSelector,
    failed,
    lease_reference::{LeaseReference, unusable},
};
use crate::program::console::Console;
use distributex_client::ErrorKind;

/// Releases the slot and deletes the lease file. A slot that is no longer held is not an error.
pub(super) async fn run(
    options: &CtlOptions,
    selector: &LeaseSelector,
    console: Console,
) -> Result<(), CtlOutcome> {
    let Some(held_lease) = LeaseReference::find(options, selector, console)? else {
        console.error(format_args!("no lease file, so nothing to release"));
        return Ok(());
    };
    match held_lease.client.release(&held_lease.pool, &held_lease.id).await {
        Ok(()) => console.verbose(format_args!("released the slot of {:?}", held_lease.pool)),
        Err(error) if error.refusal().is_some_and(|refusal| refusal.kind == ErrorKind::LeaseLost) => {
            console.error(format_args!("the slot of {:?} was no longer held", held_lease.pool));
        }
        Err(error) => {
            let ending = failed(&error, console);
            console.error(format_args!("the slot of {:?} stays held until it expires", held_lease.pool));
            return Err(ending);
        }
    }
    match held_lease.file {
        Some((path, _)) => fs::remove_file(&path).map_err(|error| unusable("remove", &path, &error, console)),
        None => Ok(()),
    }
}
