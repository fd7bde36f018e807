package file_test

import (
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/file"
)

// soak asks for the long form of the tests that have one.
var soak = os.Getenv("SESSION_SOAK") != ""

// folder is that of the namespace "".
const folder = "sessions.v2"

// dataSize is what five values take: 124 bytes, and a few around them.
const dataSize = 136

func newRecord(lifetime time.Duration) *driver.Record {
	now := time.Now()
	return &driver.Record{Created: now, Expires: now.Add(lifetime), Data: make([]byte, dataSize)}
}

// open opens a node until the test ends.
func open(tb testing.TB, config string) driver.Backend {
	tb.Helper()
	s, err := file.Open(context.Background(), driver.Config{Config: config})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.(io.Closer).Close() })
	return s
}
