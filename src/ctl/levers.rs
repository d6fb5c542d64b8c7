//! Pulling levers: what an operator does to a pool, and what came of it.

use std::time::SystemTime;

use super::{
    Ending, Lever, Options, forced, held,
    output::{document, show},
    revoked,
    text::{clean, slots_held},
};
use crate::{
    client::{AskError, Client, Kind, Moved, Operator, PoolState, Reloaded, Resumed, Seen},
    program::voice::Voice,
};

/// Pulls it, and says what came of it.
pub(super) async fn run(options: &Options, lever: &Lever, json: bool, voice: Voice) -> Result<(), Ending> {
    let key = options.key.as_ref().map(super::who::KeySource::key).transpose().map_err(|why| {
        voice.say(format_args!("{why}"));
        Ending::System
    })?;
    let client = Client::new(options.operators_servers());
    let operator = client.operator(key, options.author.clone());
    let pulled = match lever {
        Lever::ForceRelease { pool, held, reason } => {
            let token = held::token(&client, pool, held, voice).await?;
            told(operator.force_release(pool, token, reason).await, forced::sentence)
        }
        Lever::Revoke { pool, held, within, reason } => {
            let token = held::token(&client, pool, held, voice).await?;
            let revoked = operator.revoke(pool, token, *within, reason).await;
            told(revoked, |revoked| revoked::sentence(revoked, SystemTime::now()))
        }
        Lever::Pause { pool, reason } => told(operator.pause(pool, reason).await, paused),
        Lever::Resume { pool, reason } => told(operator.resume(pool, reason.as_deref()).await, resumed),
        Lever::Front { pool, ticket, reason } => told(operator.to_front(pool, *ticket, reason).await, front),
        Lever::Remove { pool, ticket, reason } => told(operator.remove(pool, *ticket, reason).await, removed),
        Lever::Reload { reason } => return reload(&operator, reason.as_deref(), json, voice).await,
    };
    let (sentence, told) = pulled.map_err(|error| match (refused(&error, voice), lever) {
        (
            Ending::Refused,
            Lever::ForceRelease { .. } | Lever::Revoke { .. } | Lever::Front { .. } | Lever::Remove { .. },
        ) if error.refusal().is_some_and(|refusal| refusal.kind == Kind::NotFound) => {
            Ending::Lost // too late: nobody has that token or ticket
        }
        (ending, _) => ending,
    })?;
    show(&if json { document(&told) } else { sentence + "\n" }, voice)
}

/// What a lever came to: a sentence, and the server's own words.
type Pulled = Result<(String, String), AskError>;

/// Says what came of it.
fn told<T>(pulled: Result<Seen<T>, AskError>, say: impl FnOnce(&T) -> String) -> Pulled {
    pulled.map(|seen| (say(&seen.state), seen.json))
}

fn paused(pool: &PoolState) -> String {
    let PoolState { name, held, slots, line, .. } = pool;
    let (name, held) = (clean(name), slots_held(*held, *slots));
    format!(
        "paused {name}: {held}, {} in line; holders keep their slots, and nothing is given out until: \
         distributexctl resume {name}",
        line.length
    )
}

fn resumed(Resumed { pool, resumed }: &Resumed) -> String {
    let PoolState { name, held, slots, line, .. } = pool;
    let (name, held) = (clean(name), slots_held(*held, *slots));
    let done = match resumed {
        Some(false) => format!("{name} was not paused"),
        Some(true) | None => format!("resumed {name}"),
    };
    format!("{done}: {held}, {} in line", line.length)
}

fn front(Moved { pool, host, ticket, .. }: &Moved) -> String {
    format!("{} (ticket {ticket}) is the next in line for {}", clean(host), clean(pool))
}

fn removed(Moved { pool, host, ticket, .. }: &Moved) -> String {
    format!("removed {} (ticket {ticket}) from the line of {}", clean(host), clean(pool))
}

async fn reload(operator: &Operator, reason: Option<&str>, json: bool, voice: Voice) -> Result<(), Ending> {
    match operator.reload(reason).await {
        Ok(Seen { state, json: told, .. }) => {
            show(&if json { document(&told) } else { reloaded(&state) + "\n" }, voice)
        }
        Err(error) if error.refusal().is_some_and(|refusal| refusal.kind == Kind::BadRequest) => {
            for line in error.to_string().lines() {
                voice.say(format_args!("{}", clean(line)));
            }
            Err(Ending::Configuration)
        }
        Err(error) => Err(refused(&error, voice)),
    }
}

fn reloaded(Reloaded { pools, need_restart }: &Reloaded) -> String {
    let pools = if *pools == 1 { "1 pool".to_owned() } else { format!("{pools} pools") };
    let later = match need_restart.len() {
        0 => String::new(),
        _ => format!("; changed, but only a restart makes it count: {}", clean(&need_restart.join(", "))),
    };
    format!("read the configuration again: {pools}{later}")
}

/// Says why not.
fn refused(error: &AskError, voice: Voice) -> Ending {
    let kind = error.refusal().map(|refusal| refusal.kind);
    let advice = match kind {
        Some(Kind::Unauthorized) => {
            " (--key-file or DISTRIBUTEX_KEY has the key; on the server itself --socket needs none)"
        }
        None if error.to_string().contains("ermission denied") => {
            " (who may open the socket may do it: sudo; or -H with --key-file)"
        }
        Some(_) | None => "",
    };
    voice.say(format_args!("{}{advice}", clean(&error.to_string())));
    Ending::of(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_it_is_said() {
        let moved = Moved { pool: "p".to_owned(), host: "web\x1b9".to_owned(), ticket: 3, place: Some(1) };
        assert_eq!(front(&moved), "web\u{fffd}9 (ticket 3) is the next in line for p");
        assert_eq!(removed(&moved), "removed web\u{fffd}9 (ticket 3) from the line of p");
        let reloaded = |pools, keys: &[&str]| {
            reloaded(&Reloaded { pools, need_restart: keys.iter().map(ToString::to_string).collect() })
        };
        assert_eq!(reloaded(1, &[]), "read the configuration again: 1 pool");
        assert!(
            reloaded(2, &["state_dir", "history"])
                .ends_with("only a restart makes it count: state_dir, history")
        );
    }
}
