//! What a parked waiter costs while nothing happens: resident memory, and processor time.
//!
//! The bare server does the same beside it: a handler that never ends, and nothing else.

use std::{process::ExitCode, time::Duration};

use load::{
    Result, Scale,
    connection::{Connection, request},
    line::CONFIGURATION,
    numbers::{tenths, whole},
    poller::Poller,
    report::Report,
    server::Server,
};

#[expect(dead_code, reason = "every bench uses a part of the load generator")]
mod load;

/// How many wait.
const SIZES: [usize; 2] = [5_000, 15_000];

/// How many ask and go before anybody waits: what the server takes once is not the waiters'.
const WARM_UP: usize = 200;

/// Memory is read when it stayed the same for so long.
const SETTLED: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    load::main("parked", bench)
}

/// Measures both servers.
fn bench(scale: Scale) -> Result<Report> {
    let columns = ["server", "waiters", "resident MiB", "KiB per waiter", "idle s", "processor %"];
    let mut report = Report::new("parked: waiters that sit idle", &columns);
    measure("distributexd", &Server::real(CONFIGURATION)?, scale, &mut report)?;
    measure("bare", &Server::bare()?, scale, &mut report)?;
    Ok(report)
}

/// Parks more and more waiters and looks at the server after each batch.
fn measure(name: &str, server: &Server, scale: Scale, report: &mut Report) -> Result<()> {
    let mut line = Line::behind_one_holder(server)?;
    let empty = settled(server, &mut line)?;
    for &size in scale.pick(&SIZES[..], &[500]) {
        line.grow(server, size)?;
        let resident = settled(server, &mut line)?;
        let idle = scale.pick(Duration::from_secs(10), Duration::from_secs(1));
        let share = idle_share(server, &mut line, idle)?;
        report.row([
            name.to_owned(),
            whole(size as f64),
            tenths(resident / 1024.0),
            tenths((resident - empty) / size as f64),
            tenths(idle.as_secs_f64()),
            tenths(share * 100.0),
        ]);
    }
    Ok(())
}

/// The waiters, and what tells if one of them is answered.
struct Line {
    /// Every one with a parked wait.
    waiters: Vec<Connection>,
    /// Watches them all.
    poller: Poller,
}

impl Line {
    /// Somebody takes the slot for good. Others come and go, and nobody waits yet.
    fn behind_one_holder(server: &Server) -> Result<Self> {
        let get = request("get", "holder", "line");
        let mut askers = (0..WARM_UP).map(|_| Connection::open(server.addr)).collect::<Result<Vec<_>>>()?;
        askers.iter_mut().try_for_each(|asker| asker.ask(&get, "YES"))?;
        Ok(Self { waiters: Vec::new(), poller: Poller::new()? })
    }

    /// Parks waiters until there are so many.
    fn grow(&mut self, server: &Server, size: usize) -> Result<()> {
        for number in self.waiters.len()..size {
            let mut waiter = Connection::open(server.addr)?;
            waiter.send(&request("wait", &format!("host{number:05}"), "line"))?;
            self.poller.add(&waiter, number)?;
            self.waiters.push(waiter);
        }
        Ok(())
    }

    /// Lets time pass, in which nobody may be answered.
    fn sit(&mut self, time: Duration) -> Result<()> {
        if self.poller.is_quiet_for(time)? {
            return Ok(());
        }
        Err("a wait was answered or cut off while the slot was held".into())
    }
}

/// Resident memory in KiB, once it has stopped changing.
fn settled(server: &Server, line: &mut Line) -> Result<f64> {
    let mut before = 0;
    for _ in 0..100 {
        let now = server.resident()?;
        if now == before {
            return Ok(now as f64);
        }
        before = now;
        line.sit(SETTLED)?;
    }
    Err("the server's memory does not stop growing".into())
}

/// The share of one core that the server uses while all wait.
fn idle_share(server: &Server, line: &mut Line, time: Duration) -> Result<f64> {
    let before = server.cpu()?;
    line.sit(time)?;
    Ok((server.cpu()? - before).as_secs_f64() / time.as_secs_f64())
}
