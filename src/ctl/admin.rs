//! Admin actions: request to the server, and the result as a sentence.

use std::time::{Duration, SystemTime};

use super::{
    CtlOptions, CtlOutcome,
    command::{AdminCommand, WaiterSelector},
    format::{clean, human, slots_held},
    holder_selector,
    operator_identity::KeySource,
    output::{document, show},
    revoked,
};
use crate::program::console::Console;
use distributex_client::{
    Client, ClientError, ErrorKind, ForceReleased, Operator, PoolSnapshot, QueueChange, Reloaded, Response,
    Resumed,
};

/// Runs the action and prints its result.
pub(super) async fn run(
    options: &CtlOptions,
    action: &AdminCommand,
    console: Console,
) -> Result<(), CtlOutcome> {
    let key = options.key.as_ref().map(KeySource::key).transpose().map_err(|error| {
        console.error(format_args!("{error}"));
        CtlOutcome::System
    })?;
    let client = Client::new(options.operators_servers());
    let operator = client.operator(key, options.author.clone());
    let result = match action {
        AdminCommand::ForceRelease { lease, action } => {
            let token = holder_selector::token(&client, lease, console).await?;
            result(operator.force_release(&lease.pool, token, &action.reason).await, force_released)
        }
        AdminCommand::Revoke { lease, within, action } => {
            let token = holder_selector::token(&client, lease, console).await?;
            let revoked = operator.revoke(&lease.pool, token, *within, &action.reason).await;
            result(revoked, |revoked| revoked::sentence(revoked, SystemTime::now()))
        }
        AdminCommand::Pause { pool, action } => result(operator.pause(pool, &action.reason).await, paused),
        AdminCommand::Resume { pool, action } => {
            result(operator.resume(pool, action.reason.as_deref()).await, resumed)
        }
        AdminCommand::Promote { waiter: WaiterSelector { pool, ticket }, action } => {
            result(operator.promote(pool, *ticket, &action.reason).await, promoted)
        }
        AdminCommand::Evict { waiter: WaiterSelector { pool, ticket }, action } => {
            result(operator.evict(pool, *ticket, &action.reason).await, evicted)
        }
        AdminCommand::Reload { action } => {
            return reload(&operator, action.reason.as_deref(), action.json, console).await;
        }
    };
    let (sentence, json) = result.map_err(|error| {
        let outcome = report(&error, console);
        if action.has_target() && is_not_found(&error) { CtlOutcome::Lost } else { outcome }
    })?;
    show(&if action.wants_json() { document(&json) } else { sentence + "\n" }, console)
}

/// The result as a sentence, and the server's JSON.
fn result<T>(
    response: Result<Response<T>, ClientError>,
    sentence: impl FnOnce(&T) -> String,
) -> Result<(String, String), ClientError> {
    response.map(|response| (sentence(&response.value), response.json))
}

fn force_released(ForceReleased { pool, host, token, held, may_run_for, .. }: &ForceReleased) -> String {
    let (pool, host) = (clean(pool), clean(host));
    let held = held.map(|held: Duration| format!(", held for {}", human(held))).unwrap_or_default();
    let caution = match may_run_for {
        Some(time) => format!("{host}'s command may keep running for up to {}", human(*time)),
        None => format!("the lease had no expiry, so {host}'s command may never stop: check the host"),
    };
    format!("force-released the slot of {pool} held by {host} (token {token}{held}); {caution}")
}

fn paused(pool: &PoolSnapshot) -> String {
    let name = clean(&pool.name);
    format!(
        "paused {name}: {}; holders keep their slots, and no slot is granted until: distributexctl resume {name}",
        usage(pool)
    )
}

fn resumed(Resumed { pool, resumed }: &Resumed) -> String {
    let name = clean(&pool.name);
    let done = match resumed {
        Some(false) => format!("{name} was not paused"),
        Some(true) | None => format!("resumed {name}"),
    };
    format!("{done}: {}", usage(pool))
}

/// Held slots and waiters, as part of a sentence.
fn usage(PoolSnapshot { held, slots, queue, .. }: &PoolSnapshot) -> String {
    format!("{}, {} in the queue", slots_held(*held, *slots), queue.length)
}

fn promoted(QueueChange { pool, host, ticket, .. }: &QueueChange) -> String {
    format!("{} (ticket {ticket}) is now first in the queue of {}", clean(host), clean(pool))
}

fn evicted(QueueChange { pool, host, ticket, .. }: &QueueChange) -> String {
    format!("removed {} (ticket {ticket}) from the queue of {}", clean(host), clean(pool))
}

async fn reload(
    operator: &Operator,
    reason: Option<&str>,
    json: bool,
    console: Console,
) -> Result<(), CtlOutcome> {
    match operator.reload(reason).await {
        Ok(Response { value, json: body, .. }) => {
            show(&if json { document(&body) } else { reloaded(&value) + "\n" }, console)
        }
        Err(error) if error.refusal().is_some_and(|refusal| refusal.kind == ErrorKind::BadRequest) => {
            for line in error.to_string().lines() {
                console.error(format_args!("{}", clean(line)));
            }
            Err(CtlOutcome::Configuration)
        }
        Err(error) => Err(report(&error, console)),
    }
}

fn reloaded(Reloaded { pools, need_restart }: &Reloaded) -> String {
    let pools = if *pools == 1 { "1 pool".to_owned() } else { format!("{pools} pools") };
    let later = match need_restart.len() {
        0 => String::new(),
        _ => format!("; these changes take effect only after a restart: {}", clean(&need_restart.join(", "))),
    };
    format!("reloaded the configuration: {pools}{later}")
}

fn is_not_found(error: &ClientError) -> bool {
    error.refusal().is_some_and(|refusal| refusal.kind == ErrorKind::NotFound)
}

/// Reports an error, with advice where a key or permission is missing.
fn report(error: &ClientError, console: Console) -> CtlOutcome {
    let kind = error.refusal().map(|refusal| refusal.kind);
    let advice = match kind {
        Some(ErrorKind::Unauthorized) => {
            " (give a key with --key-file or DISTRIBUTEX_KEY, or use --socket on the server's machine)"
        }
        None if error.to_string().contains("ermission denied") => " (use sudo, or -H with --key-file)",
        Some(_) | None => "",
    };
    console.error(format_args!("{}{advice}", clean(&error.to_string())));
    CtlOutcome::of(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_force_release_says_how_long_the_command_may_run() {
        let force_released = |may_run_for| {
            force_released(&ForceReleased {
                pool: "p".to_owned(),
                host: "web7".to_owned(),
                token: 7,
                held: Some(Duration::from_secs(65)),
                may_run_for,
                store: None,
            })
        };

        assert_eq!(
            force_released(Some(Duration::from_secs(22))),
            "force-released the slot of p held by web7 (token 7, held for 65 s); \
             web7's command may keep running for up to 22 s"
        );
        assert!(force_released(None).ends_with("may never stop: check the host"));
    }

    #[test]
    fn queue_changes_are_sentences_safe_for_a_terminal() {
        let change = QueueChange {
            pool: "p".to_owned(),
            host: "web\x1b9".to_owned(),
            ticket: 3,
            position: Some(1),
            store: None,
        };

        assert_eq!(promoted(&change), "web\u{fffd}9 (ticket 3) is now first in the queue of p");
        assert_eq!(evicted(&change), "removed web\u{fffd}9 (ticket 3) from the queue of p");
    }

    #[test]
    fn a_reload_lists_changes_that_need_a_restart() {
        let reloaded = |pools, keys: &[&str]| {
            reloaded(&Reloaded { pools, need_restart: keys.iter().map(ToString::to_string).collect() })
        };

        assert_eq!(reloaded(1, &[]), "reloaded the configuration: 1 pool");
        assert!(reloaded(2, &["state_dir", "listen"]).ends_with("after a restart: state_dir, listen"));
    }
}
