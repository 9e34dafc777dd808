//! Opening the store that the configuration names, in whatever of them this build has.

use stockade_config::{Program, StoreConfig};
use stockade_core::Timestamp;
use stockade_core::ports::{Snapshot, Store, StoreError, StoreErrorKind};

/// What of the configuration a store wants to know.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Where it is.
    pub place: StoreConfig,
    /// When a commit reaches the disk.
    pub durability: stockade_config::Durability,
    /// The name of this host among those that share it; empty: the machine's.
    pub host: String,
}

impl StoreOptions {
    /// Those of a configuration; `place`, if given, counts instead of the configured one.
    pub fn of(program: &Program, place: Option<&StoreConfig>) -> Self {
        let place = place.unwrap_or(&program.store).clone();
        Self { place, durability: program.durability, host: program.host.clone() }
    }
}

/// A store that was opened.
pub struct OpenedStore {
    /// The store.
    pub store: Box<dyn Store>,
    /// What it is called, without passwords.
    pub shown: String,
    /// What a person should know of the opening.
    pub notice: Option<String>,
}

impl std::fmt::Debug for OpenedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenedStore").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// Opens a store, which is this process's from then on.
///
/// # Errors
/// What the store says; or that this build has no such store.
pub fn open(options: &StoreOptions, now: Timestamp) -> Result<OpenedStore, StoreError> {
    let _ = now; // Not every build looks at the clock here.
    match &options.place {
        #[cfg(feature = "sqlite")]
        StoreConfig::File(path) => {
            use stockade_store::{Durability, SqliteOptions, SqliteStore};
            let durability = match options.durability {
                stockade_config::Durability::Normal => Durability::Normal,
                stockade_config::Durability::Full => Durability::Full,
            };
            let options = SqliteOptions { durability, ..SqliteOptions::default() };
            let opened = SqliteStore::open(path, &options, now)?;
            let shown = path.display().to_string();
            Ok(OpenedStore { store: Box::new(opened.store), shown, notice: opened.notice })
        }
        #[cfg(feature = "postgres")]
        StoreConfig::Postgres(url) => {
            use stockade_store::{Limits, PostgresOptions, PostgresStore};
            let durable = options.durability == stockade_config::Durability::Full;
            let options = PostgresOptions { host: options.host.clone(), limits: Limits::default(), durable };
            let store = PostgresStore::open(url.expose(), &url.to_string(), &options, now)?;
            Ok(OpenedStore { store: Box::new(store), shown: url.to_string(), notice: None })
        }
        other => Err(missing(other)),
    }
}

/// What is remembered, without changing anything; `None` where nothing was ever stored.
///
/// # Errors
/// As [`open`].
pub fn look(options: &StoreOptions) -> Result<Option<Snapshot>, StoreError> {
    match &options.place {
        #[cfg(feature = "sqlite")]
        StoreConfig::File(path) => match stockade_store::SqliteStore::open_read_only(path) {
            Ok(reader) => reader.load().map(Some),
            Err(error) if error.kind == StoreErrorKind::Unreachable && !path.exists() => Ok(None),
            Err(error) => Err(error),
        },
        #[cfg(feature = "postgres")]
        StoreConfig::Postgres(url) => {
            stockade_store::PostgresStore::look(url.expose(), &url.to_string(), &options.host)
        }
        other => Err(missing(other)),
    }
}

/// Says whether this build has such a store at all, and can read its address.
///
/// # Errors
/// [`StoreErrorKind::Other`], naming the feature or what is wrong with the address.
pub fn supported(place: &StoreConfig) -> Result<(), StoreError> {
    match place {
        StoreConfig::File(_) if cfg!(feature = "sqlite") => Ok(()),
        #[cfg(feature = "postgres")]
        StoreConfig::Postgres(url) => stockade_store::PostgresStore::check(url.expose(), &url.to_string()),
        other => Err(missing(other)),
    }
}

fn missing(place: &StoreConfig) -> StoreError {
    let (what, feature) = match place {
        StoreConfig::File(_) => ("SQLite files", "sqlite"),
        StoreConfig::Postgres(_) => ("PostgreSQL", "postgres"),
        StoreConfig::DynamoDb { .. } => ("DynamoDB", "aws"),
        _ => ("such a store", "full"),
    };
    StoreError {
        kind: StoreErrorKind::Other,
        message: format!("cannot open `{place}`: this build of Stockade is without {what}"),
        hint: Some(format!("install a build with the feature `{feature}`, or set `store` to a path")),
    }
}
