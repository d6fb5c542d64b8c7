//! The file that says what happened.

use std::{fs, path::Path};

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
            "token": 7, "waited": null, "held": null,
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
    let server = Fake::start();
    let mut run =
        Run::start(wrapper(server.addr()).args(["--status-file", "/no/such/folder/file", "exit 3"]));

    server.asked_v1("acquire").give("s", 30.0);
    server.asked_v1("release").done();

    let (code, said) = run.end();
    assert_eq!(code, 3);
    assert!(said.contains("/no/such/folder/file") && said.lines().count() == 1, "{said}");
}
