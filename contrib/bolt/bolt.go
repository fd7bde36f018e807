// Package bolt keeps sessions in a bbolt file, under the provider name "bolt". It needs nothing to be installed or operated.
//
//	import _ "github.com/seed1a8f7c28/session/contrib/bolt"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = "./sessions.db"
//	session.NewManager("bolt", cfg)
//
// The provider config is the path of the file, or a JSON object:
//
//	{"path": "./sessions.db", "fsync": "full"}
//
// Missing folders and the file are created, with the modes 0700 and 0600. fsync says what a power failure may destroy:
//
//   - "full", the default: nothing that was acknowledged.
//   - "none": the whole file. The operating system writes its pages in any order, so the file may be unusable afterwards. A
//     crash or a kill of the program loses nothing.
//
// One process at a time can have the file open; its managers share it. A second process waits for a second, and then gets
// an error that names the file.
//
// bbolt has one writer. Calls that write at the same time become durable together, with one transaction, so many of them
// are nearly as fast as one. Reads do not wait for the writer.
//
// The sessions are in the bucket "session" in the layout of package kv.
package bolt

import (
	"context"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/kv"
)

func init() { session.Register("bolt", New()) }

// New returns a provider that keeps sessions in a bbolt file. Pass it to [session.New].
func New() session.Provider { return session.NewProvider(Open) }

// Open opens the file that c.Config names, and creates what is missing. See [kv.Open].
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	return kv.Open(ctx, c, kv.Engine{Name: "bolt", Open: open})
}
