//! Values by key, each with a version, in a table of the same schema: what the repairs keep where a fleet has one database.
//!
//! A value is written only over the version that was read, by one statement. Keys are bytes, so that they are in the order
//! of their bytes whatever the database's language is. The table stands by itself: its database need not be the one that
//! hosts share, and has no other table of ours then. Another layout would be a table of another name.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use stockade_core::ports::StoreError;
use tokio_postgres::Row;

use super::address::Address;
use super::error::Fault;
use super::link::{Client, Link};
use super::{SCHEMA, schema};

/// The table.
const TABLE: &str = "repair_shelf";

/// A value with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// From 1; it grows with each write.
    pub version: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Keeps values by key in a PostgreSQL database.
///
/// A server that is away makes calls fail at once or after seconds, never hang. A write whose answer was lost is looked up
/// by a mark of its own.
#[derive(Debug)]
pub struct PostgresValues {
    link: Link,
}

impl PostgresValues {
    /// Opens a database; the table is made if it is not there. `url` is what libpq takes, `shown` the same without
    /// passwords, for messages.
    ///
    /// # Errors
    /// Where it cannot be reached or used.
    pub fn open(url: &str, shown: &str) -> Result<Self, StoreError> {
        let mut values = Self { link: link(url, shown)? };
        values.link.run("open", bring_up).map(|()| values)
    }

    /// The same, if there is a table; else nothing is made and there is `None`.
    ///
    /// # Errors
    /// As [`PostgresValues::open`].
    pub fn look(url: &str, shown: &str) -> Result<Option<Self>, StoreError> {
        let mut values = Self { link: link(url, shown)? };
        let there = values.link.run("look into", is_there)?;
        Ok(there.then_some(values))
    }

    /// The value of a key.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get(&mut self, key: &str) -> Result<Option<Value>, StoreError> {
        self.link.run("read a value from", async |client| {
            let sql = client.prepare_cached("SELECT version, value FROM repair_shelf WHERE key = $1").await?;
            Ok(client.query_opt(&sql, &[&key.as_bytes()]).await?.map(|row| value(&row, 0)))
        })
    }

    /// Writes a value, or removes it (`None`), if the key's version is `expected`; 0: there is none. Returns the new
    /// version, 0 after a removal; `None` where another version is there.
    ///
    /// # Errors
    /// If the database cannot be written, or the answer was lost and others wrote since, so that nobody can know whether
    /// this was written.
    pub fn put_if_version(
        &mut self,
        key: &str,
        bytes: Option<&[u8]>,
        expected: u64,
    ) -> Result<Option<u64>, StoreError> {
        let mark = RandomState::new().build_hasher().finish().cast_signed();
        let key = key.as_bytes();
        let mut tries = 0_u32;
        let written = self.link.run("write a value to", async |client| {
            tries += 1;
            if put(client, key, bytes, expected, mark).await? {
                return Ok(Written::Yes);
            }
            if tries == 1 && (bytes.is_some() || expected > 0) {
                return Ok(Written::No);
            }
            // Perhaps it was we, and the answer was lost with the connection.
            let sql = client.prepare_cached("SELECT version, mark FROM repair_shelf WHERE key = $1").await?;
            let there = client.query_opt(&sql, &[&key]).await?;
            let there = there.map(|row| (row.get::<_, i64>(0).unsigned_abs(), row.get::<_, i64>(1)));
            Ok(match there {
                None if bytes.is_none() => Written::Yes,
                Some((_, by)) if by == mark && bytes.is_some() => Written::Yes,
                Some((version, _)) if version > expected + 1 && tries > 1 => Written::Unknown,
                _ => Written::No,
            })
        })?;
        match written {
            Written::Yes => Ok(Some(if bytes.is_some() { expected + 1 } else { 0 })),
            Written::No => Ok(None),
            Written::Unknown => Err(StoreError {
                kind: stockade_core::ports::StoreErrorKind::Busy,
                message:
                    "cannot tell whether a value was written: the answer was lost, and another wrote it since"
                        .to_owned(),
                hint: None,
            }),
        }
    }

    /// The keys that begin with `prefix`, ascending by bytes, after `after`, at most `limit`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn list(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        let (prefix, after) = (prefix.as_bytes(), after.as_bytes());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.link.run("list values in", async |client| {
            let sql = "SELECT key FROM repair_shelf WHERE key >= $1 AND key > $2
                       AND substring(key FROM 1 FOR length($1)) = $1 ORDER BY key LIMIT $3";
            let sql = client.prepare_cached(sql).await?;
            let rows = client.query(&sql, &[&prefix, &after, &limit]).await?;
            Ok(rows.iter().map(|row| text(row, 0)).collect())
        })
    }

    /// The same with their values.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn values(
        &mut self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Value)>, StoreError> {
        let (prefix, after) = (prefix.as_bytes(), after.as_bytes());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.link.run("read values from", async |client| {
            let sql = "SELECT key, version, value FROM repair_shelf WHERE key >= $1 AND key > $2
                       AND substring(key FROM 1 FOR length($1)) = $1 ORDER BY key LIMIT $3";
            let sql = client.prepare_cached(sql).await?;
            let rows = client.query(&sql, &[&prefix, &after, &limit]).await?;
            Ok(rows.iter().map(|row| (text(row, 0), value(row, 1))).collect())
        })
    }
}

/// Whether a value was written.
enum Written {
    Yes,
    No,
    Unknown,
}

async fn put(
    client: &Client,
    key: &[u8],
    bytes: Option<&[u8]>,
    expected: u64,
    mark: i64,
) -> Result<bool, Fault> {
    let version = i64::try_from(expected).unwrap_or(i64::MAX);
    let changed = match (bytes, expected) {
        (Some(bytes), 0) => {
            let sql = "INSERT INTO repair_shelf (key, version, mark, value) VALUES ($1, 1, $2, $3)
                       ON CONFLICT DO NOTHING";
            client.execute(&client.prepare_cached(sql).await?, &[&key, &mark, &bytes]).await?
        }
        (Some(bytes), _) => {
            let sql = "UPDATE repair_shelf SET version = version + 1, mark = $3, value = $4
                       WHERE key = $1 AND version = $2";
            client.execute(&client.prepare_cached(sql).await?, &[&key, &version, &mark, &bytes]).await?
        }
        (None, 0) => 0,
        (None, _) => {
            let sql = "DELETE FROM repair_shelf WHERE key = $1 AND version = $2";
            client.execute(&client.prepare_cached(sql).await?, &[&key, &version]).await?
        }
    };
    Ok(changed == 1)
}

fn link(url: &str, shown: &str) -> Result<Link, StoreError> {
    // A repair is written down before it is made: what is not on the disk then was not.
    let address = Address::parse(url, shown, true, &|name| std::env::var(name).ok())?;
    Link::new(&address)
}

async fn is_there(client: &mut Client) -> Result<bool, Fault> {
    let name = format!("{SCHEMA}.{TABLE}");
    Ok(client.query_one("SELECT to_regclass($1::text) IS NOT NULL", &[&name]).await?.get(0))
}

async fn bring_up(client: &mut Client) -> Result<(), Fault> {
    if is_there(client).await? {
        return Ok(());
    }
    let tx = client.transaction().await?;
    schema::lock(&tx).await?;
    tx.batch_execute(
        "CREATE TABLE IF NOT EXISTS repair_shelf (
            key bytea PRIMARY KEY,
            version bigint NOT NULL,
            mark bigint NOT NULL,
            value bytea NOT NULL
         )",
    )
    .await?;
    Ok(tx.commit().await?)
}

fn text(row: &Row, column: usize) -> String {
    String::from_utf8_lossy(row.get(column)).into_owned()
}

fn value(row: &Row, from: usize) -> Value {
    Value { version: row.get::<_, i64>(from).unsigned_abs(), bytes: row.get(from + 1) }
}
