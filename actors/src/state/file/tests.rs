//! Databases that are opened, written and damaged.

use std::{collections::HashSet, fs};

use super::*;
use crate::{
    pool::{Ticket, Token},
    state::{contents::LEASE, database::ABOUT},
};

/// A directory, removed when dropped.
struct TempDirectory(PathBuf);

impl TempDirectory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("distributex-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for TempDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn numbers_of(pool: &str) -> RowKey {
    RowKey { pool: Name::new(pool).unwrap(), kind: RowKind::Numbers, number: 0 }
}

fn change(pool: &str, token: u64) -> Changes {
    let numbers = crate::pool::persistence::HighestNumbers { token: Token(token), ticket: Ticket(0) };
    Changes::from([(numbers_of(pool), Some(StateRecord::Numbers(numbers)))])
}

#[test]
fn a_later_format_is_left_to_the_version_that_wrote_it() {
    let folder = TempDirectory::new("later");
    let (file, _) = StateFile::open(&folder.0).unwrap();
    let transaction = file.database.as_ref().unwrap().begin_write().unwrap();
    transaction.open_table(ABOUT).unwrap().insert("format", "2").unwrap();
    transaction.commit().unwrap();
    drop(file);

    let error = StateFile::open(&folder.0).unwrap_err().to_string();

    assert!(error.contains("has format 2") && error.contains("start the version that wrote it"), "{error}");
}

/// The tokens of the pools `p` and `q`.
fn tokens(directory: &Path) -> [Option<u64>; 2] {
    let (file, _) = StateFile::open(directory).unwrap();
    let token = |pool| {
        let json = file.rows.get(&numbers_of(pool))?;
        Some(serde_json::from_slice::<serde_json::Value>(json).unwrap()["token"].as_u64().unwrap())
    };
    [token("p"), token("q")]
}

#[test]
fn after_an_error_everything_is_written_to_a_new_file() {
    let folder = TempDirectory::new("again");
    let (mut file, _) = StateFile::open(&folder.0).unwrap();
    file.write(&change("p", 7)).unwrap();
    let older = fs::read(file.path()).unwrap();
    file.write(&change("q", 8)).unwrap();
    file.database = None; // as after an error
    fs::write(file.path(), older).unwrap();

    file.write(&change("p", 9)).unwrap();
    file.write(&change("p", 10)).unwrap();
    drop(file);

    assert_eq!(tokens(&folder.0), [Some(10), Some(8)]);
    assert!(!folder.0.join(NEW_FILE).exists());
}

#[test]
fn a_failed_write_is_repeated_with_the_rest() {
    let folder = TempDirectory::new("left");
    let (mut file, _) = StateFile::open(&folder.0).unwrap();
    file.write(&change("p", 7)).unwrap();
    file.database = None;
    fs::create_dir(folder.0.join(NEW_FILE)).unwrap();
    assert!(file.write(&change("q", 8)).is_err());
    fs::remove_dir(folder.0.join(NEW_FILE)).unwrap();

    file.write(&change("p", 9)).unwrap();
    drop(file);

    assert_eq!(tokens(&folder.0), [Some(9), Some(8)]);
}

#[test]
fn a_moved_directory_is_used_instead_of_a_new_one() {
    let (folder, moved) = (TempDirectory::new("moved"), TempDirectory::new("moved-away"));
    let (mut file, _) = StateFile::open(&folder.0).unwrap();
    file.write(&change("p", 7)).unwrap();
    fs::rename(&folder.0, &moved.0).unwrap();
    let (mut other, _) = StateFile::open(&folder.0).unwrap();
    other.write(&change("p", 1)).unwrap();
    file.database = None;

    file.write(&change("q", 8)).unwrap();
    drop((file, other));

    assert_eq!(tokens(&moved.0), [Some(7), Some(8)]);
    assert_eq!(tokens(&folder.0), [Some(1), None]);
}

#[test]
fn a_removed_directory_is_named_in_the_error() {
    let folder = TempDirectory::new("removed");
    let (mut file, _) = StateFile::open(&folder.0).unwrap();
    fs::remove_dir_all(&folder.0).unwrap();
    file.database = None;

    let said = file.write(&change("p", 7)).unwrap_err().to_string();

    assert!(said.contains("the directory was moved or removed"), "{said}");
}

#[test]
fn a_boot_keeps_its_number_and_unused_ones_are_removed() {
    let folder = TempDirectory::new("boots");
    let (file, _) = StateFile::open(&folder.0).unwrap();
    assert_eq!(file.boot(), BootNumber(1));
    let database = file.database.as_ref().unwrap();
    let boot = |contents: &StateContents, clock| boot(database, contents, clock).unwrap().0;
    let known = clock_name().unwrap();
    assert_eq!(boot(&StateContents::default(), &known), BootNumber(1));

    let used =
        r#"{"requester":{"kind":"host","host":"a"},"now":{"boot":1,"at":1,"wall":1},"delivered":true}"#;
    let used = StateContents(vec![("p".to_owned(), LEASE, 7, used.into())]);

    assert_eq!(used.boots(), HashSet::from([BootNumber(1)]));
    assert_eq!(boot(&used, "another boot"), BootNumber(2));
    assert_eq!(boot(&used, &known), BootNumber(1));
    assert_eq!(boot(&StateContents::default(), "a third one"), BootNumber(3));
    assert_eq!(boot(&StateContents::default(), &known), BootNumber(4));
}
