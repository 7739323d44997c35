-- Times are Unix milliseconds. `state` holds what happened to each service, apart from who it is, so that a beat writes a
-- narrow row.
CREATE TABLE service (
    id        INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    token     TEXT NOT NULL UNIQUE,
    overrides TEXT NOT NULL,
    declared  INTEGER NOT NULL
) STRICT;

CREATE TABLE state (
    id          INTEGER PRIMARY KEY REFERENCES service (id) ON DELETE CASCADE,
    status      INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    last_seen   INTEGER,
    silent_from INTEGER NOT NULL,
    pardoned    INTEGER NOT NULL,
    message     TEXT,
    trouble     TEXT
) STRICT;

CREATE TABLE status (
    code INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO status (code, name)
VALUES (0, 'new'), (1, 'alive'), (2, 'warning'), (3, 'error'), (4, 'dead'), (5, 'paused');

CREATE VIEW heartbeats AS
SELECT service.id                         AS id,
       service.name                       AS service_name,
       strftime('%Y-%m-%dT%H:%M:%fZ', state.last_seen / 1000.0, 'unixepoch') AS last_seen,
       status.name                        AS status,
       state.message                      AS message
FROM service
         JOIN state ON state.id = service.id
         JOIN status ON status.code = state.status
ORDER BY service.name;

CREATE TABLE event (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    service_id INTEGER REFERENCES service (id) ON DELETE CASCADE,
    at         INTEGER NOT NULL,
    data       TEXT    NOT NULL
) STRICT;

CREATE INDEX event_of_service ON event (service_id, seq);
CREATE INDEX event_at ON event (at);

-- state: 0 pending, 1 sent, 2 failed. A pending row with a digest leaves with that digest, which is a row of its own.
CREATE TABLE delivery (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    service_id INTEGER REFERENCES service (id) ON DELETE SET NULL,
    channel    TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    letter     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_try   INTEGER NOT NULL,
    tried_at   INTEGER,
    last_error TEXT,
    digest     TEXT
) STRICT;

CREATE INDEX delivery_pending ON delivery (channel, next_try) WHERE state = 0 AND digest IS NULL;
CREATE INDEX delivery_order ON delivery (service_id, channel, seq);
CREATE INDEX delivery_digest ON delivery (digest) WHERE digest IS NOT NULL;
CREATE INDEX delivery_settled ON delivery (tried_at) WHERE state <> 0;

-- When the server was not listening, as far as that still counts for a service.
CREATE TABLE gap (
    began_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    away_ms  INTEGER NOT NULL
) STRICT;

-- One row: until when a server is known to have listened.
CREATE TABLE seen (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;
