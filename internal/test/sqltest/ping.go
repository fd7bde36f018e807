package sqltest

import (
	"io"
	"log/slog"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// Pings restarts a server behind idle nodes: see [faulttest.Pings].
func (e Engine) Pings(t *testing.T) {
	for name, open := range map[string]func(t *testing.T, dsn string) driver.Backend{
		"provider": func(t *testing.T, dsn string) driver.Backend {
			b, err := e.Node(t.Context(), driver.Config{Config: dsn, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { b.(io.Closer).Close() })
			return b
		},
		"own pool": func(t *testing.T, dsn string) driver.Backend { return e.own(t, dsn, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := e.newFaulty(t, &servertest.SQLOptions{})
			faulttest.Pings(t, f.server, f.proxy, open(t, f.dsn).(driver.Pinger))
		})
	}
}
