//! How the command is started, and what it gets: its words, its streams, its environment.

use std::{
    io::{Read as _, Write as _},
    process::Stdio,
};

use super::{
    ONE_SLOT,
    run::{ended, wrapper},
};
use crate::support::Server;

#[test]
fn one_word_is_for_the_shell_and_several_are_run_as_they_are() {
    let server = Server::start(ONE_SLOT);
    let output = |words: &[&str]| ended(wrapper(server.addr).args(words)).1;

    assert_eq!(output(&["echo $((1 + 1))"]), "2\n");
    assert_eq!(output(&["echo", "$((1 + 1))"]), "$((1 + 1))\n");
    assert_eq!(output(&["--", "echo"]), "\n");
    assert_eq!(
        output(&["echo", "-n", "-l", "--", "-v"]),
        "-l -- -v",
        "options behind the command are its own"
    );
    assert_eq!(ended(wrapper(server.addr).args(["--", "echo a"])).0, 127);
}

#[test]
fn the_old_spellings_of_all_options_work() {
    let server = Server::start(ONE_SLOT);
    let (host, port) = ("127.0.0.1", server.addr.port().to_string());
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_distributex"));

    let (code, output, said) = ended(command.args(["-H", host, "-r", "p", "-p", &port, "echo ran"]));

    assert_eq!((code, output.as_str(), said.as_str()), (0, "ran\n", ""));
}

#[test]
fn the_command_is_told_what_it_holds() {
    let server = Server::start(ONE_SLOT);

    let (_, output, _) =
        ended(wrapper(server.addr).arg("echo $DX_POOL $DX_HOST $DX_SERVER; echo $DX_WAITED"));

    let (first, waited) = output.split_once('\n').unwrap();
    assert_eq!(first, format!("p web1 {}", server.addr));
    assert!(waited.trim().parse::<f64>().unwrap() >= 0.0);
}

#[test]
fn without_a_name_given_the_host_has_one() {
    let server = Server::start(ONE_SLOT);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_distributex"));

    let (code, output, _) = ended(command.args(["-H", &server.addr.to_string(), "-r", "p", "echo $DX_HOST"]));

    assert_eq!(code, 0);
    let called_so = hostname::get().unwrap() == "localhost";
    assert!(output.trim() != "" && (output.trim() != "localhost" || called_so), "{output}");
}

#[test]
fn what_goes_through_is_not_touched() {
    let server = Server::start(ONE_SLOT);
    let sent: Vec<u8> =
        (0..3_000_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let mut child = wrapper(server.addr)
        .args(["--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();

    let received = std::thread::scope(|scope| {
        let sent = &sent;
        scope.spawn(move || stdin.write_all(sent).unwrap());
        let mut received = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut received).unwrap();
        received
    });

    assert!(received == sent, "{} bytes of {} came back", received.len(), sent.len());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn verbose_says_what_goes_well() {
    let server = Server::start(ONE_SLOT);

    let (code, _, said) = ended(wrapper(server.addr).args(["-v", "exit 3"]));

    assert_eq!(code, 3);
    let steps = ["requesting", "got a slot", "ended with status 3", "released the slot"];
    assert_eq!(said.lines().count(), steps.len(), "{said}");
    assert!(said.lines().zip(steps).all(|(line, step)| line.contains(step)), "{said}");
}
