// Package pebble keeps sessions in a Pebble store, a folder, under the provider name "pebble". Pebble is CockroachDB's successor of
// LevelDB. It needs nothing to be installed or operated.
//
//	import _ "github.com/seed1a8f7c28/session/contrib/pebble"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = "./sessions"
//	session.NewManager("pebble", cfg)
//
// The provider config is the path of the folder, or a JSON object:
//
//	{"path": "./sessions", "fsync": "full"}
//
// Missing folders are created with the mode 0700. fsync says what may be lost:
//
//   - "full", the default: nothing that was acknowledged, neither in a crash of the program nor in a power failure.
//   - "none": the changes of the last moments in a crash or a kill of the program, because Pebble hands them to the operating
//     system a little later, and those of the last seconds in a power failure.
//
// One process at a time can have the folder open; its managers share it. A second process waits for a second, and then gets
// an error that names the folder.
//
// Writes need 64 MB of free space on the disk. With less they return an error, because Pebble does not recover from a full
// disk until it is opened again.
//
// The keys and values are in the layout of package kv.
package pebble

import (
	"context"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/kv"
)

func init() { session.Register("pebble", New()) }

// New returns a provider that keeps sessions in a Pebble store. Pass it to [session.New].
func New() session.Provider { return session.NewProvider(Open) }

// Open opens the folder that c.Config names, and creates what is missing. See [kv.Open].
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	return kv.Open(ctx, c, kv.Engine{Name: "pebble", Folder: true, Open: open, FreeBytes: 64 << 20})
}
