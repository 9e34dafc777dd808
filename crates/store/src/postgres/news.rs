//! What other hosts committed.

use stockade_core::ports::{News, SharedBan, SharedMatch};
use tokio_postgres::Row;

use super::error::Fault;
use super::hosts::Me;
use super::link::Client;
use super::read::{BAN, Names, ban_from, decision_from, key, name, number, sql_limit, steady, time};

/// How far this host has heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// The commit up to which the bans of others are known.
    pub(super) serial: i64,
    /// The last match of others that was given out.
    pub(super) seq: i64,
}

/// What came since, at most `limit` matches, and how far it is heard now.
pub(super) async fn since(
    client: &mut Client,
    me: &Me,
    heard: Heard,
    limit: usize,
) -> Result<(News, Heard), Fault> {
    let tx = steady(client).await?;
    let serial: i64 = tx.query_one(&tx.prepare_cached("SELECT serial FROM head").await?, &[]).await?.get(0);
    let sql =
        "SELECT seq, jail, key, at, count FROM matches WHERE seq > $1 AND host <> $2 ORDER BY seq LIMIT $3";
    let statement = tx.prepare_cached(sql).await?;
    let rows = tx.query(&statement, &[&heard.seq, &me.host, &sql_limit(limit)]).await?;
    let seq = rows.last().map_or(heard.seq, |row| row.get(0));
    let one = |row: &Row| {
        Ok(SharedMatch { jail: name(row, 1), key: key(row, 2)?, time: time(row, 3), count: number(row, 4)? })
    };
    let matches: Vec<SharedMatch> = rows.iter().map(one).collect::<Result<_, Fault>>()?;
    let bans = if serial > heard.serial {
        // Together with the decision that is the reason: the newest that was not refused.
        let sql = format!(
            "SELECT {BAN}, d.jail, d.key, d.verdict, d.until, d.at, d.reason, d.nth FROM bans b
             LEFT JOIN LATERAL (
                 SELECT * FROM decisions d WHERE d.key = b.key AND d.jail = b.jail AND d.refused IS NULL
                 ORDER BY d.id DESC LIMIT 1
             ) d ON true
             WHERE b.serial > $1 AND b.host <> $2 ORDER BY b.serial"
        );
        let rows = tx.query(&tx.prepare_cached(&sql).await?, &[&heard.serial, &me.host]).await?;
        let mut names = Names::default();
        let one = |row: &Row| {
            let ban = ban_from(row, &mut names)?;
            let there = row.get::<_, Option<&str>>(8).is_some();
            let decision = there.then(|| decision_from(row, 8)).transpose()?;
            Ok(SharedBan { ban, lifted: row.get(7), decision })
        };
        rows.iter().map(one).collect::<Result<_, Fault>>()?
    } else {
        Vec::new()
    };
    tx.commit().await?;
    let more = matches.len() >= limit.max(1);
    let upto = u64::try_from(seq).unwrap_or(0);
    Ok((News { matches, bans, upto, more }, Heard { serial, seq }))
}
