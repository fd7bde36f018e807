// Package library holds the libraries that are compared, each with nothing but the calls that its own README shows, and
// the floors.
package library

import (
	"fmt"

	"github.com/seed1a8f7c28/session/bench/workload"
)

// A Target is a store to keep sessions in. Which fields are set depends on the backend.
type Target struct {
	Addr string // of a server
	DSN  string // of an empty database
	Dir  string // an empty folder
}

// A Library is a way to have sessions.
type Library struct {
	Name   string // as the report has it
	Module string // "" for a floor
	Ours   bool
	Keeps  string // what it does with values, for the report

	// On opens an application by the name of its backend.
	On map[string]func(t Target) (*workload.App, error)
}

// Peer says whether it is somebody else's.
func (l Library) Peer() bool { return l.Module != "" && !l.Ours }

// Backends are those that are compared, in the order of the report.
var Backends = []string{"memory", "cookie", "file", "redis", "postgres", "mysql", "memcache", "sqlite"}

// All are the libraries, in the order of the report: floors, this package, its peers.
var All = []Library{
	floor, floorFast,
	start, mw, fast, startPgx, mwPgx,
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

// For returns the libraries that have a backend.
func For(backend string) []Library {
	var found []Library
	for _, l := range All {
		if l.On[backend] != nil {
			found = append(found, l)
		}
	}
	return found
}

// Pool is how many connections to a database each library may have, as far as it lets the application say so.
const Pool = 16

// key is a secret for libraries that sign or encrypt.
const key = "0123456789abcdef0123456789abcdef"
