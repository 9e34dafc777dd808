//! Every shelf does what a shelf must.

use stockade_repair::{FolderShelf, MemoryShelf};
use stockade_testkit::shelf::suite;

#[test]
fn in_memory() {
    suite(MemoryShelf::default, Clone::clone);
}

#[test]
fn in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let at = std::cell::RefCell::new(folder.path().to_owned());
    suite(
        || {
            count.set(count.get() + 1);
            at.replace(folder.path().join(count.get().to_string()));
            FolderShelf::open(&at.borrow()).unwrap()
        },
        |_| FolderShelf::open(&at.borrow()).unwrap(),
    );
}

#[cfg(feature = "sqlite")]
#[test]
fn in_sqlite() {
    use stockade_repair::SqliteShelf;

    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let at = std::cell::RefCell::new(folder.path().to_owned());
    suite(
        || {
            count.set(count.get() + 1);
            at.replace(folder.path().join(count.get().to_string()));
            SqliteShelf::open(&at.borrow()).unwrap()
        },
        |_| SqliteShelf::open(&at.borrow()).unwrap(),
    );
}
