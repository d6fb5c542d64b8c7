//! The file that says what happened.

use std::{
    fs::{self, File},
    io::Read as _,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Stdio,
};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
use serde_json::{Value, json};

use super::run::{Run, ended, folder, wrapper};
use crate::fake::{Fake, Port};

fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn a_run_is_told_with_its_times() {
    let (server, folder) = (Fake::start(), folder());
    let file = folder.join("status");
    fs::write(&file, "old").unwrap();
    let mut run = Run::start(wrapper(server.addr()).arg("--status-file").arg(&file).arg("exit 75"));

    server.asked_v1("acquire").give("s", 30.0);
    server.asked_v1("release").done();
    assert_eq!(run.end(), (75, String::new()));

    let mut said = read(&file);
    for time in ["waited", "held"] {
        assert!(said[time].take().as_f64().unwrap() < 30.0);
    }
    let server = server.addr().to_string();
    assert_eq!(
        said,
        json!({
            "result": "exited", "status": 75, "message": null, "pool": "p", "host": "web1", "server": server,
            "token": 7, "waited": null, "held": null, "lost": false, "ended": null,
        })
    );
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_run_without_a_slot_is_told_with_the_reason() {
    let file = folder().join("status");
    let nowhere = Port::take();

    let (code, _, said) =
        ended(wrapper(nowhere.addr()).arg("--status-file").arg(&file).args(["-n", "-v", "true"]));

    let told = read(&file);
    assert_eq!((code, &told["result"], &told["status"]), (69, &"unreachable".into(), &69.into()));
    assert_eq!((&told["token"], &told["held"]), (&Value::Null, &Value::Null));
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("cannot reach") && said.contains(message), "{message}");
}

#[test]
fn a_file_that_cannot_be_written_changes_nothing() {
    let said = run_with(Path::new("/no/such/folder/file"), |_| {});

    assert!(said.contains("/no/such/folder/file") && said.lines().count() == 1, "{said}");
}

/// A run whose command ends at once, after `meanwhile` with its process id; what the wrapper said.
fn run_with(file: &Path, meanwhile: impl Fn(u32)) -> String {
    let server = Fake::start();
    let mut command = wrapper(server.addr());
    let mut run = Run::start(command.arg("--status-file").arg(file).arg("exit 3"));
    let asked = server.asked_v1("acquire");
    meanwhile(run.child.id());
    asked.give("s", 30.0);
    server.asked_v1("release").done();
    let (code, said) = run.end();
    assert_eq!(code, 3, "{said}");
    said
}

fn fifo() -> PathBuf {
    let fifo = folder().join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    fifo
}

#[test]
fn a_fifo_is_written_to_and_stays_one() {
    let fifo = fifo();
    let mut reader = File::from(open(&fifo, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).unwrap());

    assert_eq!(run_with(&fifo, |_| {}), "");

    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["status"], 3);
    assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
}

#[test]
fn a_fifo_that_nobody_reads_does_not_hold_the_wrapper_up() {
    let fifo = fifo();

    let said = run_with(&fifo, |_| {});

    assert!(said.contains("without a reader") && said.lines().count() == 1, "{said}");
    assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
}

#[test]
fn a_device_is_written_to_and_stays_one() {
    let device = folder().join("null"); // one of our own, which takes everything
    let (null, mode) = (rustix::fs::makedev(1, 3), Mode::from_raw_mode(0o600));
    if mknodat(CWD, &device, FileType::CharacterDevice, mode, null).is_err() {
        return; // only root makes devices
    }

    let said = run_with(&device, |_| {});

    assert!(said.is_empty() || said.contains("Permission denied"), "{said}"); // on a file system without devices
    assert!(fs::symlink_metadata(&device).unwrap().file_type().is_char_device());
}

#[test]
fn a_symlink_stays_and_the_file_behind_it_is_replaced() {
    let folder = folder();
    let (link, target) = (folder.join("link"), folder.join("target"));
    symlink("target", &link).unwrap();
    for _ in ["a new file", "an old file"] {
        assert_eq!(run_with(&link, |_| {}), "");

        assert_eq!(read(&target)["status"], 3);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), 2, "nothing is left beside them");
}

#[test]
fn a_planted_symlink_is_not_followed() {
    let folder = folder();
    let (file, victim) = (folder.join("status"), folder.join("victim"));
    fs::write(&victim, "precious").unwrap();
    let plant = |pid: u32| symlink(&victim, folder.join(format!("status.{pid}.tmp"))).unwrap();

    assert_eq!(run_with(&file, plant), "");

    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(fs::symlink_metadata(&file).unwrap().is_file());
    assert_eq!(read(&file)["status"], 3);
}

#[test]
fn a_replaced_file_keeps_its_mode() {
    let file = folder().join("status");
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();

    assert_eq!(run_with(&file, |_| {}), "");

    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn the_standard_output_gets_it_after_what_the_command_wrote() {
    let folder = folder();
    let output = folder.join("output");
    let server = Fake::start();
    let mut command = wrapper(server.addr());
    let stdout = Stdio::from(File::create(&output).unwrap());
    let mut child =
        command.args(["--status-file", "/dev/stdout", "echo done"]).stdout(stdout).spawn().unwrap();
    server.asked_v1("acquire").give("s", 30.0);
    server.asked_v1("release").done();
    child.wait().unwrap();

    let text = fs::read_to_string(&output).unwrap();
    assert!(text.starts_with("done\n{\"result\":\"exited\""), "{text}");
}
