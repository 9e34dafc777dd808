//! `store`: what remembers, and where it is.

use std::fmt;
use std::path::PathBuf;

use super::value::is_path;
use crate::limits::{MAX_PATH_BYTES, MAX_URL_BYTES};

/// What remembers. Shown without passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreConfig {
    /// A path: one SQLite file of this host.
    File(PathBuf),
    /// `postgresql://…` or `postgres://…`: a database that several hosts may share.
    Postgres(PostgresUrl),
    /// `dynamodb:TABLE`: a table of Amazon DynamoDB.
    DynamoDb {
        /// Its name.
        table: String,
    },
}

/// The address of a PostgreSQL database, in the form that libpq reads. It may hold a password, which neither `Debug`
/// nor `Display` shows.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// How an address of PostgreSQL may begin.
const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];
/// How a table of DynamoDB is named.
const DYNAMODB: &str = "dynamodb:";
/// What stands in place of a password.
const HIDDEN: &str = "***";

impl StoreConfig {
    /// Reads the value of `store`; a path must be absolute. `None` if it is none of the three.
    pub fn parse(text: &str) -> Option<Self> {
        Self::remote(text).unwrap_or_else(|| is_path(text, MAX_PATH_BYTES).then(|| Self::File(text.into())))
    }

    /// Reads what the command line says, where a path may be relative.
    pub fn from_argument(text: &str) -> Option<Self> {
        let path = || (!text.is_empty() && !text.contains('\0')).then(|| Self::File(text.into()));
        Self::remote(text).unwrap_or_else(path)
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<&std::path::Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }

    /// What is no path by its beginning, if it can be read.
    fn remote(text: &str) -> Option<Option<Self>> {
        if SCHEMES.iter().any(|scheme| text.starts_with(scheme)) {
            let fits = text.len() <= MAX_URL_BYTES && !text.contains(char::is_control);
            return Some(fits.then(|| Self::Postgres(PostgresUrl(text.to_owned()))));
        }
        let table = text.strip_prefix(DYNAMODB)?;
        Some(is_table(table).then(|| Self::DynamoDb { table: table.to_owned() }))
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        super::Program::default().store
    }
}

impl From<PathBuf> for StoreConfig {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl fmt::Display for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
            Self::DynamoDb { table } => write!(f, "{DYNAMODB}{table}"),
        }
    }
}

impl PostgresUrl {
    /// The whole address, with the password if there is one: for whoever connects.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_passwords(&self.0))
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

/// A name that DynamoDB gives to a table: 3 to 255 letters, digits, `_`, `-` and `.`.
fn is_table(name: &str) -> bool {
    (3..=255).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// The text with everything hidden that may be a password, also where it is not written as it should be.
pub(super) fn without_passwords(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    // An `@` or `?` in a password should be written with a `%`. Where it is not, too much is hidden and not too little.
    let shown = match (rest.split_once(':'), rest.rsplit_once('@')) {
        (Some((user, _)), Some((_, after))) if !user.contains('@') => {
            format!("{scheme}://{user}:{HIDDEN}@{after}")
        }
        // Where the host was forgotten, what looks like its port may be one.
        (Some((host, after)), None) if !rest.starts_with('[') => {
            let end = after.find(['/', '?', ',']).unwrap_or(after.len());
            match after.split_at_checked(end) {
                Some((port, _)) if port.bytes().all(|b| b.is_ascii_digit()) => format!("{scheme}://{rest}"),
                Some((_, after)) => format!("{scheme}://{host}:{HIDDEN}{after}"),
                None => format!("{scheme}://{host}:{HIDDEN}"),
            }
        }
        _ => format!("{scheme}://{rest}"),
    };
    let Some((address, query)) = shown.split_once('?') else { return shown };
    let hide = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("pass") && name != "passfile" => {
            format!("{name}={HIDDEN}")
        }
        _ => pair.to_owned(),
    };
    format!("{address}?{}", query.split('&').map(hide).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_three_kinds_are_told_apart() {
        let file = StoreConfig::File("/srv/s.db".into());
        assert_eq!(StoreConfig::parse("/srv/s.db"), Some(file));
        assert_eq!(StoreConfig::parse("srv/s.db"), None);
        assert_eq!(StoreConfig::from_argument("s.db"), Some(StoreConfig::File("s.db".into())));
        let table = StoreConfig::DynamoDb { table: "Stockade".to_owned() };
        assert_eq!(StoreConfig::parse("dynamodb:Stockade"), Some(table));
        for wrong in ["dynamodb:", "dynamodb:a b c", "postgresql://h/d\n", "mysql://h/d", ""] {
            assert_eq!(StoreConfig::parse(wrong), None, "{wrong}");
        }
        for url in ["postgresql://u@h/d?sslmode=verify-full", "postgres:///d?host=/run/postgresql"] {
            let Some(StoreConfig::Postgres(read)) = StoreConfig::parse(url) else { panic!("{url}") };
            assert_eq!((read.expose(), read.to_string().as_str()), (url, url));
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        for (url, shown) in [
            ("postgresql://u:secret@h:5432/d?sslmode=require", "postgresql://u:***@h:5432/d?sslmode=require"),
            ("postgres://u@h:5432/d?password=secret&user=x", "postgres://u@h:5432/d?password=***&user=x"),
            ("postgresql://u:sec?ret@h/d", "postgresql://u:***@h/d"),
            ("postgresql://u:secret", "postgresql://u:***"),
            ("postgresql://u:secret/d?user=x", "postgresql://u:***/d?user=x"),
            ("postgresql://[2001:db8::1]:5432,b:5433/d", "postgresql://[2001:db8::1]:5432,b:5433/d"),
            ("postgresql://h:5432/d?sslpassword=secret", "postgresql://h:5432/d?sslpassword=***"),
            ("postgresql://u@h/d?passfile=/etc/pass", "postgresql://u@h/d?passfile=/etc/pass"),
        ] {
            let Some(StoreConfig::Postgres(read)) = StoreConfig::parse(url) else { panic!("{url}") };
            assert_eq!(read.to_string(), shown);
            assert_eq!(format!("{read:?}"), format!("PostgresUrl({shown})"));
        }
    }

    proptest! {
        #[test]
        fn no_part_of_any_password_is_shown(password in "[a-z@?/:&=#%]{0,20}", host in "[0-9.]{1,8}") {
            let text = format!("postgresql://0:{password}@{host}/1");
            prop_assert_eq!(without_passwords(&text), format!("postgresql://0:***@{host}/1"));
        }
    }
}
