-- Version 2. The statements end with ; at the end of a line. Times are milliseconds since 1970, 0 for none.

CREATE TABLE IF NOT EXISTS {table} (
	ns          VARBINARY(128) NOT NULL,        -- the namespace; bytes: no case folding, no trailing spaces cut
	id          BINARY(32)     NOT NULL,        -- the storage key: a SHA-256, never the sid
	version     BIGINT         NOT NULL,        -- 1 when created, one more with each save; 0 is a reservation, -1 a mark
	user_id     VARBINARY(400) NULL,            -- NULL is nobody
	created_at  BIGINT         NOT NULL,
	auth_at     BIGINT         NOT NULL,
	expires_at  BIGINT         NOT NULL,        -- in no index
	deadline_at BIGINT         NOT NULL,
	gc_bucket   INT            NOT NULL,        -- an hour since 1970, not later than expires_at rounded up
	data        MEDIUMBLOB     NOT NULL,
	alias       VARBINARY(400) NULL,            -- another name that the session is found by; NULL is none
	meta        VARBINARY(1024) NULL,           -- what lists show of the session; NULL is nothing
	PRIMARY KEY (ns, id),
	KEY {name}_gc (gc_bucket),
	KEY {name}_user (ns, user_id, id),
	KEY {name}_alias (ns, alias, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;
