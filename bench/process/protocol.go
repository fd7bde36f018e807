// Package process runs each library in a process of its own, so that none has the heap or the garbage of another. A process
// is this program once more. It opens one library on one backend, and does what it is asked on its standard input, a
// line of JSON each.
package process

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed1a8f7c28/session/bench/library"
	"github.com/seed1a8f7c28/session/bench/workload"
)

// A Place is what a process opens.
type Place struct {
	Library, Backend string         // by name
	Target           library.Target // the store
}

// A Request is what a process does. Its answer is of the type that is named.
type Request struct {
	Do       string        // one of the constants below
	Workload string        `json:",omitempty"` // by name
	For      time.Duration `json:",omitempty"` // how long to measure
	N        int           `json:",omitempty"` // how many requests or sessions
}

// What a process can do.
const (
	Measure = "measure" // the workload in this process, for a time: workload.Result
	Send    = "send"    // N requests of the workload: nothing
	Lose    = "lose"    // try out what is lost: workload.Losses
	Size    = "size"    // begin N sessions: float64, the bytes that each takes
	Serve   = "serve"   // listen on a port: string, the address
	Cookies = "cookies" // begin the sessions of the workload: []string, Cookie headers
	Usage   = "usage"   // workload.Usage
)

// A reply is what a process says.
type reply struct {
	Error  string          `json:",omitempty"`
	Answer json.RawMessage `json:",omitempty"`
}

// Many is how many sessions W7 is on.
func Many(backend string) int {
	switch backend {
	case "memory":
		return 100_000
	case "file":
		return 300
	}
	return 1000
}

func (p Place) open() (*workload.App, error) {
	l, err := library.Find(p.Library)
	if err != nil {
		return nil, err
	}
	open := l.On[p.Backend]
	if open == nil {
		return nil, fmt.Errorf("%s has no backend %q", p.Library, p.Backend)
	}
	return open(p.Target)
}
