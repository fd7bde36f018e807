-- From version 1 to 2, while nodes of both work on the table: old nodes do not look at what is added. By hand: put the table's
-- name in the place of {table} and {name}. The columns come without a copy of the table from MySQL 8.0.12 and MariaDB 10.3 on, and with
-- one, beside which others read and write, before. While a transaction uses the table for longer, ALTER TABLE fails and may be tried
-- again: to wait would have all others wait behind it.

SET SESSION lock_wait_timeout = 1;

ALTER TABLE {table} ADD COLUMN alias VARBINARY(400) NULL, ADD COLUMN meta VARBINARY(1024) NULL;

ALTER TABLE {table} ADD KEY {name}_alias (ns, alias, id), ALGORITHM = INPLACE, LOCK = NONE;
