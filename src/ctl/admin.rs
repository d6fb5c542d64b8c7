//! Pulling levers: what an operator does to a pool, and what came of it.

use std::time::SystemTime;

use super::{
    AdminCommand, CtlOptions, CtlOutcome, forced,
    format::{clean, slots_held},
    holder_selector,
    output::{document, show},
    revoked,
};
use crate::program::console::Console;
use distributex_client::{
    Client, ClientError, ErrorKind, Operator, PoolSnapshot, QueueChange, Reloaded, Response, Resumed,
};

/// Pulls it, and says what came of it.
pub(super) async fn run(
    options: &CtlOptions,
    action: &AdminCommand,
    json: bool,
    console: Console,
) -> Result<(), CtlOutcome> {
    let key =
        options.key.as_ref().map(super::operator_identity::KeySource::key).transpose().map_err(|why| {
            console.error(format_args!("{why}"));
            CtlOutcome::System
        })?;
    let client = Client::new(options.operators_servers());
    let operator = client.operator(key, options.author.clone());
    let pulled = match action {
        AdminCommand::ForceRelease { pool, held, reason } => {
            let token = holder_selector::token(&client, pool, held, console).await?;
            report(operator.force_release(pool, token, reason).await, forced::sentence)
        }
        AdminCommand::Revoke { pool, held, within, reason } => {
            let token = holder_selector::token(&client, pool, held, console).await?;
            let revoked = operator.revoke(pool, token, *within, reason).await;
            report(revoked, |revoked| revoked::sentence(revoked, SystemTime::now()))
        }
        AdminCommand::Pause { pool, reason } => report(operator.pause(pool, reason).await, paused),
        AdminCommand::Resume { pool, reason } => {
            report(operator.resume(pool, reason.as_deref()).await, resumed)
        }
        AdminCommand::Promote { pool, ticket, reason } => {
            report(operator.promote(pool, *ticket, reason).await, promoted)
        }
        AdminCommand::Evict { pool, ticket, reason } => {
            report(operator.evict(pool, *ticket, reason).await, evicted)
        }
        AdminCommand::Reload { reason } => return reload(&operator, reason.as_deref(), json, console).await,
    };
    let (sentence, told) = pulled.map_err(|error| match (refused(&error, console), action) {
        (
            CtlOutcome::Refused,
            AdminCommand::ForceRelease { .. }
            | AdminCommand::Revoke { .. }
            | AdminCommand::Promote { .. }
            | AdminCommand::Evict { .. },
        ) if error.refusal().is_some_and(|refusal| refusal.kind == ErrorKind::NotFound) => {
            CtlOutcome::Lost // too late: nobody has that token or ticket
        }
        (ending, _) => ending,
    })?;
    show(&if json { document(&told) } else { sentence + "\n" }, console)
}

/// What a lever came to: a sentence, and the server's own words.
type ActionReport = Result<(String, String), ClientError>;

/// Says what came of it.
fn report<T>(pulled: Result<Response<T>, ClientError>, say: impl FnOnce(&T) -> String) -> ActionReport {
    pulled.map(|seen| (say(&seen.value), seen.json))
}

fn paused(pool: &PoolSnapshot) -> String {
    let PoolSnapshot { name, held, slots, queue: line, .. } = pool;
    let (name, held) = (clean(name), slots_held(*held, *slots));
    format!(
        "paused {name}: {held}, {} in line; holders keep their slots, and nothing is given out until: \
         distributexctl resume {name}",
        line.length
    )
}

fn resumed(Resumed { pool, resumed }: &Resumed) -> String {
    let PoolSnapshot { name, held, slots, queue: line, .. } = pool;
    let (name, held) = (clean(name), slots_held(*held, *slots));
    let done = match resumed {
        Some(false) => format!("{name} was not paused"),
        Some(true) | None => format!("resumed {name}"),
    };
    format!("{done}: {held}, {} in line", line.length)
}

fn promoted(QueueChange { pool, host, ticket, .. }: &QueueChange) -> String {
    format!("{} (ticket {ticket}) is the next in line for {}", clean(host), clean(pool))
}

fn evicted(QueueChange { pool, host, ticket, .. }: &QueueChange) -> String {
    format!("removed {} (ticket {ticket}) from the line of {}", clean(host), clean(pool))
}

async fn reload(
    operator: &Operator,
    reason: Option<&str>,
    json: bool,
    console: Console,
) -> Result<(), CtlOutcome> {
    match operator.reload(reason).await {
        Ok(Response { value: state, json: told, .. }) => {
            show(&if json { document(&told) } else { reloaded(&state) + "\n" }, console)
        }
        Err(error) if error.refusal().is_some_and(|refusal| refusal.kind == ErrorKind::BadRequest) => {
            for line in error.to_string().lines() {
                console.error(format_args!("{}", clean(line)));
            }
            Err(CtlOutcome::Configuration)
        }
        Err(error) => Err(refused(&error, console)),
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
fn refused(error: &ClientError, console: Console) -> CtlOutcome {
    let kind = error.refusal().map(|refusal| refusal.kind);
    let advice = match kind {
        Some(ErrorKind::Unauthorized) => {
            " (--key-file or DISTRIBUTEX_KEY has the key; on the server itself --socket needs none)"
        }
        None if error.to_string().contains("ermission denied") => {
            " (who may open the socket may do it: sudo; or -H with --key-file)"
        }
        Some(_) | None => "",
    };
    console.error(format_args!("{}{advice}", clean(&error.to_string())));
    CtlOutcome::of(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_it_is_said() {
        let moved = QueueChange {
            pool: "p".to_owned(),
            host: "web\x1b9".to_owned(),
            ticket: 3,
            position: Some(1),
            store: None,
        };
        assert_eq!(promoted(&moved), "web\u{fffd}9 (ticket 3) is the next in line for p");
        assert_eq!(evicted(&moved), "removed web\u{fffd}9 (ticket 3) from the line of p");
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
