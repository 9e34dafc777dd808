//! Opening the store that the configuration names, in whatever of them this build has.

use stockade_config::{Durability, Program, StoreConfig};
use stockade_core::Timestamp;
use stockade_core::ports::{Snapshot, Store, StoreError, StoreErrorKind};

/// What of the configuration a store wants to know.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Where it is.
    pub place: StoreConfig,
    /// When a commit reaches the disk.
    pub durability: Durability,
    /// The name of this host among those that share it; empty: the machine's.
    pub host: String,
    /// Where AWS is.
    pub aws: stockade_config::AwsSettings,
    /// How many matches and how many decisions stay at most, whatever logs say between two purges.
    pub limits: stockade_store::Limits,
}

impl StoreOptions {
    /// Those of a configuration; `place`, if given, counts instead of the configured one.
    pub fn of(program: &Program, place: Option<&StoreConfig>) -> Self {
        let place = place.unwrap_or(&program.store).clone();
        let aws = program.aws.clone();
        let keep = &program.retention;
        let limits =
            stockade_store::Limits { max_matches: keep.max_matches, max_decisions: keep.max_decisions };
        // A message of a queue is deleted when the commit is made, and then nobody has it but the disk.
        let durability = if program.events.queue.is_empty() { program.durability } else { Durability::Full };
        Self { place, durability, host: program.host.clone(), aws, limits }
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
            use stockade_store::{SqliteOptions, SqliteStore};
            let durability = match options.durability {
                Durability::Normal => stockade_store::Durability::Normal,
                Durability::Full => stockade_store::Durability::Full,
            };
            let options = SqliteOptions { durability, limits: options.limits, ..SqliteOptions::default() };
            let opened = SqliteStore::open(path, &options, now)?;
            let shown = path.display().to_string();
            Ok(OpenedStore { store: Box::new(opened.store), shown, notice: opened.notice })
        }
        #[cfg(feature = "postgres")]
        StoreConfig::Postgres(url) => {
            use stockade_store::{PostgresOptions, PostgresStore};
            let durable = options.durability == Durability::Full;
            let options = PostgresOptions { host: options.host.clone(), limits: options.limits, durable };
            let store = PostgresStore::open(url.expose(), &url.to_string(), &options, now)?;
            Ok(OpenedStore { store: Box::new(store), shown: url.to_string(), notice: None })
        }
        #[cfg(feature = "aws")]
        StoreConfig::DynamoDb { table } => {
            let (aws, of_host) = dynamo(options, table)?;
            let store = stockade_store::dynamodb::DynamoStore::open(&aws, &of_host)?;
            let shown = format!("{} (host `{}`)", options.place, of_host.host);
            Ok(OpenedStore { store: Box::new(store), shown, notice: None })
        }
        other => Err(missing(other)),
    }
}

/// AWS, and how this host's store is kept there.
#[cfg(feature = "aws")]
fn dynamo(
    options: &StoreOptions,
    table: &str,
) -> Result<(stockade_aws::Aws, stockade_store::dynamodb::StoreOptions), StoreError> {
    let said = |value: &String| Some(value.clone()).filter(|value| !value.is_empty());
    let access =
        stockade_aws::Access { region: said(&options.aws.region), endpoint: said(&options.aws.endpoint) };
    let aws = stockade_aws::Aws::new(&access)?;
    let host = match options.host.as_str() {
        "" => rustix::system::uname().nodename().to_string_lossy().into_owned(),
        host => host.to_owned(),
    };
    let mut of_host = stockade_store::dynamodb::StoreOptions::of_host(&host);
    // What nobody has set is less here: all of it is held in memory too.
    let default = stockade_store::Limits::default();
    if options.limits.max_matches != default.max_matches {
        of_host.limits.max_matches = options.limits.max_matches;
    }
    if options.limits.max_decisions != default.max_decisions {
        of_host.limits.max_decisions = options.limits.max_decisions;
    }
    Ok((aws, stockade_store::dynamodb::StoreOptions { table: table.to_owned(), ..of_host }))
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
        #[cfg(feature = "aws")]
        StoreConfig::DynamoDb { table } => {
            let (aws, of_host) = dynamo(options, table)?;
            stockade_store::dynamodb::DynamoStore::look(&aws, &of_host)
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
        StoreConfig::DynamoDb { .. } if cfg!(feature = "aws") => Ok(()),
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

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use stockade_core::ports::{Batch, Order};
    use stockade_core::{Decision, Key, Match, MatchId, Reason, Verdict};

    use super::*;

    /// `nth` match of one key, and a decision that is settled.
    fn batch(nth: u32) -> Batch {
        let (time, key) = (Timestamp::from_secs(i64::from(nth)), Key::name("eve"));
        let found = Match {
            id: MatchId(u128::from(nth)),
            jail: "door".into(),
            key: key.clone(),
            time,
            count: 1,
            user: None,
            stream: "s".into(),
            line: "l".into(),
        };
        let reason = Reason::Manual { note: String::new() };
        let decision =
            Decision { jail: "door".into(), key, verdict: Verdict::Notify, at: time, reason, nth: 0 };
        let order = Order { decision, responders: Vec::new(), refused: None };
        Batch { matches: vec![found], orders: vec![order], ..Batch::default() }
    }

    #[test]
    fn as_much_is_kept_as_the_configuration_says() {
        let folder = tempfile::tempdir().unwrap();
        let store = StoreConfig::File(folder.path().join("s.db"));
        let mut program = Program { store, ..Program::default() };
        (program.retention.max_matches, program.retention.max_decisions) = (3, 2);
        let mut store = open(&StoreOptions::of(&program, None), Timestamp::default()).unwrap().store;
        for nth in 0..9 {
            store.commit(&batch(nth)).unwrap();
        }
        assert_eq!(store.matches_of(&Key::name("eve"), 100).unwrap().len(), 3);
        assert_eq!(store.decisions(None, 100).unwrap().len(), 2);
    }
}
