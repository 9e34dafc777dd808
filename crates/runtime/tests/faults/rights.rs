//! Rights that the daemon does not have.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::support::namespace::Namespace;
use super::support::{Site, failures, wait_for};
use super::{JAILS, is_root};

/// A user without any right.
const NOBODY: [&str; 6] =
    ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--"];
/// root, without the one right that the firewall asks for.
const NO_NET_ADMIN: [&str; 4] = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", "--"];

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_log_that_may_not_be_read_is_named_and_read_as_soon_as_it_may() {
    if !is_root() {
        return;
    }
    let site = Site::new(JAILS, "");
    site.give_to_nobody();
    chmod(&site.log(), 0o000);
    site.write(&failures("203.0.113.7", 5));
    let daemon = site.spawn_as(&NOBODY, None);
    let problem = wait_for("a problem", || {
        let status = site.try_status()?;
        status.sources.iter().find_map(|source| source.problem.clone())
    });
    let log = site.log();
    let expected = format!("cannot open log file: `{}`: permission denied", log.display());
    assert!(problem.to_lowercase().starts_with(&expected.to_lowercase()), "{problem}");
    assert!(site.status().warnings.contains(&problem));
    let hint = "run as root or as a member of the file's group, often `adm`";
    assert_eq!(site.lines_said(&[&problem, hint]), 1, "once, with what to do about it:\n{}", site.said());

    chmod(&log, 0o644);
    site.wait_banned("203.0.113.7");
    assert!(site.status().sources.iter().all(|source| source.problem.is_none()));
    assert_eq!(site.why("203.0.113.7").matches.len(), 5);
    site.stop(daemon, false);
}

#[test]
fn without_a_place_to_remember_a_user_gets_a_daemon_that_forgets() {
    if !is_root() {
        return;
    }
    let site = Site::new(JAILS, "store = \"{at}/locked/deep/stockade.db\"\n");
    site.give_to_nobody();
    fs::create_dir(site.path("locked")).unwrap();
    chmod(&site.path("locked"), 0o755);
    let daemon = site.ready(site.spawn_as(&NOBODY, None));
    let deep = site.path("locked/deep");
    let said = format!(
        "cannot make the directory `{}`: permission denied; what is found is forgotten at the end",
        deep.display()
    );
    assert_eq!(site.lines_said(&["WARN", &said]), 1, "{}", site.said());
    assert_eq!(site.status().store, "memory");
    site.write(&failures("203.0.113.7", 5));
    site.wait_banned("203.0.113.7");
    site.stop(daemon, false);
}

#[test]
fn root_is_told_when_there_is_no_place_to_remember() {
    if !is_root() {
        return;
    }
    // Where not even root may make a directory.
    let site = Site::new(JAILS, "store = \"/proc/stockade/stockade.db\"\n");
    assert!(!site.spawn(None).wait().success());
    assert_eq!(
        site.lines_said(&["error: cannot make the directory `/proc/stockade`: "]),
        1,
        "{}",
        site.said()
    );
    assert_eq!(site.lines_said(&["hint: the directory must exist or be creatable"]), 1, "{}", site.said());
}

#[test]
fn without_the_right_to_change_the_firewall_it_is_a_dry_run_and_one_line_says_so() {
    let Some(namespace) = Namespace::new() else { return };
    for (who, wrapper) in [("root", NO_NET_ADMIN.as_slice()), ("nobody", NOBODY.as_slice())] {
        let site = Site::new(JAILS, "");
        if who == "nobody" {
            site.give_to_nobody();
        }
        let daemon = site.ready(site.spawn_as(wrapper, Some(&namespace)));
        let line = ["WARN", "nftables", "CAP_NET_ADMIN", "going on as a dry run"];
        assert_eq!(site.lines_said(&line), 1, "{who}:\n{}", site.said());
        let said_before = site.lines_said(&["dry run"]);
        assert_eq!(said_before, 1, "{who}: it is one line:\n{}", site.said());

        site.write(&failures("203.0.113.7", 5));
        site.wait_banned("203.0.113.7");
        wait_for("the dry run", || {
            (site.lines_said(&["would ban `203.0.113.7` in jail `sshd` for 604"]) == 1).then_some(())
        });
        let problem = site.status().responders[0].problem.clone().unwrap_or_default();
        assert!(problem.contains("going on as a dry run"), "{who}: {problem}");
        site.stop(daemon, false);
        assert_eq!(namespace.nft_list("ruleset"), "", "{who}");
    }
}
