-- Schema 1. Times are milliseconds since 1970 (INTEGER). A key is an address or network in its canonical form, or a
-- name with `@` before it, so that a user who calls himself `192.0.2.1` never becomes an address.

-- Evidence. `seq` is the order of commits; `id` makes a redelivered record the same match.
CREATE TABLE matches (
    seq    INTEGER PRIMARY KEY,
    id     BLOB NOT NULL UNIQUE,
    jail   TEXT NOT NULL,
    key    TEXT NOT NULL,
    at     INTEGER NOT NULL,
    count  INTEGER NOT NULL,
    user   TEXT,
    stream TEXT NOT NULL,
    line   TEXT NOT NULL
) STRICT;
CREATE INDEX matches_key ON matches (key, at);
CREATE INDEX matches_at ON matches (at);

-- The match times that a jail still counts: varints of the differences, zigzag.
CREATE TABLE windows (
    jail  TEXT NOT NULL,
    key   TEXT NOT NULL,
    times BLOB NOT NULL,
    PRIMARY KEY (jail, key)
) STRICT, WITHOUT ROWID;

-- The last ban of a key in a jail, live or over.
CREATE TABLE bans (
    jail   TEXT NOT NULL,
    key    TEXT NOT NULL,
    times  INTEGER NOT NULL,
    since  INTEGER NOT NULL,
    until  INTEGER NOT NULL,
    live   INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (jail, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX bans_over ON bans (until) WHERE live = 0;

-- Up to where each stream was read. The two offsets are unsigned and stored with the same 64 bits.
CREATE TABLE positions (
    stream      TEXT PRIMARY KEY,
    generation  TEXT NOT NULL,
    offset      INTEGER NOT NULL,
    replay_from INTEGER NOT NULL,
    cursor      TEXT
) STRICT, WITHOUT ROWID;

-- The log of decisions. `open` is the number of responders that have yet to carry it out.
CREATE TABLE decisions (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    jail    TEXT NOT NULL,
    key     TEXT NOT NULL,
    verdict TEXT NOT NULL,
    until   INTEGER,
    at      INTEGER NOT NULL,
    reason  TEXT NOT NULL,
    nth     INTEGER NOT NULL,
    refused TEXT,
    open    INTEGER NOT NULL
) STRICT;
CREATE INDEX decisions_key ON decisions (key);
CREATE INDEX decisions_settled ON decisions (at) WHERE open = 0;

-- One line per decision and responder. `state`: 0 waits, 1 failed and waits for `due`, 2 done, 3 refused.
CREATE TABLE outbox (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    decision  INTEGER NOT NULL REFERENCES decisions (id) ON DELETE CASCADE,
    responder TEXT NOT NULL,
    state     INTEGER NOT NULL DEFAULT 0,
    attempts  INTEGER NOT NULL DEFAULT 0,
    due       INTEGER,
    detail    TEXT
) STRICT;
CREATE INDEX outbox_decision ON outbox (decision);
CREATE INDEX outbox_open ON outbox (id, due) WHERE state < 2;

-- What each jail has counted since this file was made.
CREATE TABLE totals (
    jail    TEXT PRIMARY KEY,
    matches INTEGER NOT NULL,
    bans    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
