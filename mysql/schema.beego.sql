-- The table that beego's documentation gives, with room for more than 64 KiB, keys that are compared exactly, and
-- an engine that survives a crash. The statement ends with ; at the end of a line.

CREATE TABLE IF NOT EXISTS {table} (
	session_key    CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,  -- the sid
	session_data   MEDIUMBLOB,                                               -- the values in gob
	session_expiry INT UNSIGNED NOT NULL,                                    -- the last save, in seconds since 1970
	PRIMARY KEY (session_key)
) ENGINE = InnoDB;
