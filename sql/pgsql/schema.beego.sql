-- The table that beego's documentation gives. The statement ends with ; at the end of a line.

CREATE TABLE IF NOT EXISTS {table} (
	session_key    char(64)  NOT NULL PRIMARY KEY,  -- the sid
	session_data   bytea,                           -- the values in gob
	session_expiry timestamp NOT NULL               -- the last save, in the time zone of the connection
);
