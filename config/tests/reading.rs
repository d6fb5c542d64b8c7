//! Files that cannot be read.
use std::fs;
use std::path::{Path, PathBuf};

use distributex_config::read;

/// A file of this test run with these bytes.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
    fs::write(&path, bytes).expect("a file of our own");
    path
}

fn told(path: &Path) -> String {
    read(path).expect_err("a bad file").to_string()
}

#[test]
fn a_good_file_is_read() {
    let path = file("good.yaml", b"pools: [{name: a}]");

    assert_eq!(read(&path).unwrap().pools.len(), 1);
}

#[test]
fn a_mistake_names_the_file_and_its_line() {
    let path = file("bad.yaml", b"pools:\n  - name: a\n    maxlocks: -1\n");

    let told = told(&path);

    assert_eq!(
        told,
        format!("{}:3: pool \"a\": maxlocks is -1; must be a whole number from 1 to 1000000", path.display())
    );
}

#[test]
fn what_cannot_be_read_is_told_with_its_path() {
    let missing = Path::new("no/such/file.yaml");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"));

    assert_eq!(
        told(missing),
        "no/such/file.yaml: the file does not exist; name the configuration file with -c"
    );
    assert_eq!(
        told(directory),
        format!("{}: the file is a directory; name a file in it with -c", directory.display())
    );
}

#[test]
fn a_file_that_is_not_utf8_is_told_with_the_line() {
    let path = file("latin1.yaml", b"pools:\n  - name: gr\xf6\xdfe\n");

    assert_eq!(
        told(&path),
        format!("{}:2: a character is not UTF-8; save the file as UTF-8", path.display())
    );
}

#[test]
fn a_file_without_an_end_is_refused() {
    assert_eq!(
        told(Path::new("/dev/zero")),
        "/dev/zero: the file has more than 16 MiB; name the configuration file with -c"
    );
}
