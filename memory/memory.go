// Package memory keeps sessions in the memory of this process, under the provider name "memory":
//
//	import _ "github.com/seed1a8f7c28/session/memory"
//
//	session.NewManager("memory", session.NewManagerConfig())
//
// A session of five small values takes about 220 bytes, and 380 with a user (BenchmarkMillion). All sessions are lost when the
// process ends, and no other process can see them. If that matters, use another provider.
//
// An expired session is gone at once. Its memory is freed by the next sweep (see [session.Manager.GC]), which visits a few
// sessions at a time and lets requests run in between.
//
// The provider config is empty, or a JSON object with one key:
//
//	{"maxSessions": 100000}
//
// maxSessions limits how many sessions are kept, so that a flood of visitors cannot exhaust the memory. A new session
// beyond the limit replaces the one whose last creation, save or touch is the longest ago. An expired session counts until
// it is swept or replaced. 0, the default, means no limit. The limit costs about 120 bytes per session, and makes writers
// wait for each other, but not readers.
package memory

import (
	"context"
	"errors"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

func init() { session.Register("memory", New()) }

// New returns a provider that keeps sessions in memory. Pass it to [session.New].
func New() session.Provider { return session.NewProvider(Open) }

// Open opens a new, empty store and ignores the namespace. It returns a [*session.ConfigError] if c.Config is neither empty
// nor as the package comment describes.
//
// The result implements [driver.InProcess], [driver.Counter], [driver.Lister], [driver.UserLister], [driver.AliasLister],
// [driver.UserLimiter], [driver.Renamer], [driver.Marker], [driver.Sweeper] and [driver.Clearer]. It need not be closed.
func Open(_ context.Context, c driver.Config) (driver.Backend, error) {
	var cfg struct {
		MaxSessions int `json:"maxSessions"`
	}
	if err := driver.ParseConfig(c.Config, &cfg); err != nil {
		return nil, err
	}
	switch {
	case cfg.MaxSessions < 0:
		return nil, &driver.ConfigError{Field: "providerConfig.maxSessions", Err: errors.New("must not be negative")}
	case cfg.MaxSessions > 0:
		return newCapped(cfg.MaxSessions), nil
	}
	return newStore(), nil
}
