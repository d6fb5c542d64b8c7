//! Busy servers and slow readers.

use std::{io::Write as _, net::TcpStream};

use serde_json::json;
use socket2::{Domain, Socket, Type};

use super::{Stream, Told, readers::readers};
use crate::{
    support::{ONE_SLOT, Server, post},
    wrapper::run::eventually,
};

/// How many were cut off, as the server counts them.
fn cut_off(server: &Server) -> usize {
    let (_, numbers) = server.get("/metrics");
    let line =
        numbers.lines().find_map(|line| line.strip_prefix("distributex_event_readers_disconnected_total "));
    line.unwrap().parse().unwrap()
}

/// A server without a log of all that happens in these tests.
fn busy(more: &str) -> Server {
    Server::start_with(&format!("{more}{ONE_SLOT}"), |command| command.env("RUST_LOG", "warn"))
}

/// So many leases come and go, of which there is as much to tell as there can be.
fn much_happens(server: &Server, count: usize) {
    let mut client = server.connect();
    let ask = json!({"host": "h".repeat(255), "owner": "o", "command": "\"".repeat(255)}).to_string();
    let cycle = post("/v1/pools/pool1/acquire", &ask) + &post("/v1/pools/pool1/release", &ask);
    for _ in 0..count {
        client.send_raw(&cycle);
        assert_eq!([client.answer().0, client.answer().0], [201, 204]);
    }
}

/// The same two thousand times, while these read.
fn much_is_read(server: &Server, readers: &mut [&mut Stream]) -> Vec<Told> {
    let mut all: Vec<Told> = Vec::new();
    for _ in 0..10 {
        much_happens(server, 200);
        for reader in &mut *readers {
            let told: Vec<_> = (0..400).map(|_| reader.next().unwrap()).collect();
            if all.ends_with(&told) {
                continue; // another reader was told the same
            }
            all.extend(told);
        }
    }
    all
}

#[test]
fn readers_that_read_miss_nothing_of_thousands_of_events() {
    let server = busy("");
    let (mut one, mut two) = (Stream::of(&server, ""), Stream::of(&server, "?pool=pool1"));

    let told = much_is_read(&server, &mut [&mut one, &mut two]);

    assert_eq!(told.len(), 4_000);
    let number = |told: &Told| told.id.split_once('-').unwrap().1.parse::<usize>().unwrap();
    assert!(told.iter().enumerate().all(|(n, told)| number(told) == n + 1));
    assert!(told.iter().enumerate().all(|(n, told)| told.event == ["granted", "released"][n % 2]));
    assert_eq!((readers(&server), cut_off(&server)), (2, 0));
}

#[test]
fn who_comes_back_late_gets_thousands_of_events_at_once() {
    let server = busy("event_buffer: 5000\n");
    let mut first = Stream::of(&server, "");
    much_happens(&server, 1);
    let last = first.next().unwrap().id;
    drop(first);

    much_happens(&server, 2_000);

    let mut again = Stream::after(&server, &last);
    assert!((1..4_002).all(|n| again.next().unwrap().event == ["granted", "released"][n % 2]));
    assert!(again.is_silent());
}

#[test]
fn a_reader_that_is_too_slow_is_sent_away_and_comes_back_to_what_is_known() {
    let server = busy("event_buffer: 5\n");
    let mut slow = Stream::of(&server, "");
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let last = slow.next().unwrap().id;
    assert_eq!(server.word("/release?host=ann&pool=pool1"), "OK");

    much_happens(&server, 500);
    slow.end();

    assert_eq!((readers(&server), cut_off(&server)), (0, 1));
    let mut again = Stream::after(&server, &last);
    again.tells("missed");
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    assert_eq!(again.words(1), ["granted ann"]);
}

/// A connection that takes in little.
fn narrow(server: &Server) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&server.addr.into()).unwrap();
    socket.into()
}

/// Takes as long as the limit is: ten seconds.
#[test]
fn readers_that_do_not_read_are_cut_off_and_everybody_else_is_served_meanwhile() {
    let server = busy("");
    let mut deaf: Vec<_> = (0..20).map(|_| narrow(&server)).collect();
    for client in &mut deaf {
        client.write_all(b"GET /v1/events HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    }
    let mut reads = Stream::of(&server, "");
    eventually("all are there", || readers(&server) == 21);

    much_is_read(&server, &mut [&mut reads]);
    eventually("they are cut off", || {
        assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
        assert_eq!(server.word("/release?host=ann&pool=pool1"), "OK");
        assert_eq!(reads.words(2), ["granted ann", "released ann"]);
        readers(&server) == 1
    });

    assert_eq!(cut_off(&server), 20);
    let memory = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let peak = memory.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix(" kB")).unwrap();
    assert!(peak.trim().parse::<usize>().unwrap() < 100_000, "{peak} kB");
}
