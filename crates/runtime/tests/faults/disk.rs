//! A disk without room.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use stockade_core::Outcome;

use super::JAILS;
use super::support::namespace::Namespace;
use super::support::{Site, failures, wait_for};

/// Mounts a small disk that only the daemon sees, and becomes the daemon: whatever happens, nothing stays mounted.
const SMALL_DISK: &str = "mount -t tmpfs -o size=1m,mode=700 stockade-test \"$0\" && exec \"$@\"";

#[test]
fn bans_go_out_while_the_disk_is_full_and_all_is_stored_once_when_there_is_room() {
    let Some(namespace) = Namespace::new() else { return };
    let site = Site::new(JAILS, "store = \"{at}/disk/stockade.db\"\n");
    let disk = site.path("disk");
    fs::create_dir(&disk).unwrap();
    let wrapper = ["unshare", "--mount", "sh", "-c", SMALL_DISK, &disk.display().to_string()];
    let daemon = site.ready(site.spawn_by(&wrapper, Some(&namespace)));
    site.write(&failures("203.0.113.1", 5));
    site.wait_banned("203.0.113.1");

    // The disk as the daemon sees it.
    let filler = PathBuf::from(format!("/proc/{}/root{}/filler", daemon.id(), disk.display()));
    fill(&filler);
    // Whichever write is the first that finds no room.
    let full = format!(" `{}`: ", disk.join("stockade.db").display());
    let loud =
        ["ERROR", "the store does not work; bans go on from memory", &full, "make room on its file system"];
    // The store may live for a while on room in files that it has already: until it says so, and then some more.
    let mut attackers: Vec<String> = Vec::new();
    let mut more = 20;
    for n in 2..=250 {
        let attacker = format!("203.0.113.{n}");
        site.write(&failures(&attacker, 5));
        wait_for("the ban", || is_out(&namespace, &attacker).then_some(()));
        attackers.push(attacker);
        more -= i32::from(site.lines_said(&loud) > 0);
        if more == 0 {
            break;
        }
    }
    assert_eq!(site.lines_said(&loud), 1, "once:\n{}", site.said());
    assert!(
        site.status().warnings.iter().any(|warning| warning.contains(&full)),
        "{:?}",
        site.status().warnings
    );

    fs::remove_file(&filler).unwrap();
    wait_for("the store", || (site.lines_said(&["the store works again"]) > 0).then_some(()));
    wait_for("the outbox", || (site.status().outbox == 0).then_some(()));
    for attacker in &attackers {
        let why = site.why(attacker);
        assert_eq!(why.matches.len(), 5, "{attacker}");
        assert_eq!(why.decisions.len(), 1, "{attacker}: {:?}", why.decisions);
        let outcomes: Vec<_> = why.decisions[0].outcomes.iter().map(|(_, outcome)| outcome.clone()).collect();
        assert_eq!(outcomes, [Some(Outcome::Done)], "{attacker}");
        assert!(is_out(&namespace, attacker), "{attacker}");
    }
    site.stop(daemon, false);
}

/// Writes until there is no room left.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    for size in [64 * 1024, 4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

fn is_out(namespace: &Namespace, address: &str) -> bool {
    namespace.nft_list("set inet stockade addr4-sshd").contains(&format!("{address} "))
}
