//! The local socket: everything is served on it, its user alone may open it, and no file is lost for it.

use std::{
    fs,
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::Signal;

use crate::{
    support::{Client, ONE_SLOT, Server, connect_local, file_with},
    wrapper::run::folder,
};

/// A path for a socket, in a new folder.
fn path() -> PathBuf {
    folder().join("s")
}

fn with(socket: &Path) -> String {
    format!("admin_socket: {}\n{ONE_SLOT}", socket.display())
}

/// How a server ends that cannot start, and what it says.
fn refused(socket: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributexd"));
    command.arg("-c").arg(file_with(&with(socket))).args(["--listen", "127.0.0.1:0"]);
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A wait that reaches its pool before anything that is sent later; see [`Server::waiting`].
fn waiting(socket: &Path, host: &str) -> Client<UnixStream> {
    let mut client = connect_local(socket);
    let wait = format!("GET /wait?host={host}&pool=pool1 HTTP/1.1\r\nHost: test\r\n\r\n");
    client.send_raw(&format!("GET /nothing HTTP/1.1\r\nHost: test\r\n\r\n{wait}"));
    assert_eq!(client.answer().0, 404);
    client
}

#[test]
fn all_that_tcp_serves_is_served_there() {
    let socket = path();
    let server = Server::start(&with(&socket));
    let mut local = connect_local(&socket);

    assert_eq!(local.ask("/v1/pools"), server.get("/v1/pools"));
    assert_eq!(local.ask("/openapi.json"), server.get("/openapi.json"));
    assert_eq!(local.ask("/get?host=ann&pool=pool1").1, "YES");
    local.post("/v1/pools/pool1/acquire", r#"{"host": "bob"}"#);
    assert_eq!(local.answer().0, 423);
    let mut bob = waiting(&socket, "bob");
    assert_eq!(server.word("/release?host=ann&pool=pool1"), "OK");
    assert_eq!(bob.answer().1, "YES");
}

#[test]
fn who_hung_up_there_is_passed_over() {
    let socket = path();
    let server = Server::start(&with(&socket));
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let (bob, mut cid) = (waiting(&socket, "bob"), waiting(&socket, "cid"));
    let mut ann = server.connect();
    ann.ask("/nothing");

    server.freeze();
    ann.send("/release?host=ann&pool=pool1");
    drop(bob);
    server.signal(Signal::CONT);

    assert_eq!(cid.answer().1, "YES");
}

#[test]
fn only_its_user_may_open_it_whatever_the_umask_says() {
    for umask in ["0", "077", "0777"] {
        let socket = path();
        let script = r#"umask "$2"; exec "$0" -c "$1" --listen 127.0.0.1:0"#;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_distributexd")]);
        let _server = Server::spawn(command.arg(file_with(&with(&socket))).arg(umask));

        assert_eq!(mode(&socket) & !0o600, 0, "{umask}");
        if umask != "0777" {
            assert_eq!(mode(&socket), 0o600, "{umask}");
        }
    }
}

#[test]
fn one_that_a_dead_server_left_is_replaced() {
    let socket = path();
    let mut first = Server::start(&with(&socket));
    first.child.kill().unwrap();
    first.end();
    assert!(socket.exists());

    let _second = Server::start(&with(&socket));

    assert_eq!(connect_local(&socket).ask("/get?host=ann&pool=pool1").1, "YES");
}

#[test]
fn one_on_which_somebody_answers_is_not_taken_away() {
    let socket = path();
    let _first = Server::start(&with(&socket));

    let (status, said) = refused(&socket);

    assert_eq!(status, Some(71));
    assert!(
        said.contains(socket.to_str().unwrap()) && said.contains("another server is listening"),
        "{said}"
    );
    assert_eq!(connect_local(&socket).ask("/get?host=ann&pool=pool1").1, "YES");
}

#[test]
fn another_kind_of_file_is_left_alone() {
    let (file, directory, link) = (path(), path(), path());
    fs::write(&file, "precious").unwrap();
    fs::create_dir(&directory).unwrap();
    let dead = path();
    drop(UnixListener::bind(&dead).unwrap());
    symlink(&dead, &link).unwrap();

    for other in [&file, &directory, &link] {
        let (status, said) = refused(other);

        assert_eq!(status, Some(71));
        assert!(said.contains("is not a socket"), "{said}");
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "precious");
    assert!(directory.is_dir());
    assert_eq!(fs::read_link(link).unwrap(), dead);
    assert!(fs::symlink_metadata(dead).unwrap().file_type().is_socket());
}

#[test]
fn a_missing_directory_is_said_so() {
    let (status, said) = refused(&folder().join("none/s"));

    assert_eq!(status, Some(71));
    assert!(said.starts_with("distributexd: failed to open the admin socket"), "{said}");
    assert!(said.contains("the directory is missing"), "{said}");
}

#[test]
fn it_is_removed_at_a_clean_stop() {
    let socket = path();
    let mut server = Server::start(&with(&socket));
    let mut waiting = {
        assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
        waiting(&socket, "bob")
    };

    server.signal(Signal::TERM);

    assert_eq!(waiting.answer(), (503, "NO".to_owned()));
    assert_eq!(server.end().code(), Some(0));
    assert!(fs::symlink_metadata(&socket).is_err());
}

#[test]
fn one_that_somebody_put_in_its_place_is_not_removed() {
    let socket = path();
    let mut server = Server::start(&with(&socket));
    let moved = socket.with_extension("promoted");
    fs::rename(&socket, &moved).unwrap(); // so that its number is not given to the next file
    let _other = UnixListener::bind(&socket).unwrap();
    let number = fs::symlink_metadata(&socket).unwrap().ino();

    server.signal(Signal::TERM);

    assert_eq!(server.end().code(), Some(0));
    assert_eq!(fs::symlink_metadata(&socket).unwrap().ino(), number);
}
