-- A database of schema 1, with something in every table. Never change it: files like this one are out there.
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA application_id = 1398033220;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
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
INSERT INTO "bans" VALUES('sshd','192.0.2.1',2,1700000000000,1700000600000,1,'5/600');
INSERT INTO "bans" VALUES('sshd','198.51.100.0/24',1,1700000000000,9223372036854775807,0,'{"why":"manual","note":"by me"}');
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
INSERT INTO "decisions" VALUES(1,'sshd','192.0.2.1','ban',1700000600000,1700000000000,'5/600',2,NULL,1);
INSERT INTO "decisions" VALUES(2,'sshd','203.0.113.9','extend',9223372036854775807,1700000000000,'{"why":"imported"}',1,'own address',0);
INSERT INTO "decisions" VALUES(3,'sshd','198.51.100.0/24','unban',NULL,1700000000000,'{"why":"expired"}',0,NULL,0);
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
INSERT INTO "matches" VALUES(1,X'00000000000000000000000000000001','sshd','192.0.2.1',1700000000000,1,'root','/var/log/auth.log','sshd[1]: Failed password for root from 192.0.2.1 port 22 ssh2');
INSERT INTO "matches" VALUES(2,X'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF','sshd','192.0.2.1',1700000060000,3,NULL,'/var/log/auth.log','sshd[2]: Invalid user from 192.0.2.1');
INSERT INTO "matches" VALUES(3,X'00000000000000000000000000000003','web','@192.0.2.1',1700000000000,1,'','journal','a name that looks like an address');
CREATE TABLE outbox (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    decision  INTEGER NOT NULL REFERENCES decisions (id) ON DELETE CASCADE,
    responder TEXT NOT NULL,
    state     INTEGER NOT NULL DEFAULT 0,
    attempts  INTEGER NOT NULL DEFAULT 0,
    due       INTEGER,
    detail    TEXT
) STRICT;
INSERT INTO "outbox" VALUES(1,1,'nftables',1,2,1700000001000,'no route');
INSERT INTO "outbox" VALUES(2,1,'mail',2,0,NULL,NULL);
INSERT INTO "outbox" VALUES(3,3,'nftables',3,0,NULL,'dry run');
CREATE TABLE positions (
    stream      TEXT PRIMARY KEY,
    generation  TEXT NOT NULL,
    offset      INTEGER NOT NULL,
    replay_from INTEGER NOT NULL,
    cursor      TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO "positions" VALUES('/var/log/auth.log','1234-abcd',4711,4000,NULL);
INSERT INTO "positions" VALUES('journal','',-1,0,'s=1;i=2');
CREATE TABLE totals (
    jail    TEXT PRIMARY KEY,
    matches INTEGER NOT NULL,
    bans    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "totals" VALUES('sshd',4,1);
INSERT INTO "totals" VALUES('web',1,0);
CREATE TABLE windows (
    jail  TEXT NOT NULL,
    key   TEXT NOT NULL,
    times BLOB NOT NULL,
    PRIMARY KEY (jail, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "windows" VALUES('sshd','192.0.2.1',X'80A0ABFEF962C0A907');
INSERT INTO "windows" VALUES('web','2001:db8::/48',X'F69FABFEF962');
CREATE INDEX matches_key ON matches (key, at);
CREATE INDEX matches_at ON matches (at);
CREATE INDEX bans_over ON bans (until) WHERE live = 0;
CREATE INDEX decisions_key ON decisions (key);
CREATE INDEX decisions_settled ON decisions (at) WHERE open = 0;
CREATE INDEX outbox_decision ON outbox (decision);
CREATE INDEX outbox_open ON outbox (id, due) WHERE state < 2;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('decisions',3);
INSERT INTO "sqlite_sequence" VALUES('outbox',3);
COMMIT;
