//! Every setting of `stockade.toml` but the responders: one table for the reader, the hints, the example and the dump.

use std::time::Duration;

use super::value::{Kind, Parsed, Stored};
use super::{Durability, LogLevel, Program, agent, aws, events, repair};
use crate::limits::{MAX_PATH_BYTES, MAX_SOCKET_BYTES};

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its name with its table: `guards.protect_own`.
    pub(crate) key: &'static str,
    /// What may stand there.
    pub(crate) kind: Kind,
    /// What it does, for people.
    pub(crate) doc: &'static str,
    /// What it is in `Program`.
    pub(crate) get: fn(&Program) -> Parsed,
    /// Puts a value of its kind there.
    pub(crate) set: fn(&mut Program, Parsed),
}

impl Setting {
    /// The table it stands in (empty for the top level), and its name there.
    pub(crate) fn table_and_name(&self) -> (&'static str, &'static str) {
        self.key.rsplit_once('.').unwrap_or(("", self.key))
    }
}

macro_rules! setting {
    ($($field:ident).+, $kind:expr, $doc:literal) => {
        Setting {
            key: setting!(@key $($field).+),
            kind: $kind,
            doc: $doc,
            get: |program| program.$($field).+.show(),
            set: |program, value| {
                if let Some(value) = Stored::take(value) {
                    program.$($field).+ = value;
                }
            },
        }
    };
    (@key $first:ident) => { stringify!($first) };
    (@key $first:ident . $second:ident) => { concat!(stringify!($first), ".", stringify!($second)) };
}

const SECOND: Kind = Kind::Span { min: Duration::from_secs(1) };
const ANY: Kind = Kind::Span { min: Duration::ZERO };
const MINUTE: Kind = Kind::Span { min: Duration::from_secs(60) };

const fn text(expected: &'static str, fits: fn(&str) -> bool) -> Kind {
    Kind::Text { expected, fits }
}

const fn count(min: u64, max: u64) -> Kind {
    Kind::Count { min, max }
}

/// All of them; those of one table stand together.
pub(crate) const SETTINGS: &[Setting] = &[
    setting!(
        store,
        Kind::Store,
        "What remembers: a database file (its directory must belong to Stockade alone), a PostgreSQL database that\n\
         several hosts share (`postgresql://user@host/db?sslmode=verify-full`), or a table of DynamoDB\n\
         (`dynamodb:TABLE`)."
    ),
    setting!(
        host,
        Kind::Host,
        "The name of this host in a store that several share; no two may have the same. Empty: the machine's."
    ),
    setting!(
        durability,
        Kind::Word(Durability::WORDS),
        "When a commit reaches the disk: `normal` at checkpoints (after a power cut the last lines are read again),\n\
         `full` at every commit."
    ),
    setting!(
        socket,
        Kind::Path { max_bytes: MAX_SOCKET_BYTES },
        "Where the daemon listens for `stockade` commands."
    ),
    setting!(reconcile_every, SECOND, "How often the firewall is compared with what it should hold."),
    setting!(
        guards.protect,
        Kind::Keys,
        "Addresses and networks that are never banned, whatever the jails say."
    ),
    setting!(guards.protect_own, Kind::Flag, "Never ban an address of this machine."),
    setting!(guards.protect_gateway, Kind::Flag, "Never ban a gateway of this machine's routes."),
    setting!(
        guards.protect_sessions,
        Kind::Flag,
        "Never ban an address that somebody is logged in from right now."
    ),
    setting!(
        guards.max_bans_per_minute,
        count(1, 0xffff_ffff),
        "More bans than this within a minute are refused: a mistake in a filter must not lock everybody out."
    ),
    setting!(guards.min_prefix_v4, count(0, 32), "Never ban an IPv4 network wider than this prefix length."),
    setting!(guards.min_prefix_v6, count(0, 128), "Never ban an IPv6 network wider than this prefix length."),
    setting!(retention.matches, MINUTE, "How long the log lines that led to bans are kept."),
    setting!(retention.decisions, MINUTE, "How long decisions are kept, with what came of them."),
    setting!(
        retention.bans,
        MINUTE,
        "How long bans that are over are kept. They make the next ban of the same address longer."
    ),
    setting!(retention.max_matches, count(1, u64::MAX), "Keep at most so many log lines; the oldest go."),
    setting!(
        retention.max_decisions,
        count(1, u64::MAX),
        "Keep at most so many decisions; the oldest that were carried out go."
    ),
    setting!(
        limits.max_tracked_keys,
        count(1, 100_000_000),
        "How many addresses each jail watches at once; beyond it the one not seen for longest is forgotten."
    ),
    setting!(
        fail2ban_log.file,
        Kind::OptionalPath,
        "A log of matches, bans and unbans in fail2ban's format, for programs that read /var/log/fail2ban.log.\n\
         Empty: none. It may be rotated at any time."
    ),
    setting!(
        fail2ban_log.level,
        Kind::Word(LogLevel::WORDS),
        "What is less important is left out of it: `notice` has bans and unbans, `info` matches as well."
    ),
    setting!(
        aws.region,
        text("a region such as `eu-central-1`, or nothing", aws::is_region),
        "The AWS region. Empty: as the environment or the machine says."
    ),
    setting!(
        aws.endpoint,
        text("an address such as `http://127.0.0.1:4566`, or nothing", aws::is_endpoint),
        "One address for all services of AWS, of an emulator. Empty: AWS's own."
    ),
    setting!(
        aws.table,
        text("the name of a DynamoDB table, 3 to 255 letters, digits and `-_.`", aws::is_table),
        "The DynamoDB table in which functions keep matches and bans."
    ),
    setting!(
        aws.shared_table,
        text(
            "the name of a DynamoDB table, 3 to 255 letters, digits and `-_.`, or nothing",
            aws::is_optional_table
        ),
        "Cloud-Fail2Ban's table, `F2B`: matches are also written to it and read from it, while a fleet moves. Empty: none."
    ),
    setting!(
        aws.topic,
        text("the name of an SNS topic, or its ARN", aws::is_topic),
        "The SNS topic that bans are announced on."
    ),
    setting!(
        aws.snapshot,
        text("`s3://BUCKET/KEY`, or nothing", aws::is_object),
        "The S3 object with all live bans, from which a host learns them when it starts. Empty: none."
    ),
    setting!(
        agent.queue,
        text("a name of at most 75 letters, digits, `-` and `_`, or nothing", agent::is_queue),
        "The SQS queue of this host for `stockade agent`. Empty: `F2B-Client-` and an id made of the host's name, as\n\
         Cloud-Fail2Ban's client calls it."
    ),
    setting!(
        agent.jails,
        Kind::Texts,
        "Whose bans this host takes. Empty: the enabled jails; with a responder `fail2ban-client` those of fail2ban."
    ),
    setting!(
        agent.responders,
        Kind::Texts,
        "Who carries them out, of those in `[responders]`. Empty: as the jails say."
    ),
    setting!(
        agent.store,
        Kind::Path { max_bytes: MAX_PATH_BYTES },
        "The database file of `stockade agent`, not that of `stockade run`."
    ),
    setting!(
        agent.retention,
        MINUTE,
        "How long a message waits for a host that is off, at most 14 days. It is one hour because the queue is then the\n\
         one that Cloud-Fail2Ban's client makes; what is older stands in the snapshot."
    ),
    setting!(
        agent.max_receives,
        count(1, 1000),
        "A message that was taken so many times in vain goes to the dead-letter queue."
    ),
    setting!(
        agent.snapshot_every,
        SECOND,
        "How often it is asked whether the snapshot of live bans has changed."
    ),
    setting!(
        events.queue,
        text("the name of an SQS queue, its ARN or its URL, or nothing", events::is_queue),
        "The SQS queue with events for `stockade run`, fed by EventBridge rules or by S3 notifications of CloudTrail\n\
         files. Empty: no events are read."
    ),
    setting!(
        rules.disabled,
        Kind::Texts,
        "The rules of events that are not used. `[rules.NAME]` changes one: `enabled`, `target`, `maxretry`, `findtime`,\n\
         `bantime`, `action`."
    ),
    setting!(
        repair.mode,
        Kind::Word(repair::MODES),
        "How far a repair may go at most that `[repair.playbooks]` and `[[repair.where]]` do not name: `off` (nothing is\n\
         repaired), `notify`, `plan` (says what it would do), `approve` (asks a person), `act`. `stockade repair list`\n\
         shows what comes of it."
    ),
    setting!(
        repair.trial,
        ANY,
        "So long after the first run what is not named is only planned; then it is told what would have been done, and\n\
         each goes as far as `stockade repair list` says."
    ),
    setting!(
        repair.every,
        SECOND,
        "How often everything is looked at without an event: some attacks keep their own events from coming."
    ),
    setting!(
        repair.regions,
        Kind::Texts,
        "The regions that are looked after. Empty: all that an account has enabled."
    ),
    setting!(
        repair.own_account,
        Kind::Flag,
        "Whether our own account is looked after beside those in `[repair.accounts]`."
    ),
    setting!(
        repair.tag_exempts,
        ANY,
        "How far away the end of a tag `stockade:exempt` may be. A tag that ends later exempts nothing: whoever may tag a\n\
         thing may be about to stop it. `0`: no tag exempts anything."
    ),
    setting!(
        repair.shelf,
        Kind::OptionalStore,
        "Where last good states and the record of repairs are kept: what `store` may be. Empty: `repairs.db`\n\
         beside the store's file, or the store's own table or database."
    ),
    setting!(
        repair.tell,
        Kind::Texts,
        "Who is told what repairs came to, of `[responders]`. Empty: all of kind `log`, `webhook`, `slack`, `email` and\n\
         `sns-notice`."
    ),
    setting!(
        repair.link_secret,
        Kind::Secret,
        "What the links are signed with by which notices let somebody approve or refuse a repair: `env:NAME`, `file:/path`\n\
         or `ssm:/name`, at least 32 bytes. Empty: notices hold no links."
    ),
    setting!(
        repair.link_url,
        text(
            "an address such as `https://guard.example.com/`, without a query, or nothing",
            repair::is_link_url
        ),
        "Where those links lead. Empty: to the address of the function that tells, if it has one."
    ),
    setting!(repair.approve_within, MINUTE, "How long a repair waits for a person to approve it."),
    setting!(
        repair.undo_holds,
        ANY,
        "How long a thing is left as it is whose repair a person took back or refused."
    ),
    setting!(
        repair.contain,
        Kind::Flag,
        "Whether an actor who undoes each repair is contained: keys inactive, everything denied. As far as the mode of\n\
         `key-leaked` allows it; a role only after a person approved."
    ),
    setting!(
        repair.break_glass,
        Kind::Each {
            expected: "ARNs of users and roles such as `[\"arn:aws:iam::*:user/break-glass\"]`",
            fits: repair::is_principal
        },
        "The ARNs of users and roles for emergencies, in which `*` stands for anything: their credentials are never touched."
    ),
    setting!(repair.limit_window, SECOND, "The time in which repairs are counted for the limits below."),
    setting!(
        repair.max_per_thing,
        count(1, 1000),
        "No more repairs of one thing by one playbook in that time; then a person is called."
    ),
    setting!(repair.max_per_account, count(1, 100_000), "No more repairs in one account in that time."),
    setting!(
        repair.max_percent,
        count(0, 100),
        "No more than so many percent of the things of a kind in a region are repaired in that time."
    ),
    setting!(repair.min_of_kind, count(1, 100_000), "As many may be, however few there are."),
    setting!(
        repair.pause,
        MINUTE,
        "How long nothing more is repaired in an account or of a kind after its limit was reached."
    ),
    setting!(
        repair.own_prefix,
        text("up to 64 letters, digits and `-_.`", repair::is_prefix),
        "What the names of Stockade's own rules, queues and functions in AWS begin with: they are protected as well."
    ),
    setting!(repair.own_functions, Kind::Texts, "The names of Stockade's own functions."),
    setting!(
        repair.known_accounts,
        Kind::Texts,
        "Accounts that things may be shared with, beside those that are looked after."
    ),
    setting!(
        repair.own_roles,
        Kind::Texts,
        "The ARNs of the roles that repairs are made with. What they do triggers nothing."
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_can_be_written_and_read_back() {
        for setting in SETTINGS {
            let value = (setting.get)(&Program::default());
            let text = match &value {
                Parsed::Keys(_) | Parsed::Texts(_) => String::new(),
                value => value.to_toml().trim_matches('"').to_owned(),
            };
            assert_eq!(setting.kind.read_text(&text).as_ref(), Ok(&value), "{}", setting.key);
            let mut program = Program::default();
            (setting.set)(&mut program, value);
            assert_eq!(program, Program::default(), "{}", setting.key);
        }
    }

    #[test]
    fn keys_differ_and_tables_are_together() {
        let mut tables = Vec::new();
        for (index, setting) in SETTINGS.iter().enumerate() {
            assert!(SETTINGS.iter().skip(index + 1).all(|other| other.key != setting.key), "{}", setting.key);
            tables.push(setting.table_and_name().0);
        }
        tables.dedup();
        assert_eq!(
            tables,
            [
                "",
                "guards",
                "retention",
                "limits",
                "fail2ban_log",
                "aws",
                "agent",
                "events",
                "rules",
                "repair"
            ]
        );
    }
}
