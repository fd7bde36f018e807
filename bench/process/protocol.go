// Package process runs each library in a separate process, so that no library is affected by the heap and the garbage of
// another. A process runs this program again. It opens one library on one backend, and reads requests from its standard
// input, one JSON object per line.
package process

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed1a8f7c28/session/bench/library"
	"github.com/seed1a8f7c28/session/bench/workload"
)

// A Place says what a process opens.
type Place struct {
	Library, Backend string         // by name
	Target           library.Target // the store
}

// A Request tells a process what to do. The comments below name the type of the answer.
type Request struct {
	Do       string        // one of the constants below
	Workload string        `json:",omitempty"` // by name
	For      time.Duration `json:",omitempty"` // duration of the measurement
	N        int           `json:",omitempty"` // number of requests or sessions
}

// The values of Request.Do.
const (
	Measure = "measure" // run the workload in this process for a time; answer: workload.Result
	Send    = "send"    // send N requests of the workload; no answer
	Lose    = "lose"    // find out what is lost; answer: workload.Losses
	Size    = "size"    // begin N sessions; answer: float64, bytes per session
	Serve   = "serve"   // listen on a port; answer: string, the address
	Cookies = "cookies" // begin the sessions of the workload; answer: []string, Cookie headers
	Usage   = "usage"   // answer: workload.Usage
)

// A reply is a process's answer.
type reply struct {
	Error  string          `json:",omitempty"`
	Answer json.RawMessage `json:",omitempty"`
}

// Many returns the number of sessions of W7.
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
