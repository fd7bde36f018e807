package session_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/memory"
)

// A promise that the engine cannot keep is named when the manager is made, unless nobody relies on it.
func TestUnmarkedEngine(t *testing.T) {
	for _, tt := range []struct {
		name string
		open func(context.Context, driver.Config) (driver.Backend, error)
		opt  session.ManagerConfigOpt
		want int
	}{
		{"five methods", openMap, session.CfgMarkLifetime(0), 1},
		{"no marks wanted", openMap, session.CfgMarkLifetime(-1), 0},
		{"beego's layout has no place for marks", openMap, session.CfgBeego(true), 0},
		{"marks", memory.Open, session.CfgMarkLifetime(0), 0},
		{"marks, wrapped", func(ctx context.Context, c driver.Config) (driver.Backend, error) {
			b, err := memory.Open(ctx, c)
			return struct {
				driver.Backend
				unwrapping
			}{b, unwrapping{b}}, err
		}, session.CfgMarkLifetime(0), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			cfg := session.NewManagerConfig(session.CfgLogger(slog.New(slog.NewTextHandler(&log, nil))), tt.opt)
			m, err := session.New(session.NewProvider(tt.open), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if got := strings.Count(log.String(), "driver.Marker"); got != tt.want || strings.Count(log.String(), "WARN") != tt.want {
				t.Errorf("%d lines, want %d:\n%s", got, tt.want, &log)
			}
		})
	}
}

// unwrapping shows the backend that another one wraps.
type unwrapping struct{ inner driver.Backend }

func (u unwrapping) Unwrap() driver.Backend { return u.inner }
