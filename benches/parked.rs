//! What a parked waiter costs while nothing happens: resident memory, and processor time.
//!
//! The bare server does the same beside it: a handler that never ends, and nothing else.

use std::{process::ExitCode, time::Duration};

use load::{
    Result, Scale,
    crowd::Crowd,
    line::CONFIGURATION,
    numbers::{tenths, whole},
    report::Report,
    server::Server,
};

#[expect(dead_code, reason = "every bench uses a part of the load generator")]
mod load;

/// How many wait.
const SIZES: [usize; 2] = [5_000, 15_000];

/// Memory is read when it stayed the same for so long.
const SETTLED: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    load::main("parked", &[bench])
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
    let mut crowd = Crowd::behind_one_holder(server)?;
    let empty = settled(server, &mut crowd)?;
    for &size in scale.pick(&SIZES[..], &[500]) {
        crowd.grow(server, size)?;
        let resident = settled(server, &mut crowd)?;
        let idle = scale.pick(Duration::from_secs(10), Duration::from_secs(1));
        let share = idle_share(server, &mut crowd, idle)?;
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

/// Resident memory in KiB, once it has stopped changing.
fn settled(server: &Server, crowd: &mut Crowd) -> Result<f64> {
    let mut before = 0;
    for _ in 0..100 {
        let now = server.resident()?;
        if now == before {
            return Ok(now as f64);
        }
        before = now;
        crowd.sit(SETTLED)?;
    }
    Err("the server's memory does not stop growing".into())
}

/// The share of one core that the server uses while all wait.
fn idle_share(server: &Server, crowd: &mut Crowd, time: Duration) -> Result<f64> {
    let before = server.cpu()?;
    crowd.sit(time)?;
    Ok((server.cpu()? - before).as_secs_f64() / time.as_secs_f64())
}
