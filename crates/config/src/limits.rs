//! The bounds of the configuration. Operators write it, but a slip must end in a message, not in a full memory. The
//! bounds of the files in fail2ban's language are [`stockade_filter::conf::limits`].

/// Bytes of `stockade.toml`.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// Bytes of `/etc/services` that are read.
pub const MAX_SERVICES_BYTES: u64 = 1 << 20;

/// Problems that are kept; the rest is only counted.
pub const MAX_PROBLEMS: usize = 500;

/// Responders in `stockade.toml`.
pub const MAX_RESPONDERS: usize = 32;

/// Bytes of the name of a responder, or of a responder's table.
pub const MAX_NAME_BYTES: usize = 32;

/// Words of a responder's command.
pub const MAX_ARGS: usize = 64;

/// Bytes of an address of mail with the name before it, and of a name to log in with.
pub const MAX_MAILBOX_BYTES: usize = 320;

/// Whom one responder sends mail to.
pub const MAX_RECIPIENTS: usize = 50;

/// Bytes of a file with a secret.
pub const MAX_SECRET_BYTES: u64 = 64 << 10;

/// Bytes of a path, and of a word of a command: Linux' `PATH_MAX` without the closing zero.
pub const MAX_PATH_BYTES: usize = 4095;

/// How long the name of a host may be: what a host name may have at most.
pub const MAX_HOST_BYTES: usize = 253;

/// How long the address of a database may be.
pub const MAX_URL_BYTES: usize = 4096;

/// Bytes of the path of a Unix socket on Linux.
pub const MAX_SOCKET_BYTES: usize = 107;

/// Actions of one jail.
pub const MAX_ACTIONS: usize = 32;

/// Port ranges of one jail, after merging.
pub const MAX_PORT_RANGES: usize = 1000;

/// Numbers in `bantime.multipliers`.
pub const MAX_MULTIPLIERS: usize = 1000;

/// `maxlines`: lines that one regex may see at once.
pub const MAX_LINES: u32 = 1000;

/// Bytes of the name of a table or a filter in `[aws]`; DynamoDB allows 255.
pub const MAX_AWS_NAME_BYTES: usize = 255;

/// Entries of `[aws.log_groups]`, and filters of one of them.
pub const MAX_LOG_GROUPS: usize = 1000;

/// Bytes of the name of a rule.
pub const MAX_RULE_NAME_BYTES: usize = stockade_rule::limits::MAX_NAME_BYTES;

/// Rules in `rule.d`, with those built in.
pub const MAX_RULES: usize = 2000;

/// Tables `[rules.NAME]`.
pub const MAX_RULE_SETTINGS: usize = MAX_RULES;

/// Entries of `[[repair.where]]`, of `[[repair.exempt]]` and of `[repair.accounts]`, each.
pub const MAX_REPAIR_ENTRIES: usize = 1000;

/// Bytes of a text in one of them: an ARN, a reason.
pub const MAX_REPAIR_TEXT_BYTES: usize = 2048;
