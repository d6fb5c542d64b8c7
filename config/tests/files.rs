//! Reading of files, and files that cannot be read.
use std::fs;
use std::path::{Path, PathBuf};

use distributex_config::read;

/// Creates a file with these bytes.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
    fs::write(&path, bytes).expect("a file of our own");
    path
}

fn error_text(path: &Path) -> String {
    read(path).expect_err("a bad file").to_string()
}

#[test]
fn a_valid_file_is_read() {
    let path = file("good.yaml", b"pools: [{name: a}]");

    assert_eq!(read(&path).unwrap().pools.len(), 1);
}

#[test]
fn an_error_names_the_file_and_its_line() {
    let path = file("bad.yaml", b"pools:\n  - name: a\n    maxlocks: -1\n");

    let error_text = error_text(&path);

    assert_eq!(
        error_text,
        format!("{}:3: pool \"a\": maxlocks is -1; must be a whole number from 1 to 1000000", path.display())
    );
}

#[test]
fn an_unreadable_file_is_reported_with_its_path() {
    let missing = Path::new("no/such/file.yaml");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"));

    assert_eq!(
        error_text(missing),
        "no/such/file.yaml: the file does not exist; name the configuration file with -c"
    );
    assert_eq!(
        error_text(directory),
        format!("{}: the file is a directory; name a file in it with -c", directory.display())
    );
}

#[test]
fn a_file_that_is_not_utf8_is_reported_with_the_line() {
    let path = file("latin1.yaml", b"pools:\n  - name: gr\xf6\xdfe\n");

    assert_eq!(
        error_text(&path),
        format!("{}:2: a character is not UTF-8; save the file as UTF-8", path.display())
    );
}

#[test]
fn an_endless_file_is_rejected() {
    assert_eq!(
        error_text(Path::new("/dev/zero")),
        "/dev/zero: the file has more than 16 MiB; name the configuration file with -c"
    );
}
