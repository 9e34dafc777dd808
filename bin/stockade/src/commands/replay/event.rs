//! What is shown of an event: fields of its digest.

use serde_json::Value;

/// An event's digest, read.
#[derive(Debug, Default)]
pub(super) struct Shown(Value);

impl Shown {
    pub(super) fn of(digest: &str) -> Self {
        Self(serde_json::from_str(digest).unwrap_or_default())
    }

    fn text(&self, names: &[&str]) -> &str {
        names.iter().find_map(|name| self.0.get(*name)?.as_str()).unwrap_or("-")
    }

    /// What happened: the name of the call, the type of a finding, the name of a Config rule.
    pub(super) fn what(&self) -> &str {
        self.text(&["name"])
    }

    /// Who did it.
    pub(super) fn who(&self) -> &str {
        let who = self.text(&["actor", "user"]);
        // The last part of an ARN is what people know it by.
        who.rsplit_once(':').map_or(who, |(_, name)| name)
    }

    /// The whole digest, for programs.
    pub(super) fn into_value(self) -> Value {
        self.0
    }
}
