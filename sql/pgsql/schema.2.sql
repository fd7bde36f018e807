-- Version 2. The statements end with ; at the end of a line.

CREATE TABLE IF NOT EXISTS {table} (
	ns          bytea   NOT NULL,              -- the namespace; bytea takes any bytes and is compared as text is: ns = 'app'
	id          bytea   NOT NULL,              -- the storage key: a SHA-256, never the sid
	version     bigint  NOT NULL,              -- 1 when created, one more with each save; 0 is a reservation, -1 a mark
	user_id     bytea,                         -- NULL is nobody
	created_at  timestamptz,
	auth_at     timestamptz,
	expires_at  timestamptz NOT NULL,          -- in no index, so that a touch is a HOT update
	deadline_at timestamptz,
	gc_bucket   integer NOT NULL,              -- an hour since 1970, not later than expires_at rounded up
	data        bytea   NOT NULL,
	alias       bytea,                         -- another name that the session is found by; NULL is none
	meta        bytea,                         -- what lists show of the session; NULL is nothing
	CONSTRAINT {name}_pkey PRIMARY KEY (id, ns),  -- ns alone must not look selective, as it does before the first ANALYZE
	CONSTRAINT {name}_id CHECK (octet_length(id) = 32)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

CREATE INDEX IF NOT EXISTS {name}_gc ON {table} (gc_bucket);

CREATE INDEX IF NOT EXISTS {name}_user ON {table} (ns, user_id, id) WHERE user_id IS NOT NULL;

CREATE INDEX IF NOT EXISTS {name}_alias ON {table} (ns, alias, id) WHERE alias IS NOT NULL;

ALTER TABLE {table} ALTER COLUMN data SET STORAGE EXTERNAL;
