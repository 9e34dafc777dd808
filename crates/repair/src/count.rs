//! How many things there are: where a playbook finds none, nothing is wrong with any of them, and that may be what is wrong.

use serde::Serialize;

use crate::playbook::Trouble;

/// How many things of a playbook's class an account has, by what was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The playbook's id.
    pub playbook: String,
    /// The account.
    pub account: String,
    /// How many. Those of another region or account that do their work here are one at least.
    pub seen: usize,
}

/// The playbooks of trails: without any trail nothing that is called in an account is recorded.
const OF_TRAILS: [&str; 3] = ["P01", "P02", "P03"];

/// Adds what was seen in one place.
pub(crate) fn add(counts: &mut Vec<Count>, playbook: &str, account: &str, seen: usize) {
    let known = counts.iter_mut().find(|count| count.playbook == playbook && count.account == account);
    match known {
        Some(count) => count.seen = count.seen.saturating_add(seen),
        None => counts.push(Count { playbook: playbook.to_owned(), account: account.to_owned(), seen }),
    }
}

/// The accounts in which trails were looked for and none was found. An account with a trouble may have one.
pub(crate) fn without_trail<'c>(counts: &'c [Count], troubles: &[Trouble]) -> Vec<&'c str> {
    let of_trails = |count: &&Count| OF_TRAILS.contains(&count.playbook.as_str());
    let mut accounts: Vec<&str> =
        counts.iter().filter(of_trails).map(|count| count.account.as_str()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    accounts.retain(|account| {
        let seen = counts.iter().filter(of_trails).any(|count| count.account == *account && count.seen > 0);
        !seen && troubles.iter().all(|trouble| trouble.place.account != *account)
    });
    accounts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ApiFault, Blame, Place};

    #[test]
    fn an_account_is_without_a_trail_only_if_all_of_it_was_seen() {
        let mut counts = Vec::new();
        for (playbook, account, seen) in [
            ("P01", "111122223333", 0),
            ("P01", "111122223333", 0),
            ("P04", "111122223333", 7),
            ("P01", "444455556666", 0),
            ("P02", "444455556666", 1),
            ("P16", "777788889999", 0),
            ("P03", "123412341234", 0),
        ] {
            add(&mut counts, playbook, account, seen);
        }
        assert_eq!(counts.len(), 6);
        let fault = ApiFault::local(Blame::Denied, "no".to_owned());
        let trouble = |account| Trouble {
            place: Place::new(account, "eu-central-1"),
            what: String::new(),
            fault: fault.clone(),
        };
        assert_eq!(without_trail(&counts, &[]), ["111122223333", "123412341234"]);
        assert_eq!(without_trail(&counts, &[trouble("111122223333")]), ["123412341234"]);
        assert!(without_trail(&[], &[]).is_empty());
    }
}
