//! Actions for tests, and a file in which their commands note what they did.
#![allow(dead_code, unreachable_pub, reason = "no test file uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::PathBuf;
use std::time::Duration;

use stockade_core::action::{ActionSpec, Family, Verb};
use stockade_core::ports::{Evidence, Plan, Standing};
use stockade_core::{Match, MatchId, Timestamp};

pub const NOW: Timestamp = Timestamp::from_millis(4_000_000_000_500);

/// An action whose commands are the same for all families.
pub fn spec(commands: &[(Verb, &str)]) -> ActionSpec {
    let families = [None, Some(Family::Inet4), Some(Family::Inet6)];
    let each = |(verb, text): &(Verb, &str)| families.map(|family| ((*verb, family), (*text).to_owned()));
    ActionSpec {
        name: "door/note".into(),
        jail: "door".into(),
        commands: commands.iter().flat_map(each).collect(),
        conditional: false,
        on_demand: false,
        norestored: false,
        repair_on_unban: false,
        timeout: Duration::from_secs(20),
        bantime: 600,
    }
}

/// A folder with the file `seen`.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Commands in which `{at}` is the folder, and `note …` appends a line to the file.
    pub fn spec(&self, commands: &[(Verb, &str)]) -> ActionSpec {
        let mut spec = spec(commands);
        for text in spec.commands.values_mut() {
            let at = self.0.path().display().to_string();
            *text = format!("note() {{ echo \"$@\" >> {at}/seen; }}\n{}", text.replace("{at}", &at));
        }
        spec
    }

    /// The lines that were noted since the last call.
    pub fn seen(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("seen")).unwrap_or_default();
        let _ = std::fs::remove_file(self.path("seen"));
        text.lines().map(str::to_owned).collect()
    }
}

pub fn standing(key: &str, seconds: u64) -> Standing {
    Standing { jail: "door".into(), key: key.parse().unwrap(), until: NOW.plus(Duration::from_secs(seconds)) }
}

pub fn bans(keys: &[&str]) -> Plan {
    Plan { add: keys.iter().map(|key| standing(key, 600)).collect(), remove: vec![] }
}

pub fn unbans(keys: &[&str]) -> Plan {
    Plan { add: vec![], remove: keys.iter().map(|key| ("door".into(), key.parse().unwrap())).collect() }
}

pub fn found(jail: &str, seconds_ago: u64, user: &str, line: &str) -> Match {
    Match {
        id: MatchId::derive(jail, line, "", seconds_ago, 0),
        jail: jail.into(),
        key: "192.0.2.1".parse().unwrap(),
        time: NOW.minus(Duration::from_secs(seconds_ago)),
        count: 1,
        user: Some(user.into()),
        stream: "test".into(),
        line: line.into(),
    }
}

pub fn evidence(matches: Vec<Match>) -> Evidence {
    Evidence { since: NOW, nth: 2, failures: 2, matches, ..Evidence::default() }
}
