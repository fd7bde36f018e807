package postgres_test

import (
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

var beegoTable = sqltest.BeegoTable{
	Create: "CREATE TABLE session (session_key char(64) NOT NULL, session_data bytea, session_expiry timestamp NOT NULL, " +
		"CONSTRAINT session_key PRIMARY KEY(session_key))",
	Save:       "UPDATE session set session_data=$1, session_expiry=$2 where session_key=$3",
	SavedAt:    func() any { return time.Now().Format(time.RFC3339) },
	Resolution: time.Millisecond,
	GC:         "DELETE from session where EXTRACT(EPOCH FROM (current_timestamp - session_expiry)) > $1",
	GCSince:    func(lifetime time.Duration) any { return int64(lifetime / time.Second) },
}

func TestBeego(t *testing.T) { engine.Beego(t, beegoTable) }

func TestBeegoWriters(t *testing.T) { engine.BeegoWriters(t, beegoTable) }

func TestBeegoWhole(t *testing.T) { engine.BeegoWhole(t, beegoTable) }

func TestBeegoExpiry(t *testing.T) { engine.BeegoExpiry(t, beegoTable) }

func TestBeegoContract(t *testing.T) { engine.BeegoContract(t, beegoTable) }

// TestBeegoZone has a time zone of the connection that is not the server's.
func TestBeegoZone(t *testing.T) {
	e := engine
	e.Server = nil
	e.Database = func(t testing.TB) string { return engine.Empty(t) + "&timezone=Asia/Tokyo" }
	e.BeegoContract(t, beegoTable)
}

func TestBeegoCut(t *testing.T) { engine.BeegoCut(t) }

func TestBeegoLongSID(t *testing.T) { engine.BeegoLongSID(t) }

// TestBeegoManager runs the kit in beego mode.
func TestBeegoManager(t *testing.T) {
	h := engine.Harness()
	h.Beego = true
	sessiontest.Run(t, h)
}
