//! `stockade import`.

use std::path::PathBuf;

use clap::Args;
use stockade_config::StoreConfig;

const EXAMPLES: &str = "\
Examples:
  stockade import /var/lib/fail2ban/fail2ban.sqlite3 --dry-run
  stockade import /var/lib/fail2ban/fail2ban.sqlite3
  stockade import fail2ban.sqlite3 --jail sshd-ddos=sshd --jail apache-auth=web
  stockade import fail2ban.sqlite3 --dry-run --json | jq '.bans[] | select(.fate == \"left\")'";

/// Take over the bans that fail2ban has in force, and how often it banned whom.
///
/// With the counts `bantime.increment` goes on where fail2ban was. The database is only read, also while fail2ban
/// runs. If the daemon of Stockade runs, it puts the bans in force at once; if not, they are put in force when it
/// starts. Bans of jails that the configuration has not are listed and left. To import twice changes nothing.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImportArgs {
    /// fail2ban's database, as `dbfile` in fail2ban.conf names it
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Take fail2ban's jail OLD over into the jail NEW; may be given several times
    #[arg(short, long, value_name = "OLD=NEW", value_parser = renamed)]
    pub(crate) jail: Vec<(String, String)>,
    /// Only show what would be taken over
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// The database of Stockade, in place of the configured one; no daemon may be using it
    #[arg(long, value_name = "STORE", value_parser = super::store)]
    pub(crate) store: Option<StoreConfig>,
}

fn renamed(text: &str) -> Result<(String, String), String> {
    let expected = || "expected OLD=NEW, two names of jails".to_owned();
    let (old, new) = text.split_once('=').ok_or_else(expected)?;
    let (old, new) = (old.trim(), new.trim());
    if old.is_empty() || new.is_empty() { Err(expected()) } else { Ok((old.to_owned(), new.to_owned())) }
}
