-- Version 2. The statements end with ; at the end of a line. Times are milliseconds since 1970, 0 for none.

CREATE TABLE IF NOT EXISTS {table} (
	ns          TEXT    NOT NULL,  -- the namespace
	id          BLOB    NOT NULL,  -- the storage key: a SHA-256, never the sid
	version     INTEGER NOT NULL,  -- 1 when created, one more with each save; 0 is a reservation, -1 a mark
	user_id     TEXT,              -- NULL is nobody
	created_at  INTEGER NOT NULL,
	auth_at     INTEGER NOT NULL,
	expires_at  INTEGER NOT NULL,  -- in no index
	deadline_at INTEGER NOT NULL,
	gc_bucket   INTEGER NOT NULL,  -- an hour since 1970, not later than expires_at rounded up
	data        BLOB    NOT NULL,
	alias       TEXT,              -- another name that the session is found by; NULL is none
	meta        BLOB,              -- what lists show of the session; NULL is nothing
	PRIMARY KEY (ns, id),
	CHECK (length(id) = 32)
);

CREATE INDEX IF NOT EXISTS {name}_gc ON {table} (gc_bucket);

CREATE INDEX IF NOT EXISTS {name}_user ON {table} (ns, user_id, id) WHERE user_id IS NOT NULL;

CREATE INDEX IF NOT EXISTS {name}_alias ON {table} (ns, alias, id) WHERE alias IS NOT NULL;
