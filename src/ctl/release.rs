//! Giving a slot back.

use std::fs;

use super::{
    CtlOptions, CtlOutcome, LeaseSelector, failed,
    lease_reference::{LeaseReference, unusable},
};
use crate::program::console::Console;
use distributex_client::ErrorKind;

/// Gives the slot back and removes the lease file. What is not held any more is as it should be.
pub(super) async fn run(
    options: &CtlOptions,
    which: &LeaseSelector,
    console: Console,
) -> Result<(), CtlOutcome> {
    let Some(holding) = LeaseReference::find(options, which, console)? else {
        console.error(format_args!("there is no lease file: nothing to release"));
        return Ok(());
    };
    match holding.client.release(&holding.pool, &holding.id).await {
        Ok(()) => console.verbose(format_args!("gave the slot of {:?} back", holding.pool)),
        Err(error) if error.refusal().is_some_and(|refusal| refusal.kind == ErrorKind::LeaseLost) => {
            console.error(format_args!("the slot of {:?} was not held any more", holding.pool));
        }
        Err(error) => {
            let ending = failed(&error, console);
            console.error(format_args!("the slot of {:?} stays held until it expires", holding.pool));
            return Err(ending);
        }
    }
    match holding.file {
        Some((path, _)) => fs::remove_file(&path).map_err(|error| unusable("remove", &path, &error, console)),
        None => Ok(()),
    }
}
