//! PostgreSQL's errors as the store's, each with a hint, and none with a password.

use std::error::Error as _;

use deadpool_postgres::{PoolError, TimeoutType};
use stockade_core::ports::{StoreError, StoreErrorKind};
use tokio_postgres::error::SqlState;

use crate::codec::{Unreadable, Unwritable};

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The server says no, or the connection to it broke.
    #[error("{}", reason_of(.0))]
    Db(#[from] tokio_postgres::Error),
    /// No answer in time.
    #[error("the server does not answer")]
    Silent,
    /// It is not asked again yet, since it failed just now.
    #[error("{0}; it is tried again in a moment")]
    Waiting(String),
    /// A connection could not be made.
    #[error("{0}")]
    Connect(String),
    /// Another process writes in this host's name.
    #[error("another daemon writes under the host name `{0}`")]
    Taken(String),
    /// Something that is ours to say.
    #[error("{what}")]
    Refused { kind: StoreErrorKind, what: String, hint: &'static str },
    /// What is stored cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// What is to be stored cannot be written.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Db(error),
            PoolError::Timeout(TimeoutType::Create) => Self::Silent,
            other => Self::Connect(other.to_string()),
        }
    }
}

impl Fault {
    /// Whether the connection is of no use any more.
    pub(super) fn breaks(&self) -> bool {
        match self {
            Self::Db(error) => error.is_closed() || error.as_db_error().is_none() || ended(error),
            Self::Silent | Self::Connect(_) => true,
            _ => false,
        }
    }

    /// Whether another server, or this one in a moment, may do better.
    pub(super) fn is_of_the_server(&self) -> bool {
        self.breaks() || matches!(self.kind(), StoreErrorKind::Unreachable)
    }

    fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Db(error) => error.code().map_or(StoreErrorKind::Unreachable, kind_of),
            Self::Silent | Self::Waiting(_) | Self::Connect(_) => StoreErrorKind::Unreachable,
            Self::Taken(_) => StoreErrorKind::Busy,
            Self::Refused { kind, .. } => kind.clone(),
            Self::Unreadable(_) => StoreErrorKind::Corrupt,
            Self::Unwritable(_) => StoreErrorKind::Other,
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Taken(_) => "no two hosts may have the same name: set `host` in stockade.toml",
            Self::Refused { hint, .. } => hint,
            Self::Db(error) => match error.code() {
                Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
                    "the role and its password must be those of the server's pg_hba.conf; a password may also come \
                     from PGPASSWORD or from a passfile that only Stockade's user can read"
                }
                Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                    "make the role the owner of the database: Stockade keeps its tables in the schema `stockade`"
                }
                Some(&SqlState::INVALID_CATALOG_NAME) => "make the database first: `createdb -O ROLE NAME`",
                Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => {
                    "this server only follows another: name that one, or all of them with \
                     `target_session_attrs=read-write`"
                }
                _ => hint_of(&self.kind()),
            },
            _ => hint_of(&self.kind()),
        }
    }

    /// The sentence: what was tried, on which database, and what happened.
    pub(super) fn told(&self, tried: &str, shown: &str) -> StoreError {
        StoreError {
            kind: self.kind(),
            message: format!("cannot {tried} `{shown}`: {self}"),
            hint: Some(self.hint().to_owned()),
        }
    }
}

/// The sentence for anything that happens before there is a connection.
pub(super) fn refused(kind: StoreErrorKind, message: String, hint: &str) -> StoreError {
    StoreError { kind, message, hint: Some(hint.to_owned()) }
}

/// What the client library says, with what is behind it.
pub(super) fn reason_of(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", said.message(), said.code().code());
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text.split_once(" (os error").map(|(words, _)| words.to_owned()).unwrap_or(text)
}

/// Whether the server has ended the session with this.
fn ended(error: &tokio_postgres::Error) -> bool {
    let code = error.code().map(SqlState::code).unwrap_or_default();
    code.starts_with("57P")
        || code.starts_with("08")
        || code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT.code()
}

fn kind_of(code: &SqlState) -> StoreErrorKind {
    match code.code().split_at_checked(2).map_or("", |(class, _)| class) {
        // No connection, wrong role, no such database, no right, a server that starts, stops or only reads.
        "08" | "28" | "3D" => StoreErrorKind::Unreachable,
        _ if [SqlState::INSUFFICIENT_PRIVILEGE, SqlState::READ_ONLY_SQL_TRANSACTION].contains(code) => {
            StoreErrorKind::Unreachable
        }
        "57" if *code != SqlState::QUERY_CANCELED => StoreErrorKind::Unreachable,
        _ if *code == SqlState::DISK_FULL => StoreErrorKind::Full,
        // Locks, deadlocks, statements that took too long, no connection left.
        "40" | "55" | "57" | "53" => StoreErrorKind::Busy,
        "XX" => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Other,
    }
}

fn hint_of(kind: &StoreErrorKind) -> &'static str {
    match kind {
        StoreErrorKind::Busy => {
            "somebody holds a lock or all connections of the server; it is tried again, and nothing was stored by this \
             attempt"
        }
        StoreErrorKind::Full => "make room on the server; nothing was stored by this attempt",
        StoreErrorKind::Corrupt => "the server's log says more; restore the database from a backup",
        StoreErrorKind::Unreachable => {
            "the server must run and be reachable; Stockade goes on by itself as soon as it is"
        }
        _ => "the server's log says more",
    }
}
