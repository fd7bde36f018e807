// Package library contains the libraries that are compared, and the floors. Each library is used only with the calls that
// its README shows.
package library

import (
	"fmt"

	"github.com/seed1a8f7c28/session/bench/workload"
)

// A Target is the store in which sessions are kept. The backend determines which fields are set.
type Target struct {
	Addr string // of a server
	DSN  string // of an empty database
	Dir  string // an empty folder
}

// A Library is a way to use sessions.
type Library struct {
	Name   string // as in the report
	Module string // "" for a floor
	Ours   bool
	Keeps  string // how it handles values, for the report

	// On maps the names of backends to functions that open an application.
	On map[string]func(t Target) (*workload.App, error)
}

// Peer reports whether the library belongs to somebody else.
func (l Library) Peer() bool { return l.Module != "" && !l.Ours }

// Backends are the backends that are compared, in the order of the report.
var Backends = []string{"memory", "cookie", "file", "redis", "postgres", "mysql", "memcache", "sqlite"}

// All contains the libraries in the order of the report: floors, this package, its peers.
var All = []Library{
	floor, floorFast,
	start, mw, fast, startPgx, mwPgx, startNative, mwNative,
	beego, fasthttpSession, fiberSession, ginContrib, goSessions, gorilla, gorillaRedis, gorillaRedigo, scsLibrary, scsPgx,
	simple,
}

// Find returns a library by name.
func Find(name string) (Library, error) {
	for _, l := range All {
		if l.Name == name {
			return l, nil
		}
	}
	return Library{}, fmt.Errorf("no library %q", name)
}

// For returns the libraries that support a backend.
func For(backend string) []Library {
	var found []Library
	for _, l := range All {
		if l.On[backend] != nil {
			found = append(found, l)
		}
	}
	return found
}

// Pool is the maximum number of database connections for each library that has such a setting.
const Pool = 16

// key is a secret for libraries that sign or encrypt.
const key = "0123456789abcdef0123456789abcdef"
