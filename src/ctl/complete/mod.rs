//! Completes command lines: a shell's script hands over what was written, and gets what can follow.
//!
//! ```text
//!  words ─► point: what can stand at the cursor ─┬ words that the program knows ─► a line each
//!                                                ├ names that the server knows  ─► the same
//!                                                └ `:files`, `:commands`        ─► the shell's own
//! ```

mod line;
mod point;
mod scripts;

use std::time::Duration;

use structopt::StructOpt;
use tokio::time::timeout;

use self::point::{Expected, Known, Point, point};
pub(super) use self::scripts::script;
use super::{
    CtlOptions, CtlOutcome, Program,
    format::{clean, slots_held},
    output::show,
};
use crate::program::console::Console;
use distributex_client::{Client, ClientError, Server};

/// Time limit of requests to the server: somebody waits at the prompt.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Default port.
const DEFAULT_PORT: u16 = 9889;

/// An incomplete command line.
#[derive(Debug, Clone, StructOpt)]
pub(super) struct CompletionRequest {
    /// The program
    #[structopt(value_name = "PROGRAM", possible_values = Program::NAMES)]
    program: Program,
    /// The whole line, as passed by bash: only the part after the last : or = is completed
    #[structopt(long, value_name = "LINE")]
    line: Option<String>,
    /// The words after the program's name; the last one is incomplete
    #[structopt(value_name = "WORD", last = true)]
    words: Vec<String>,
}

/// Prints the words that can follow, each with its description after a tab. Errors are not reported, as the user is in
/// the middle of a line.
pub(super) async fn run(
    options: &CtlOptions,
    begun: &CompletionRequest,
    console: Console,
) -> Result<(), CtlOutcome> {
    let words = begun.line.as_deref().map_or_else(|| begun.words.clone(), line::words);
    let point = point(&begun.program.app(), &words);
    let found = match &point.expected {
        Expected::File => return show(":files\n", console),
        Expected::Command => return show(":commands\n", console),
        Expected::Words(words) => words.clone(),
        Expected::Known(what) => {
            let client = Client::new(servers(&point, options));
            let known = timeout(RESPONSE_TIMEOUT, known(&client, *what, point.pool.as_deref())).await;
            known.ok().and_then(Result::ok).unwrap_or_default()
        }
    };
    let cut = if begun.line.is_some() { line::cut(&point.begun) } else { 0 };
    let found = found.iter().filter(|(word, _)| word.starts_with(&point.begun) && *word == clean(word));
    let lines = found.map(|(word, meaning)| format!("{}\t{}\n", &word[cut..], clean(meaning)));
    show(&lines.collect::<String>(), console)
}

/// The servers of the line, or else those of the environment.
fn servers(point: &Point, options: &CtlOptions) -> Vec<Server> {
    let said = |name| point.options.iter().rev().find(|(option, _)| *option == name).map(|(_, said)| said);
    if let Some(path) = said("socket") {
        return vec![Server::socket(path)];
    }
    let port = said("port").and_then(|port| port.parse().ok()).unwrap_or(DEFAULT_PORT);
    let named = said("server").map(|list| Server::parse_list(list, port));
    named.and_then(Result::ok).unwrap_or_else(|| options.servers().to_vec())
}

/// Words known to the server, each with a description.
async fn known(
    client: &Client,
    what: Known,
    pool: Option<&str>,
) -> Result<Vec<(String, String)>, ClientError> {
    let pool = pool.unwrap_or_default();
    Ok(match what {
        Known::Pools => {
            let pools = client.pools().await?.value;
            pools.into_iter().map(|pool| (pool.name, slots_held(pool.held, pool.slots))).collect()
        }
        Known::Tokens => {
            let holders = client.pool(pool).await?.value.holders;
            holders.into_iter().map(|holder| (holder.token.to_string(), holder.host)).collect()
        }
        Known::Holders => {
            let holders = client.pool(pool).await?.value.holders;
            holders.into_iter().map(|holder| (holder.host, holder.command.unwrap_or_default())).collect()
        }
        Known::Tickets => {
            let waiters = client.pool(pool).await?.value.queue.waiters;
            waiters.into_iter().map(|waiter| (waiter.ticket.to_string(), waiter.host)).collect()
        }
    })
}
