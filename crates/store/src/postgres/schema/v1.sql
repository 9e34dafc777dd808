-- Schema 1, shared by all hosts. Times are milliseconds since 1970. A key is an address or network in its canonical
-- form, or a name with `@` before it. Text is as in the core, but for U+0000, which PostgreSQL does not know: it is
-- written as U+2400 and `0`, and U+2400 itself as U+2400 twice.

-- One row. Whoever writes what others want to know holds it, so commits are numbered in the order in which they
-- become visible.
CREATE TABLE head (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    serial    bigint NOT NULL DEFAULT 0,
    matches   bigint NOT NULL DEFAULT 0,
    decisions bigint NOT NULL DEFAULT 0
);
INSERT INTO head DEFAULT VALUES;

-- Who writes here. `instance` is the process that may do so in the host's name; `attempt` the last commit of it;
-- `seen` the last match of others that it has judged; `at` when it was last heard of.
CREATE TABLE hosts (
    name     text PRIMARY KEY,
    instance bigint NOT NULL,
    attempt  bigint NOT NULL DEFAULT 0,
    seen     bigint NOT NULL,
    at       bigint NOT NULL
);

-- Evidence. `seq` is the order of commits; two hosts may have a file of the same name, so an id is one host's.
CREATE TABLE matches (
    seq    bigserial PRIMARY KEY,
    host   text NOT NULL,
    id     bytea NOT NULL,
    jail   text NOT NULL,
    key    text NOT NULL,
    at     bigint NOT NULL,
    count  bigint NOT NULL,
    "user" text,
    stream text NOT NULL,
    line   text NOT NULL,
    UNIQUE (host, id)
);
CREATE INDEX matches_key ON matches (key, at, seq);
CREATE INDEX matches_at ON matches (at, seq);

-- The match times that a jail of a host still counts: varints of the differences, zigzag.
CREATE TABLE windows (
    host  text NOT NULL,
    jail  text NOT NULL,
    key   text NOT NULL,
    times bytea NOT NULL,
    PRIMARY KEY (host, jail, key)
);

-- The last ban of a key in a jail, live or over. `lifted`: a person ended it. `host` is who wrote the row last, nobody
-- where it came of what two hosts wrote at once; `serial` is the commit of that.
CREATE TABLE bans (
    jail   text NOT NULL,
    key    text NOT NULL,
    times  bigint NOT NULL,
    since  bigint NOT NULL,
    until  bigint NOT NULL,
    live   boolean NOT NULL,
    lifted boolean NOT NULL,
    reason text NOT NULL,
    host   text NOT NULL,
    serial bigint NOT NULL,
    PRIMARY KEY (jail, key)
);
CREATE INDEX bans_serial ON bans (serial);
CREATE INDEX bans_over ON bans (until) WHERE NOT live;

-- Up to where each stream of a host was read. The two offsets are unsigned and stored with the same 64 bits.
CREATE TABLE positions (
    host        text NOT NULL,
    stream      text NOT NULL,
    generation  text NOT NULL,
    "offset"    bigint NOT NULL,
    replay_from bigint NOT NULL,
    cursor      text,
    PRIMARY KEY (host, stream)
);

-- The log of decisions, each by the host that took it. `open` is the number of responders, of all hosts, that have yet
-- to carry it out.
CREATE TABLE decisions (
    id      bigserial PRIMARY KEY,
    host    text NOT NULL,
    jail    text NOT NULL,
    key     text NOT NULL,
    verdict text NOT NULL,
    until   bigint,
    at      bigint NOT NULL,
    reason  text NOT NULL,
    nth     bigint NOT NULL,
    refused text,
    open    bigint NOT NULL
);
CREATE INDEX decisions_key ON decisions (key, id);
CREATE INDEX decisions_settled ON decisions (at, id) WHERE open = 0;

-- One line per decision and responder of a host. `state`: 0 waits, 1 failed and waits for `due`, 2 done, 3 refused.
CREATE TABLE outbox (
    id        bigserial PRIMARY KEY,
    host      text NOT NULL,
    decision  bigint NOT NULL REFERENCES decisions (id) ON DELETE CASCADE,
    responder text NOT NULL,
    state     smallint NOT NULL DEFAULT 0,
    attempts  bigint NOT NULL DEFAULT 0,
    due       bigint,
    detail    text
);
CREATE INDEX outbox_decision ON outbox (decision);
CREATE INDEX outbox_open ON outbox (host, id) WHERE state < 2;

-- What each jail has counted, on all hosts.
CREATE TABLE totals (
    jail    text PRIMARY KEY,
    matches bigint NOT NULL,
    bans    bigint NOT NULL
);

-- The addresses that were ever banned, as the table of the cron script had them.
CREATE VIEW ip_errors AS
SELECT b.key AS ip,
       to_timestamp(least(greatest(max(b.since), 0), 253402300799000) / 1000.0) AS "timestamp",
       coalesce((SELECT sum(m.count) FROM matches m WHERE m.key = b.key), 0)::bigint AS error_count
FROM bans b
WHERE b.key NOT LIKE '@%' AND position('/' IN b.key) = 0
GROUP BY b.key;

-- Where its readers look for it, unless something of that name is there or may not be put there.
DO $$
BEGIN
    IF to_regclass('public.ip_errors') IS NULL AND to_regnamespace('public') IS NOT NULL
        AND has_schema_privilege('public', 'CREATE') THEN
        CREATE VIEW public.ip_errors AS SELECT * FROM ip_errors;
    END IF;
END
$$;
