package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/seed1a8f7c28/session/contrib/sqlite"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestMain(m *testing.M) {
	if !sqltest.Role(sqlite.Open) {
		m.Run()
	}
}

var engine = sqltest.Engine{
	Driver: "sqlite", Dialect: sqlite.Dialect, Node: sqlite.Open, New: sqlite.New,
	Database: func(t testing.TB) string { return filepath.Join(t.TempDir(), "sessions.db") },
	DSN: func(file string) string {
		return "file:" + file + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)"
	},
}

func TestSQLite(t *testing.T) { engine.Test(t) }

func BenchmarkRequests(b *testing.B) { sessiontest.Bench(b, engine.Harness()) }

func BenchmarkSize(b *testing.B) {
	engine.BenchSize(b, "", "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
}
