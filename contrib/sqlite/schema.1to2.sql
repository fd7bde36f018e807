-- From version 1 to 2, while programs of both work on the table: old ones do not look at what is added. By hand: put the
-- table's name in the place of {table} and {name}.

ALTER TABLE {table} ADD COLUMN alias TEXT;

ALTER TABLE {table} ADD COLUMN meta BLOB;

CREATE INDEX IF NOT EXISTS {name}_alias ON {table} (ns, alias, id) WHERE alias IS NOT NULL;
