//! What a function is there for.

/// What a function does; the name of its handler says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// `cloudwatch_filter_and_jail`: log events to matches to bans.
    FilterAndJail,
    /// `cloudwatch_filter`: log events to matches.
    Filter,
    /// `dynamodb_jail`: matches to bans.
    Jail,
    /// `events`: events of AWS, and CloudTrail files, to bans, notices and repairs.
    Events,
    /// `expire`: ends of bans, repetitions, the snapshot.
    Expire,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::FilterAndJail, Self::Filter, Self::Jail, Self::Events, Self::Expire];

    /// By the handler's name, as Cloud-Fail2Ban's templates write it too: `name` or `name.run`.
    pub fn parse(handler: &str) -> Option<Self> {
        let name = handler.strip_suffix(".run").unwrap_or(handler);
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::FilterAndJail => "cloudwatch_filter_and_jail",
            Self::Filter => "cloudwatch_filter",
            Self::Jail => "dynamodb_jail",
            Self::Events => "events",
            Self::Expire => "expire",
        }
    }

    /// Whether it reads logs, and so needs filters.
    pub fn reads_logs(self) -> bool {
        matches!(self, Self::FilterAndJail | Self::Filter)
    }

    /// Whether it reads events, and so needs rules.
    pub fn reads_events(self) -> bool {
        self == Self::Events
    }

    /// Whether it judges, and so announces bans.
    pub fn judges(self) -> bool {
        matches!(self, Self::FilterAndJail | Self::Jail | Self::Events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_is_known_with_and_without_its_function() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
            assert_eq!(Role::parse(&format!("{}.run", role.name())), Some(role));
        }
        assert_eq!(Role::parse("lambda_function.lambda_handler"), None);
    }
}
