package servers

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/bench/library"
)

// folderSize returns what the files below a target's folder take, in blocks of 4 KiB as on most file systems.
func folderSize(t library.Target) (total int64, err error) {
	const block = 4 << 10
	err = filepath.WalkDir(t.Dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += (info.Size() + block - 1) / block * block
		}
		return err
	})
	return total, err
}

// redisMemory returns the memory that Redis uses.
func redisMemory(client *redis.Client) func(library.Target) (int64, error) {
	return func(library.Target) (int64, error) {
		info, err := client.InfoMap(context.Background(), "memory").Result()
		if err != nil {
			return 0, err
		}
		return strconv.ParseInt(info["Memory"]["used_memory"], 10, 64)
	}
}

// memcachedItems returns the memory that items take.
func memcachedItems(t library.Target) (int64, error) {
	conn, err := net.Dial("tcp", t.Addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, "stats\r\n"); err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(conn); lines.Scan() && lines.Text() != "END"; {
		if value, ok := strings.CutPrefix(lines.Text(), "STAT bytes "); ok {
			return strconv.ParseInt(value, 10, 64)
		}
	}
	return 0, fmt.Errorf("memcached at %s does not say how many bytes it has", t.Addr)
}

// tableSizes are queries for the size of the table sessions with its indexes, after a statement that brings the figures up
// to date.
var tableSizes = map[string][2]string{
	"postgres": {"ANALYZE sessions", "SELECT pg_total_relation_size('sessions')"},
	"mysql": {
		"ANALYZE TABLE sessions",
		"SELECT data_length + index_length FROM information_schema.tables WHERE table_schema = database() AND table_name = 'sessions'",
	},
}

// tableSize asks the database of a target.
func tableSize(driver string) func(library.Target) (int64, error) {
	return func(t library.Target) (size int64, err error) {
		db, err := sql.Open(driver, t.DSN)
		if err != nil {
			return 0, err
		}
		defer db.Close()
		if _, err := db.Exec(tableSizes[driver][0]); err != nil {
			return 0, err
		}
		return size, db.QueryRow(tableSizes[driver][1]).Scan(&size)
	}
}
