// Package report writes the results as docs/performance.md.
package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/bench/library"
	"github.com/seed1a8f7c28/session/bench/workload"
)

// A Cell is one measurement of one process.
type Cell struct {
	Backend, Workload, Library string // by name

	Served bool // behind a server, otherwise in process
}

// String returns the cell's name, which BENCH= matches.
func (c Cell) String() string {
	if c.Served {
		return c.Backend + "/served/" + c.Workload + "/" + c.Library
	}
	return c.Backend + "/" + c.Workload + "/" + c.Library
}

// A Place is a library on a backend.
type Place struct {
	Backend, Library string // by name
}

// A Report contains all results.
type Report struct {
	Command string        // the command that repeats the measurement
	Commit  string        // the commit that was measured
	Machine Machine       // the machine on which it was measured
	Took    string        // duration of the measurement
	Rounds  int           // number of samples of each median
	Cell    time.Duration // how long a cell is measured in each round
	LeftOut []string      // backends that could not be started, with the reason
	Servers []string      // versions of the servers

	Samples map[Cell][]workload.Result // one per round
	Failed  map[Cell]string            // the reason, if a round failed
	Trips   map[Cell]float64           // round trips to the server per request
	Losses  map[Place]workload.Losses  // what concurrent requests lose
	Sizes   map[string]float64         // bytes per session, by library
}

// New returns an empty report.
func New() *Report {
	return &Report{
		Samples: make(map[Cell][]workload.Result), Failed: make(map[Cell]string), Trips: make(map[Cell]float64),
		Losses: make(map[Place]workload.Losses), Sizes: make(map[string]float64),
	}
}

// Add adds the result of a round.
func (r *Report) Add(c Cell, result workload.Result) { r.Samples[c] = append(r.Samples[c], result) }

// Fail records that a cell could not be measured in a round.
func (r *Report) Fail(c Cell, err error) { r.Failed[c], _, _ = strings.Cut(err.Error(), "\n") }

// Median returns the median of a cell's rounds, for each number separately. It returns false if the cell was not measured.
func (r *Report) Median(c Cell) (workload.Result, bool) {
	samples := r.Samples[c]
	if len(samples) == 0 {
		return workload.Result{}, false
	}
	of := func(figure func(workload.Result) float64) float64 {
		figures := make([]float64, len(samples))
		for i, s := range samples {
			figures[i] = figure(s)
		}
		return median(figures)
	}
	return workload.Result{
		CPU:    of(func(s workload.Result) float64 { return s.CPU }),
		Wall:   of(func(s workload.Result) float64 { return s.Wall }),
		Allocs: of(func(s workload.Result) float64 { return s.Allocs }),
		Bytes:  of(func(s workload.Result) float64 { return s.Bytes }),
	}, true
}

func median(figures []float64) float64 {
	slices.Sort(figures)
	n := len(figures)
	return (figures[(n-1)/2] + figures[n/2]) / 2
}

// Best returns the library that needs the least CPU, or "" if none was measured. It ignores libraries that fail.
func (r *Report) Best(c Cell, libraries []string) string {
	measured := slices.DeleteFunc(slices.Clone(libraries), func(name string) bool {
		c.Library = name
		return len(r.Samples[c]) == 0 || r.Failed[c] != ""
	})
	if len(measured) == 0 {
		return ""
	}
	return slices.MinFunc(measured, func(a, b string) int { return cmp.Compare(r.cpu(c, a), r.cpu(c, b)) })
}

func (r *Report) cpu(c Cell, library string) float64 {
	c.Library = library
	m, _ := r.Median(c)
	return m.CPU
}

// split returns the names of this package's ways and of its peers that were measured on a backend in process.
func (r *Report) split(backend string) (ours, peers []string) {
	for _, l := range r.libraries(backend, false) {
		switch {
		case l.Ours:
			ours = append(ours, l.Name)
		case l.Peer():
			peers = append(peers, l.Name)
		}
	}
	return ours, peers
}

// workloads returns those of a backend that were measured.
func (r *Report) workloads(backend string, served bool) []workload.Workload {
	return slices.DeleteFunc(slices.Clone(workload.On(backend)), func(w workload.Workload) bool {
		return !r.any(func(c Cell) bool { return c.Backend == backend && c.Served == served && c.Workload == w.Name })
	})
}

// libraries returns those that were measured on a backend.
func (r *Report) libraries(backend string, served bool) []library.Library {
	return slices.DeleteFunc(library.For(backend), func(l library.Library) bool {
		return !r.any(func(c Cell) bool { return c.Backend == backend && c.Served == served && c.Library == l.Name })
	})
}

func (r *Report) any(of func(Cell) bool) bool {
	for c := range r.Samples {
		if of(c) {
			return true
		}
	}
	for c := range r.Failed {
		if of(c) {
			return true
		}
	}
	return false
}

// Serves reports whether a library is measured behind a server: this package, the floor, and each peer that is the best in
// process in one of the workloads. If no peer was measured in process, all peers are.
func (r *Report) Serves(backend string, l library.Library) bool {
	_, peers := r.split(backend)
	if !l.Peer() || len(peers) == 0 {
		return true
	}
	return slices.ContainsFunc(r.workloads(backend, false), func(w workload.Workload) bool {
		return r.Best(Cell{Backend: backend, Workload: w.Name}, peers) == l.Name
	})
}
