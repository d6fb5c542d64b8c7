//! Keeping a slot for longer.

use std::time::Duration;

use super::{
    Ending, Options, Which, failed,
    holding::{Holding, unusable},
    output::show,
};
use crate::{
    client::LeaseRecord,
    program::voice::{Seconds, Voice},
};

/// Renews the lease once.
pub(super) async fn run(
    options: &Options,
    which: &Which,
    ttl: Option<Duration>,
    json: bool,
    voice: Voice,
) -> Result<(), Ending> {
    let Some(mut holding) = Holding::find(options, which, voice)? else {
        voice.say(format_args!("there is no lease file, and so no lease to renew"));
        return Err(Ending::Lost);
    };
    let renewed = holding.client.renew(&holding.pool, &holding.id, ttl).await;
    let lease = renewed.map_err(|error| failed(&error, voice))?;
    let left =
        lease.expires_in.map_or_else(|| "for ever".to_owned(), |left| format!("for {} s", Seconds(left)));
    voice.note(format_args!("renewed the lease of {:?}: it lives {left}", holding.pool));
    if let Some((path, file)) = &mut holding.file {
        file.lease = lease.clone();
        file.write(path).map_err(|error| unusable("write", path, &error, voice))?;
    }
    if json { show(&document(&lease), voice) } else { Ok(()) }
}

/// A lease as the protocol writes it.
pub(super) fn document(lease: &LeaseRecord) -> String {
    let json = serde_json::to_string(lease).unwrap_or_default(); // nothing in it fails
    super::output::document(&json)
}
