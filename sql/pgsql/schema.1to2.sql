-- From version 1 to 2, while nodes of both work on the table: nothing is written anew, and old nodes do not look at what is
-- added. By hand: put the table's name in the place of {table} and {name}, the index's in that of {index}, and run each statement by
-- itself, in no transaction. While somebody reads the table for longer, ALTER TABLE fails and may be tried again: to wait would
-- have all others wait behind it. DROP INDEX removes what a try that was broken off has left.

SET lock_timeout = '200ms';

ALTER TABLE {table} ADD COLUMN IF NOT EXISTS alias bytea, ADD COLUMN IF NOT EXISTS meta bytea;

RESET lock_timeout;

DROP INDEX CONCURRENTLY IF EXISTS {index};

CREATE INDEX CONCURRENTLY IF NOT EXISTS {name}_alias ON {table} (ns, alias, id) WHERE alias IS NOT NULL;
