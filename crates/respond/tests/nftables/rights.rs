//! With less than all rights: none at all, and root of a container only.

use std::process::{Command, Stdio};

use stockade_core::ports::{Plan, Responder, Standing};
use stockade_core::{Key, Outcome};
use stockade_respond::Nftables;

use crate::support::namespace::Namespace;
use crate::support::{everywhere, in_secs, now};

/// Runs one of the tests below by a program that takes rights away. Whether it could be tried at all.
fn run_by(program: &str, arguments: &[&str], test: &str) {
    if Namespace::new().is_none() {
        return;
    }
    let works = Command::new(program).args(arguments).arg("true").stderr(Stdio::null()).status();
    if !works.is_ok_and(|status| status.success()) {
        eprintln!("skipped: `{program} {}` does not work here", arguments.join(" "));
        return;
    }
    let this = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(arguments)
        .arg(this)
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn without_the_right_it_says_which_one_is_missing() {
    run_by("setpriv", &["--bounding-set=-net_admin", "--inh-caps=-net_admin"], "rights::without_net_admin");
}

#[test]
#[ignore = "run without CAP_NET_ADMIN by `without_the_right_it_says_which_one_is_missing`"]
fn without_net_admin() {
    let error = Nftables::open().unwrap_err();
    assert!(error.permanent, "{error:?}");
    assert!(error.message.starts_with("nftables refused to "), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("CAP_NET_ADMIN")));
}

#[test]
fn root_of_a_container_can_do_everything_in_more_transactions() {
    run_by("unshare", &["--user", "--map-root-user", "--net"], "rights::in_a_user_namespace");
}

/// Such a root may not enlarge socket buffers beyond the system's limit, so a large plan does not fit one transaction.
#[test]
#[ignore = "run in a user namespace by `root_of_a_container_can_do_everything_in_more_transactions`"]
fn in_a_user_namespace() {
    let mut nftables = Nftables::open().unwrap();
    nftables.prepare(&[everywhere("a")]).unwrap();
    let limit: usize =
        std::fs::read_to_string("/proc/sys/net/core/wmem_max").unwrap().trim().parse().unwrap();
    // 52 bytes each, and the kernel doubles the limit: a little more than fits.
    let count = u32::try_from(2 * limit / 52 * 6 / 5).unwrap();
    let address = |n: u32| Key::addr(std::net::Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(n)).into());
    let bans = (0..count).map(|n| Standing { jail: "a".into(), key: address(n), until: in_secs(600) });
    let plan = Plan { add: bans.collect(), remove: vec![] };
    let outcomes = nftables.apply(&plan, now()).unwrap();
    // `Done` says that each of them was read back.
    assert_eq!(outcomes.len(), count as usize);
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done));
}
