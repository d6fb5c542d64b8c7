//! Blocks about the wrapper, the operator's tool and other clients.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
};

use serde_json::{Value, json};

use super::{
    blocks::{block, steps},
    machine::Machine,
};
use crate::{support::Server, wrapper::run::eventually};

/// A pool, and the key `secret` of an operator.
pub(super) const WITH_KEY: &str = "pools: [{name: pool1, expire: 300}]
admin_keys: [{name: ann, sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b}]";

/// Installs the programs as docs/install.md says.
pub(super) fn install(machine: &Machine) {
    machine.run(&format!(
        "cargo build --release && {}",
        block("docs/install.md", "install ").lines().next().unwrap()
    ));
}

/// A line of a crontab.
pub(super) fn crontab_line(machine: &Machine, block: &str) {
    install(machine);
    let server = Server::start(&fs::read_to_string(machine.path("clone/config/distributex.yaml")).unwrap());
    let command = block.splitn(6, ' ').nth(5).unwrap().replace("locks.acme.com", &server.addr.to_string());

    assert!(!command.contains('%'), "cron takes it for a line break");
    assert!(command.contains(" -l ") && command.contains(" -w "), "runs would pile up");
    assert_eq!(machine.run(&command), "agent --onetime --no-daemonize\n");
}

/// The test commands, which run this very test: they exist and are valid.
pub(super) fn test_commands(machine: &Machine, block: &str) {
    for line in block.lines() {
        let path = format!("{}/{}", env!("CARGO_MANIFEST_DIR"), line.split(' ').next().unwrap());
        machine.run(&format!("test -x {path} && bash -n {path}"));
    }
}

/// The output of status. Numbers and times differ, words do not.
pub(super) fn status_table(machine: &Machine, block: &str) {
    let server = Server::start("pools: [{name: deploy}, {name: backup, maxlocks: 3, expire: 0}]");
    let holders = [("deploy", "web7"), ("backup", "db1")].map(|(pool, host)| {
        let mut holder = server.connect();
        let body = json!({"host": host, "ttl": 30, "command": "rollout 17"});
        holder.post(&format!("/v1/pools/{pool}/acquire"), &body.to_string());
        assert_eq!(holder.answer().0, 201);
        holder
    });
    let waiters = ["web9", "web8"].map(|host| server.waiting(host, "deploy"));

    for step in steps(block) {
        let printed = machine.run(&format!("DISTRIBUTEX_SERVER={} {}", server.addr, step.command));
        let start = |line: &str| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
        let lines = |lines: &[&str]| lines.iter().map(|line| start(line)).collect::<Vec<_>>();
        assert_eq!(lines(&printed.lines().collect::<Vec<_>>()), lines(&step.output), "{printed}");
    }
    drop((holders, waiters));
}

/// A script with a lease.
pub(super) fn script_with_a_lease(machine: &Machine, block: &str) {
    let server = Server::start("pools: [{name: deploy}]");

    machine.run(&format!("export DISTRIBUTEX_SERVER={}\n{block}", server.addr));

    let history = server.get("/v1/pools/deploy/history").1;
    assert!(history.contains(r#""how":"released""#), "{history}");
}

/// A service with a lease.
pub(super) fn service_with_a_lease(machine: &Machine, block: &str) {
    install(machine);
    let server = Server::start("pools: [{name: report, expire: 0}]");
    let commands = block.replace("-H locks", &format!("-H {}", server.addr));
    let held = || server.get("/v1/pools/report").1.contains(r#""held":1"#);
    let run = |key: &str| {
        let line = commands.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        machine.run(line.unwrap());
    };

    run("ExecStartPre");
    assert!(held());
    run("ExecStart");
    assert!(held());
    run("ExecStopPost");
    assert!(!held());
}

/// The installation of the wrapper alone.
pub(super) fn installation(machine: &Machine, block: &str) {
    machine.run(&format!("cargo build --release && {block}"));
    machine.run("distributex --version");
}

/// Commands with the wrapper.
pub(super) fn wrapper_examples(machine: &Machine, block: &str) {
    install(machine);
    machine.run("mkdir -p bin && printf '#!/bin/sh\\necho $0 $*\\n' | tee deploy.sh bin/rsync && chmod +x deploy.sh bin/rsync");
    let server = Server::start("pools: [{name: deploy}, {name: backup}]");
    for line in block.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let host = words[words.iter().position(|word| *word == "-H").unwrap() + 1];
        let printed =
            machine.run(&format!("PATH=$PWD/bin:$PATH; {}", line.replace(host, &server.addr.to_string())));
        assert!(printed.contains("deploy.sh web1") || printed.contains("rsync -a /srv/"), "{printed}");
    }
    for pool in ["deploy", "backup"] {
        let history = server.get(&format!("/v1/pools/{pool}/history")).1;
        assert!(history.contains(r#""how":"released""#), "{pool}: {history}");
    }
}

/// A service whose command is wrapped.
pub(super) fn wrapped_service(machine: &Machine, block: &str) {
    install(machine);
    let server = Server::start("pools: [{name: report}]");
    let command = block.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();

    machine.run(&command.replace("locks.acme.com", &server.addr.to_string()));

    assert!(server.get("/v1/pools/report/history").1.contains(r#""exit_status":0"#));
}

/// A script that refuses the writes of older holders.
pub(super) fn fenced_write(machine: &Machine, block: &str) {
    fs::write(machine.path("clone/fenced-write"), block).unwrap();
    let write = |token: u64, text: &str| {
        let script = format!("echo {text} | DX_TOKEN={token} bash fenced-write target.txt");
        machine.shell(&script).output().unwrap().status.success()
    };

    assert!(write(5, "old"));
    assert!(write(7, "new"));
    assert!(!write(6, "late"), "its token is older");
    assert!(write(7, "again"));
    assert_eq!(machine.read("clone/target.txt"), "again\n");
}

/// The client in shell: it holds a slot while its command runs, and stops the command when the lease is lost.
pub(super) fn shell_client(machine: &Machine, block: &str) {
    let renew_often = block.replace("sleep 10", "sleep 0.2");
    assert_ne!(block, renew_often, "the pause between renewals is shortened for the test");
    fs::write(machine.path("clone/with-lock"), renew_often).unwrap();
    let server = Server::start(WITH_KEY);
    let with_lock =
        |command: &str| format!("DISTRIBUTEX_URL=http://{} bash with-lock pool1 {command}", server.addr);

    let held = format!("curl http://{}/v1/pools/pool1", server.addr);
    assert!(machine.run(&with_lock(&held)).contains(r#""held":1"#));
    assert!(server.get("/v1/pools/pool1").1.contains(r#""held":0"#));

    let mut lost = machine.shell(&with_lock("sleep 60")).spawn().unwrap();
    eventually("it holds a slot", || server.get("/v1/pools/pool1").1.contains(r#""held":1"#));
    administer_holder(&server, "force-release");
    assert!(!lost.wait().unwrap().success(), "a lost lease ends the script");
}

/// The client in Python: it renews, notices a lost lease, and releases.
pub(super) fn python_client(machine: &Machine, block: &str) {
    let server = Server::start(WITH_KEY);
    let main = format!(
        r#"
with Lock("http://{0}", "pool1") as lock:
    print(lock.token > 0)
    lock.check()
print("released")
lock = Lock("http://{0}", "pool1", ttl=1.5)
lock.__enter__()
time.sleep(2)  # longer than its ttl: it is renewed
lock.check()
print("renewed", flush=True)
input()
try:
    for _ in range(100):
        lock.check()
        time.sleep(0.1)
except Lost:
    print("lost")
"#,
        server.addr
    );
    fs::write(machine.path("clone/client.py"), format!("{block}{main}")).unwrap();
    let mut python = machine.shell("exec python3 client.py");
    let mut python = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(python.stdout.take().unwrap()).lines().map(Result::unwrap);

    assert_eq!(
        [lines.next().unwrap(), lines.next().unwrap(), lines.next().unwrap()],
        ["True", "released", "renewed"]
    );
    administer_holder(&server, "force-release");
    drop(python.stdin.take().map(|mut input| input.write_all(b"\n")));
    assert_eq!(lines.next().as_deref(), Some("lost"));
    assert!(python.wait().unwrap().success());
}

/// Performs an admin action on the only lease of the pool.
pub(super) fn administer_holder(server: &Server, action: &str) {
    let pool: Value = serde_json::from_str(&server.get("/v1/pools/pool1").1).unwrap();
    let token = &pool["holders"][0]["token"];
    let mut client = server.connect();
    let body = format!(r#"{{"token": {token}, "reason": "a test"}}"#);
    client.send_raw(&format!(
        "POST /v1/admin/pools/pool1/{action} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer secret\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let (status, said) = client.answer();
    assert_eq!(status, 200, "{said}");
}
