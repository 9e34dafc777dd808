//! A database that somebody else has, or that is damaged.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::JAILS;
use super::support::{Site, failures};

const DRY: &str = "[responders.dry]\nkind = \"dry-run\"\n";

#[test]
fn a_second_daemon_is_refused_and_told_who_is_first() {
    let site = Site::new(JAILS, DRY);
    let first = site.start(None);
    let second = site.spawn(None);
    assert!(!second.wait().success());
    let error =
        format!("error: cannot open `{}`: process {} is using it", site.store().display(), first.id());
    assert_eq!(site.lines_said(&[&error]), 1, "{}", site.said());
    assert_eq!(
        site.lines_said(&["hint: it belongs to the running daemon: ask that one"]),
        1,
        "{}",
        site.said()
    );
    // The first one has noticed nothing.
    site.write(&failures("203.0.113.7", 5));
    site.wait_banned("203.0.113.7");
    site.stop(first, false);
}

#[test]
fn a_damaged_database_is_moved_aside_and_its_bans_are_kept() {
    // What is destroyed: the head of the file, so that it is no database any more; or the page of its first table.
    for (offset, length, kept) in [(0, 100, 0), (4096 * 2, 4096, 20)] {
        let site = Site::new(JAILS, DRY);
        let daemon = site.start(None);
        for n in 1..=20 {
            site.write(&failures(&format!("203.0.113.{n}"), 5));
        }
        site.wait_banned("203.0.113.20");
        site.stop(daemon, false);
        // So that the bans cannot be found again by reading the log again.
        fs::write(site.log(), "").unwrap();
        let damaged = OpenOptions::new().write(true).open(site.store()).unwrap();
        damaged.write_all_at(&vec![0xa5; length], offset).unwrap();
        drop(damaged);
        let bytes = fs::read(site.store()).unwrap();

        let daemon = site.start(None);
        let aside = moved_aside(&site);
        assert!(fs::read(&aside).unwrap() == bytes, "a byte of the damaged file was changed");
        let said = format!(
            "the damaged file was moved to `{}` and a new database was begun with the {kept} bans",
            aside.display()
        );
        assert_eq!(site.lines_said(&["WARN", &said]), 1, "{}", site.said());
        assert_eq!(site.bans().len(), kept);
        // The new one works.
        site.write(&failures("198.51.100.7", 5));
        site.wait_banned("198.51.100.7");
        site.stop(daemon, false);
        let daemon = site.start(None);
        assert_eq!(site.bans().len(), kept + 1);
        site.stop(daemon, false);
    }
}

/// The damaged file, without its companions.
fn moved_aside(site: &Site) -> PathBuf {
    let names = fs::read_dir(site.path("state")).unwrap().map(|entry| entry.unwrap().path());
    let is_database = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.contains("stockade.db.corrupt-") && name.ends_with('Z')
    };
    names.into_iter().find(is_database).expect("a file that was moved aside")
}
