// Package report turns what was measured into docs/performance.md.
package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/bench/library"
	"github.com/seed1a8f7c28/session/bench/workload"
)

// A Cell is what one process measures at a time.
type Cell struct {
	Backend, Workload, Library string // by name

	Served bool // behind a server, else in process
}

// String is the name that BENCH= chooses by.
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

// A Report is all that was measured.
type Report struct {
	Command string        // that measures it again
	Machine Machine       // that it was measured on
	Took    string        // how long that took
	Rounds  int           // that each median is of
	Cell    time.Duration // how long a cell is measured in a round
	LeftOut []string      // backends that could not be started, and why
	Servers []string      // versions

	Samples map[Cell][]workload.Result // one a round
	Failed  map[Cell]string            // why, in one round at least
	Trips   map[Cell]float64           // round trips to the server, a request
	Losses  map[Place]workload.Losses  // what concurrent requests lose
	Sizes   map[string]float64         // bytes a session, by library
}

// New returns a report without figures.
func New() *Report {
	return &Report{
		Samples: make(map[Cell][]workload.Result), Failed: make(map[Cell]string), Trips: make(map[Cell]float64),
		Losses: make(map[Place]workload.Losses), Sizes: make(map[string]float64),
	}
}

// Add adds the figures of a round.
func (r *Report) Add(c Cell, result workload.Result) { r.Samples[c] = append(r.Samples[c], result) }

// Fail says that a cell could not be measured in a round.
func (r *Report) Fail(c Cell, err error) { r.Failed[c], _, _ = strings.Cut(err.Error(), "\n") }

// Median returns the median of a cell's rounds, each figure for itself, and false if it was not measured.
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

// Best returns which of the libraries needs the least CPU, "" if none was measured. Those that fail are left out.
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

// Serves says whether a library is measured behind a server: this package, the floor, and whichever peer is the best
// in process in one of the workloads; all peers, if none was measured in process.
func (r *Report) Serves(backend string, l library.Library) bool {
	_, peers := r.split(backend)
	if !l.Peer() || len(peers) == 0 {
		return true
	}
	return slices.ContainsFunc(r.workloads(backend, false), func(w workload.Workload) bool {
		return r.Best(Cell{Backend: backend, Workload: w.Name}, peers) == l.Name
	})
}
