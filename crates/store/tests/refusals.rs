//! What a store cannot do, and that it then says so and leaves everything as it was.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a test may fail"
)]

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use common::{NOW, batch, open, rerun, skip, try_open};
use stockade_core::Timestamp;
use stockade_core::ports::{Retention, Store, StoreError, StoreErrorKind};
use stockade_store::{SCHEMA_VERSION, SqliteOptions, SqliteStore};
use stockade_testkit::store::survives_failure;

/// Set in a run of this program by itself: the folder to work in.
const FOLDER: &str = "STOCKADE_STORE_TEST_FOLDER";

#[track_caller]
fn check<T: std::fmt::Debug>(result: Result<T, StoreError>, kind: &StoreErrorKind, path: &Path, says: &str) {
    let error = result.expect_err(says);
    assert_eq!(error.kind, *kind, "{error}");
    assert!(
        error.message.contains(&format!("`{}", path.display())),
        "`{error}` does not name {}",
        path.display()
    );
    assert!(error.message.contains(says), "`{error}` does not say `{says}`");
    assert!(error.hint.is_some_and(|hint| !hint.is_empty()));
}

#[test]
fn a_second_process_is_told_who_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let first = open(&path);
    let says = format!("process {} is using it", std::process::id());
    check(try_open(&path), &StoreErrorKind::Busy, &path, &says);
    // Looking is allowed, before and after something is written.
    let reader = SqliteStore::open_read_only(&path).unwrap();
    let mut first = first;
    first.commit(&batch(1, 3)).unwrap();
    assert_eq!(reader.load().unwrap().bans.len(), 1);
    assert_eq!(reader.matches_of(&common::key(1), 10).unwrap().len(), 3);
    assert_eq!(reader.decisions(None, 10).unwrap().len(), 1);
    assert_eq!(reader.totals().unwrap(), first.totals().unwrap());
    drop(first);
    drop(open(&path));
    assert_eq!(reader.load().unwrap().bans.len(), 1);
}

#[test]
fn a_lock_of_another_program_is_waited_for_and_then_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let mut store = open(&path);
    let other = rusqlite::Connection::open(&path).unwrap();
    survives_failure(
        &mut store,
        &StoreErrorKind::Busy,
        |_| other.execute_batch("BEGIN IMMEDIATE").unwrap(),
        |_| other.execute_batch("ROLLBACK").unwrap(),
    );
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    check(store.commit(&batch(9, 1)), &StoreErrorKind::Busy, &path, "cannot write to");
    check(store.purge(&all()), &StoreErrorKind::Busy, &path, "cannot forget old rows in");
    drop(store);
    other.execute_batch("ROLLBACK; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    check(try_open(&path), &StoreErrorKind::Busy, &path, "cannot open");
    check(SqliteStore::open_read_only(&path), &StoreErrorKind::Busy, &path, "cannot open");
    drop(other);
    assert_eq!(open(&path).load().unwrap().windows.len(), 3_050);
}

#[test]
fn a_file_at_its_limit_is_full_and_can_be_purged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let small = SqliteOptions { max_file_bytes: Some(400_000), ..SqliteOptions::default() };
    let mut store = SqliteStore::open(&path, &small, NOW).unwrap().store;
    store.commit(&batch(1, 500)).unwrap();
    check(store.commit(&batch(2, 5_000)), &StoreErrorKind::Full, &path, "cannot write to");
    assert_eq!(store.load().unwrap().bans.len(), 1);
    assert_eq!(store.matches_of(&common::key(2), 10).unwrap(), []);
    // Room made by a purge is enough to go on.
    while store.purge(&all()).unwrap() > 0 {}
    assert_eq!(store.commit(&batch(3, 500)).unwrap(), 500);
    drop(store);
    let mut store = open(&path);
    assert_eq!(store.commit(&batch(2, 5_000)).unwrap(), 5_000);
    assert_eq!(store.load().unwrap().bans.len(), 3);
}

#[test]
fn a_full_disk() {
    if let Some(dir) = std::env::var_os(FOLDER) {
        return on_a_small_disk(&PathBuf::from(dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=8m,mode=700 none \"$0\" && exec \"$@\"";
    let dir_text = dir.path().to_str().unwrap();
    let unshare = ["unshare", "--mount", "--propagation", "private", "sh", "-c"];
    let possible = std::process::Command::new(unshare[0])
        .args(&unshare[1..])
        .args([script, dir_text, "true"])
        .status()
        .is_ok_and(|status| status.success());
    if !possible {
        return skip("no right to mount a small file system");
    }
    let status = rerun(&[&unshare[..], &[script, dir_text]].concat(), "a_full_disk")
        .env(FOLDER, dir.path())
        .status()
        .unwrap();
    assert!(status.success());
}

fn on_a_small_disk(dir: &Path) {
    let (path, ballast) = (dir.join("s.db"), dir.join("ballast"));
    let fill = || {
        use std::io::Write;
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&ballast).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    };
    fill();
    check(try_open(&path), &StoreErrorKind::Full, &path, "cannot");
    fs::remove_file(&ballast).unwrap();
    let mut store = try_open(&path).unwrap().store;
    survives_failure(&mut store, &StoreErrorKind::Full, |_| fill(), |_| fs::remove_file(&ballast).unwrap());
    fill();
    check(store.commit(&batch(9, 5_000)), &StoreErrorKind::Full, &path, "cannot write to");
    drop(store);
    // What was there is still there, and can be looked at without room.
    let reader = SqliteStore::open_read_only(&path);
    match reader {
        Ok(reader) => assert_eq!(reader.load().unwrap().windows.len(), 3_050),
        Err(error) => assert_eq!(error.kind, StoreErrorKind::Full, "{error}"),
    }
    fs::remove_file(&ballast).unwrap();
    assert_eq!(open(&path).load().unwrap().windows.len(), 3_050);
    // Damaged, and no room for a new file: everything stays where it is until there is.
    rusqlite::Connection::open(&path).unwrap().execute_batch("DROP TABLE windows").unwrap();
    let damaged = fs::read(&path).unwrap();
    fill();
    check(try_open(&path), &StoreErrorKind::Full, &path, "cannot");
    assert!(fs::read(&path).unwrap() == damaged, "the damaged file was changed");
    fs::remove_file(&ballast).unwrap();
    let mut opened = try_open(&path).unwrap();
    assert!(opened.notice.unwrap().contains("the 305 bans"));
    assert_eq!(opened.store.load().unwrap().bans.len(), 305);
}

#[test]
fn no_rights() {
    if let Some(dir) = std::env::var_os(FOLDER) {
        return without_rights(&PathBuf::from(dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let setpriv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    let me = std::env::current_exe().unwrap();
    let possible = std::process::Command::new(setpriv[0])
        .args(&setpriv[1..])
        .arg(&me)
        .arg("--list")
        .output()
        .is_ok_and(|output| output.status.success());
    if !possible {
        return skip("no right to become another user, or that user cannot run this program");
    }
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(dir.path().join("closed")).unwrap();
    fs::set_permissions(dir.path().join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    drop(open(&dir.path().join("theirs.db")));
    fs::create_dir(dir.path().join("mine")).unwrap();
    std::os::unix::fs::chown(dir.path().join("mine"), Some(65_534), Some(65_534)).unwrap();
    let status = rerun(&setpriv, "no_rights").env(FOLDER, dir.path()).status().unwrap();
    assert!(status.success());
    // What the other user made in a directory of theirs is taken from them by root, too.
    assert_eq!(open(&dir.path().join("mine/s.db")).load().unwrap().bans.len(), 1);
}

fn without_rights(dir: &Path) {
    let says = "permission denied";
    check(try_open(&dir.join("new.db")), &StoreErrorKind::Unreachable, &dir.join("new.db"), says);
    check(try_open(&dir.join("closed/s.db")), &StoreErrorKind::Unreachable, &dir.join("closed/s.db"), says);
    check(try_open(&dir.join("new/s.db")), &StoreErrorKind::Unreachable, &dir.join("new"), says);
    let theirs = dir.join("theirs.db");
    check(try_open(&theirs), &StoreErrorKind::Unreachable, &theirs, says);
    check(SqliteStore::open_read_only(&theirs), &StoreErrorKind::Unreachable, &theirs, "unable to open");
    let mut mine = open(&dir.join("mine/s.db"));
    mine.commit(&batch(1, 1)).unwrap();
}

#[test]
fn a_newer_schema_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    open(&path).commit(&batch(1, 3)).unwrap();
    rusqlite::Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", SCHEMA_VERSION + 1)
        .unwrap();
    let before = fs::read(&path).unwrap();
    let says = format!("it has schema {}", SCHEMA_VERSION + 1);
    check(try_open(&path), &StoreErrorKind::TooNew, &path, &says);
    check(SqliteStore::open_read_only(&path), &StoreErrorKind::TooNew, &path, &says);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn another_programs_database_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    for pragma in ["PRAGMA user_version = 3", "PRAGMA application_id = 7", "PRAGMA user_version = 0"] {
        rusqlite::Connection::open(&path)
            .unwrap()
            .execute_batch(&format!("CREATE TABLE IF NOT EXISTS theirs (a); {pragma}"))
            .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let before = fs::read(&path).unwrap();
        check(try_open(&path), &StoreErrorKind::Other, &path, "another program's database");
        check(
            SqliteStore::open_read_only(&path),
            &StoreErrorKind::Other,
            &path,
            "another program's database",
        );
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o644);
    }
    assert_eq!(files(dir.path()), ["s.db", "s.db.lock"]);
}

#[test]
fn nothing_is_followed_or_believed_that_another_may_have_put_there() {
    let dir = tempfile::tempdir().unwrap();
    let victim = dir.path().join("victim");
    for name in ["s.db", "s.db-wal", "s.db-shm", "s.db-journal", "s.db.lock"] {
        fs::write(&victim, "precious").unwrap();
        let inside = tempfile::tempdir_in(dir.path()).unwrap();
        let link = inside.path().join(name);
        symlink(&victim, &link).unwrap();
        check(try_open(&inside.path().join("s.db")), &StoreErrorKind::Unreachable, &link, "symbolic link");
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }
    let directory = dir.path().join("directory");
    fs::create_dir(&directory).unwrap();
    check(try_open(&directory), &StoreErrorKind::Unreachable, &directory, "not a regular file");
    check(try_open(Path::new("/")), &StoreErrorKind::Unreachable, Path::new("/"), "names no file");
    check(try_open(&victim.join("s.db")), &StoreErrorKind::Unreachable, &victim, "cannot make the directory");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
    let open_to_all = directory.join("s.db");
    check(try_open(&open_to_all), &StoreErrorKind::Unreachable, &open_to_all, "anybody may replace");
    // As `/tmp`: others may add files there, but not replace ours.
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o1777)).unwrap();
    drop(open(&open_to_all));
}

#[test]
fn a_directory_may_be_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let (real, link) = (dir.path().join("real"), dir.path().join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    let store = open(&link.join("s.db"));
    assert_eq!(store.path(), real.canonicalize().unwrap().join("s.db"));
    // One file, one owner, by whichever path.
    assert_eq!(try_open(&real.join("s.db")).unwrap_err().kind, StoreErrorKind::Busy);
}

#[test]
fn a_file_that_was_removed_while_in_use_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let mut store = open(&path);
    store.commit(&batch(1, 1)).unwrap();
    store.purge(&all()).unwrap();
    fs::remove_file(&path).unwrap();
    check(store.purge(&all()), &StoreErrorKind::Unreachable, &path, "removed or replaced");
    fs::write(&path, "").unwrap();
    check(store.purge(&all()), &StoreErrorKind::Unreachable, &path, "removed or replaced");
}

#[test]
fn only_a_file_can_be_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    check(SqliteStore::open_read_only(&path), &StoreErrorKind::Unreachable, &path, "there is no database");
    let nowhere = dir.path().join("nowhere");
    check(
        SqliteStore::open_read_only(&nowhere.join("s.db")),
        &StoreErrorKind::Unreachable,
        &nowhere,
        "cannot use",
    );
    fs::write(&path, "").unwrap();
    check(SqliteStore::open_read_only(&path), &StoreErrorKind::Unreachable, &path, "there is no database");
    fs::write(&path, "no database, but long enough to be one".repeat(100)).unwrap();
    check(SqliteStore::open_read_only(&path), &StoreErrorKind::Corrupt, &path, "not a database");
    assert_eq!(files(dir.path()), ["s.db"]);
}

fn all() -> Retention {
    let now = Timestamp::MAX;
    Retention { matches_before: now, decisions_before: now, bans_before: now, max_matches: 0 }
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
