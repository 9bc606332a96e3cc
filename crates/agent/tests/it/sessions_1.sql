-- A database as the first form of it was written.
PRAGMA journal_mode = WAL;
CREATE TABLE session (
    id TEXT PRIMARY KEY NOT NULL,
    title TEXT NOT NULL,
    directory TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;
CREATE INDEX session_updated ON session (updated);
CREATE TABLE entry (
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    issuer TEXT,
    data TEXT NOT NULL,
    PRIMARY KEY (session, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE shown (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    turn INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX shown_session ON shown (session);
INSERT INTO session VALUES
    ('20261123-aaaaaa', 'Hello', '/work', 1795392000, 1795392010),
    ('20261122-bbbbbb', 'Later', '/work', 1795305600, 1795392020);
INSERT INTO entry VALUES
    ('20261123-aaaaaa', 0, 1, 1795392000, 'item', NULL, '{"type":"message","role":"user","content":[]}'),
    ('20261123-aaaaaa', 1, 1, 1795392005, 'ended', NULL, '{"status":"completed","model":"m","endpoint":"e","requests":1,"input_tokens":1,"output_tokens":1,"context_tokens":2}'),
    ('20261123-aaaaaa', 2, 2, 1795392010, 'item', NULL, '{"type":"message","role":"user","content":[]}'),
    ('20261122-bbbbbb', 0, 1, 1795392020, 'item', NULL, '{"type":"message","role":"user","content":[]}');
PRAGMA user_version = 1;
