//! Blocks about the server.

use std::{
    fs,
    net::TcpStream,
    process::{Command, Stdio},
};

use rustix::process::Signal;
use serde_json::Value;

use super::{
    blocks::{block, document, steps},
    client_blocks::{WITH_KEY, administer_holder, install},
    machine::Machine,
};
use crate::{
    fake::Port,
    support::{Server, file_with},
    wrapper::run::{ended, eventually},
};

/// The first command, on a free port.
pub(super) fn first_command(machine: &Machine, block: &str) {
    let script = block.replace("&& target/", "&& exec target/"); // the server, not the shell, is the child that ends with the test
    let script = format!("{} --listen 127.0.0.1:0", script.trim_end());

    let server = Server::spawn(&mut machine.shell(&script));

    assert_eq!(server.word("/get/?host=me&pool=pool1"), "YES");
    let called = machine.read("called");
    assert!(called.contains("apt-get update\n") && called.contains("apt-get install -y build-essential"));
}

/// A session with a server that has the sample configuration.
pub(super) fn curl_session(machine: &Machine, block: &str) {
    let server = Server::start(&machine.read("clone/config/distributex.yaml"));
    session(machine, &block.replace("localhost:9889", &server.addr.to_string()));
}

/// Runs a session and checks every answer.
fn session(machine: &Machine, block: &str) {
    let (mut before, mut lease) = (String::new(), None::<(String, String)>);
    for step in steps(block) {
        if step.command.starts_with("U=") {
            before = format!("{}; ", step.command);
            continue;
        }
        let mut command = format!("{before}{}", step.command);
        if let Some((example, own)) = &lease {
            command = command.replace(example, own);
        }
        let printed = machine.run(&command);
        match (step.answer, step.output.as_slice()) {
            ("status 204", []) => assert_eq!(printed, ""),
            (word, []) if word.chars().all(|c| c.is_ascii_uppercase()) => assert_eq!(printed, word),
            (_, []) => assert!(serde_json::from_str::<Value>(&printed).unwrap().is_object()),
            (_, example) => {
                let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
                let (example, own) = (read(&example.join("\n")), read(&printed));
                let fields = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
                assert_eq!(fields(&own), fields(&example));
                let id = |lease: &Value| lease["lease"].as_str().unwrap().to_owned();
                lease = Some((id(&example), id(&own)));
            }
        }
    }
}

/// The event stream.
pub(super) fn event_stream(machine: &Machine, block: &str) {
    let server = Server::start(&machine.read("clone/config/distributex.yaml"));
    let step = steps(block).remove(0);
    let command = step.command.replace("localhost:9889", &server.addr.to_string());
    let shown = machine.path("events");
    let mut curl = machine.shell(&format!("exec {command}"));
    let mut curl = curl.stdout(fs::File::create(&shown).unwrap()).spawn().unwrap();

    eventually("an event arrives", || {
        server.word("/get?host=web1&pool=pool1");
        server.word("/release?host=web1&pool=pool1");
        fs::read_to_string(&shown).unwrap().contains("event: granted\ndata: {")
    });

    curl.kill().unwrap();
    curl.wait().unwrap();
    let starts = step.output.iter().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>();
    assert_eq!(starts, ["id:", "event:", "data:"]);
}

/// Part of a Prometheus configuration.
pub(super) fn prometheus_configuration(machine: &Machine, block: &str) {
    fs::write(machine.path("clone/config/prometheus.yaml"), block).unwrap();
    machine.run("promtool check config config/prometheus.yaml");
}

/// Two admin actions, through the admin socket and with a key.
pub(super) fn admin_actions(machine: &Machine, block: &str) {
    let hash = machine.run("printf %s secret | sha256sum").split(' ').next().unwrap().to_owned();
    let server = Server::start(&machine.here(&format!(
        "admin_socket: /run/distributexd/admin.sock\nadmin_keys: [{{name: ann, sha256: {hash}}}]\n\
         pools: [{{name: pool1}}]"
    )));
    fs::write(machine.path("clone/file"), "Authorization: Bearer secret\n").unwrap();
    let commands: Vec<_> = block.lines().collect();
    let is_paused = || !server.get("/v1/pools/pool1").1.contains(r#""paused":null"#);

    machine.run(commands[0]);
    assert!(is_paused());
    machine.run(&commands[1].replace("locks.acme.com:9889", &server.addr.to_string()));
    assert!(!is_paused());
    assert_eq!(commands.len(), 2);
}

/// Part of a configuration.
pub(super) fn configuration(_: &Machine, block: &str) {
    let mut check = Command::new(env!("CARGO_BIN_EXE_distributexd"));
    let (status, _, said) =
        ended(check.arg("--check").arg("-c").arg(file_with(&format!("{block}\npools: [{{name: p}}]\n"))));
    assert_eq!(status, 0, "{said}");
}

/// The installation for systemd: the units are valid, a restart loses nothing, and the tool works at once.
pub(super) fn systemd_installation(machine: &Machine, block: &str) {
    install(machine);
    machine.run(block);

    assert!(machine.read("called").contains("enable --now distributexd.socket distributexd.service"));
    let units = ["distributexd.service", "distributexd.socket"].map(|unit| {
        let unit = format!("/etc/systemd/system/{unit}");
        fs::write(machine.path(&unit), machine.here(&machine.read(&unit))).unwrap();
        unit
    });
    if Command::new("systemd-analyze").arg("--version").output().is_ok() {
        machine.run(&format!("systemd-analyze verify {}", units.join(" ")));
    }
    let config = machine.here(&machine.read("/etc/distributex.yaml"));
    let state = machine.path("var/lib/distributex");
    let config = config.replace("/var/lib/distributex", state.to_str().unwrap());
    let server = Server::start(&config);
    assert_eq!(server.word("/get?host=me&pool=pool1"), "YES");
    drop(server); // killed
    let server = Server::start(&config);
    assert_eq!(server.word("/get?host=them&pool=pool1"), "NO");
    machine.run("distributexctl --socket /run/distributexd/admin.sock pause pool1 --reason trial");
}

/// Two servers that share a memcached, and the two blocks that use them.
pub(super) fn two_servers_and_a_memcached(machine: &Machine, start: &str) {
    if !cfg!(feature = "memcache") {
        return;
    }
    let ports = [Port::take(), Port::take(), Port::take()];
    let [one, two, store] = ports.each_ref().map(|port| port.addr().port().to_string());
    let file = machine.path("clone/config/memcache.yaml");
    fs::write(&file, machine.read("clone/config/memcache.yaml").replace("11211", &store)).unwrap();
    let here = |text: &str| text.replace("9889", &one).replace("9890", &two);
    let start = here(start).replace("memcached ", &format!("memcached -p {store} "));
    let end = "kill %1 %2 %3";
    assert!(document("docs/backends.md").contains(end));
    let script = format!("cargo build --release; set -m; {start}\nread _; {end}; wait");
    let mut shell = machine.shell(&script);
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    for port in &ports {
        eventually("all three listen", || TcpStream::connect(port.addr()).is_ok());
    }
    for server in [&one, &two] {
        let state = format!("curl http://localhost:{server}/v1/pools/pool1");
        let reaches_memcached = || machine.shell(&state).output().unwrap().status.success();
        eventually("the server has found memcached, which may have started later", reaches_memcached);
    }

    session(machine, &here(&block("docs/backends.md", "$ curl \"http://localhost:9889/get?")));
    let wrapped = block("docs/backends.md", "$ target/release/distributex -H");
    let printed = machine.run(&here(wrapped.strip_prefix("$ ").unwrap()));

    assert!(printed.starts_with("token 1"), "{printed}");
    drop(shell.stdin.take());
    shell.wait().unwrap();
    assert!(TcpStream::connect(ports[0].addr()).is_err(), "{end} ends all");
}

/// The fields of a pool's snapshot: the words of the block are those of a real one.
pub(super) fn fields_of_a_pool(_: &Machine, block: &str) {
    let server = Server::start(WITH_KEY);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let _bob = server.waiting("bob", "pool1");
    administer_holder(&server, "revoke");
    let pool: Value = serde_json::from_str(&server.get("/v1/pools/pool1").1).unwrap();

    let mut words: Vec<_> = block.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    let mut fields = Vec::new();
    collect_fields(&pool, &mut fields);
    fields.retain(|field| !["author", "reason", "until"].contains(&field.as_str())); // of the revoke

    words.sort_unstable();
    words.dedup();
    fields.sort_unstable();
    fields.dedup();
    assert_eq!(words, fields);
}

fn collect_fields(value: &Value, fields: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                fields.push(name.clone());
                collect_fields(value, fields);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect_fields(value, fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Log lines: real ones have the same level, words and keys.
pub(super) fn log_lines(_: &Machine, block: &str) {
    let pools = "pools: [{name: pool1, expire: 300}]";
    let mut server = Server::start_with(pools, |command| command.stderr(Stdio::piped()));
    assert_eq!(server.word("/get?host=web1&pool=pool1"), "YES");
    assert_eq!(server.word("/release?host=web1&pool=pool1"), "OK");
    server.signal(Signal::TERM);
    let log = server.log_to_end();

    let shape = |line: &str| {
        let words =
            line.split_ascii_whitespace().skip(1).map(|word| word.split('=').next().unwrap().to_owned());
        words.collect::<Vec<_>>()
    };
    let real: Vec<_> = log.lines().map(shape).collect();
    for line in block.lines() {
        assert!(real.contains(&shape(line)), "{line:?} is not like any line of\n{log}");
    }
}
