//! Giving a slot back.

use std::fs;

use super::{
    Ending, Options, Which, failed,
    holding::{Holding, unusable},
};
use crate::{client::Kind, program::voice::Voice};

/// Gives the slot back and removes the lease file. What is not held any more is as it should be.
pub(super) async fn run(options: &Options, which: &Which, voice: Voice) -> Result<(), Ending> {
    let Some(holding) = Holding::find(options, which, voice)? else {
        voice.say(format_args!("there is no lease file: nothing to release"));
        return Ok(());
    };
    match holding.client.release(&holding.pool, &holding.id).await {
        Ok(()) => voice.note(format_args!("gave the slot of {:?} back", holding.pool)),
        Err(error) if error.refusal().is_some_and(|refusal| refusal.kind == Kind::LeaseLost) => {
            voice.say(format_args!("the slot of {:?} was not held any more", holding.pool));
        }
        Err(error) => {
            let ending = failed(&error, voice);
            voice.say(format_args!("the slot of {:?} stays held until it expires", holding.pool));
            return Err(ending);
        }
    }
    match holding.file {
        Some((path, _)) => fs::remove_file(&path).map_err(|error| unusable("remove", &path, &error, voice)),
        None => Ok(()),
    }
}
