//! What must be true when all is over.

use std::collections::BTreeSet;

use stockade_core::{Key, Verdict};
use stockade_store::SqliteStore;

use super::attack::Attack;
use super::support::namespace::Namespace;
use super::support::{Site, wait_for};

/// Waits until the daemon has nothing left to do.
pub(crate) fn wait_until_read(site: &Site) {
    let size = std::fs::metadata(site.log()).unwrap().len();
    wait_for("the end of the log", || {
        let reader = SqliteStore::open_read_only(&site.store()).unwrap();
        let read_to = reader.load().unwrap().positions.first().map(|position| position.offset);
        (read_to == Some(size) && site.status().outbox == 0).then_some(())
    });
}

/// Each line that is a failure is one row, and its count is right.
pub(crate) fn each_match_is_stored_once(site: &Site, attack: &Attack) {
    let reader = SqliteStore::open_read_only(&site.store()).unwrap();
    let mut wrong = Vec::new();
    for (key, failures, lines) in attack.expected() {
        let found = reader.matches_of(key, 1000).unwrap();
        let counted: u32 = found.iter().map(|one| one.count).sum();
        let (texts, rows) = (found.iter().map(|one| &one.line).collect::<BTreeSet<_>>().len(), found.len());
        if (counted, rows, texts) != (failures, lines as usize, lines as usize) {
            wrong.push(format!(
                "{key}: {failures} failures in {lines} lines, found {counted} in {rows}, {texts} different"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} addresses are counted wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(super::stored_failures(site), attack.failures(), "of all addresses together");
}

/// Who failed often enough was banned, by one decision that was carried out; nobody else was.
pub(crate) fn each_ban_is_decided_once(site: &Site, attack: &Attack) {
    let reader = SqliteStore::open_read_only(&site.store()).unwrap();
    let must: BTreeSet<&Key> = attack.banned().collect();
    let bans = reader.load().unwrap().bans;
    let live: BTreeSet<&Key> = bans.iter().filter(|ban| ban.live).map(|ban| &ban.key).collect();
    assert_eq!(differences(&must, &live), "", "bans in the store");
    for ban in &bans {
        assert_eq!((&*ban.jail, ban.times), ("sshd", 1), "{ban:?}");
    }
    for key in must {
        let decisions = reader.decisions(Some(key), 100).unwrap();
        let first_bans = decisions
            .iter()
            .filter(|one| matches!(one.decision.verdict, Verdict::Ban { extends: false, .. }));
        assert_eq!(first_bans.count(), 1, "{key}: {decisions:?}");
        let done = |outcome: &Option<stockade_core::Outcome>| *outcome == Some(stockade_core::Outcome::Done);
        assert!(
            decisions.iter().flat_map(|one| &one.outcomes).all(|(_, outcome)| done(outcome)),
            "{key}: {decisions:?}"
        );
    }
}

/// The kernel holds these bans and no others.
pub(crate) fn each_ban_is_in_the_kernel(namespace: &Namespace, attack: &Attack) {
    let must: BTreeSet<&Key> = attack.banned().collect();
    let listed =
        ["addr4-sshd", "addr6-sshd"].map(|set| namespace.nft_list(&format!("set inet stockade {set}")));
    let there: BTreeSet<Key> = listed.iter().flat_map(|set| elements(set)).collect();
    assert_eq!(differences(&must, &there.iter().collect()), "", "bans in the kernel");
}

/// The addresses in what nft lists.
fn elements(listed: &str) -> Vec<Key> {
    let Some((_, elements)) = listed.split_once("elements = {") else { return Vec::new() };
    let (elements, _) = elements.split_once('}').unwrap();
    elements.split(',').map(|element| element.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

fn differences(must: &BTreeSet<&Key>, are: &BTreeSet<&Key>) -> String {
    let show = |keys: Vec<&&Key>, what: &str| match keys.as_slice() {
        [] => String::new(),
        keys => format!("{} {what}: {keys:?}", keys.len()),
    };
    show(must.difference(are).collect(), "are missing")
        + &show(are.difference(must).collect(), "are too many")
}
