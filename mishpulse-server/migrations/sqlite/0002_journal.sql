-- Beats that changed nothing but when a service was last heard, one row a commit: appended here, and carried over into `state` a
-- slice at a time. `heard` is a JSON object: the service's id, and how many milliseconds before `at` it was heard, in an array
-- with its message where it sent one. A beat counts where it is later than what `state` has.
CREATE TABLE journal (
    seq   INTEGER PRIMARY KEY,
    at    INTEGER NOT NULL,
    heard TEXT    NOT NULL
) STRICT;

DROP VIEW heartbeats;

CREATE VIEW heartbeats AS
WITH heard AS (SELECT CAST(beat.key AS INTEGER) AS id,
                      journal.at - iif(beat.type = 'array', beat.value ->> 0, beat.value) AS at,
                      iif(beat.type = 'array', beat.value ->> 1, NULL) AS message
               FROM journal, json_each(journal.heard) AS beat),
     latest AS MATERIALIZED (SELECT id, max(at) AS at, message FROM heard GROUP BY id)
SELECT service.id                         AS id,
       service.name                       AS service_name,
       strftime('%Y-%m-%dT%H:%M:%fZ', iif(latest.at > state.last_seen, latest.at, state.last_seen) / 1000.0,
                'unixepoch')              AS last_seen,
       status.name                        AS status,
       iif(latest.at > state.last_seen, latest.message, state.message) AS message
FROM service
         JOIN state ON state.id = service.id
         JOIN status ON status.code = state.status
         LEFT JOIN latest ON latest.id = service.id
ORDER BY service.name;
