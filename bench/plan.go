package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session/bench/library"
	"github.com/seed1a8f7c28/session/bench/process"
	"github.com/seed1a8f7c28/session/bench/report"
	"github.com/seed1a8f7c28/session/bench/servers"
	"github.com/seed1a8f7c28/session/bench/workload"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// A plan measures the selected cells.
type plan struct {
	which   *regexp.Regexp
	rounds  int
	cell    time.Duration
	host    *servers.Host
	servers map[string]*servers.Server
	report  *report.Report
}

func newPlan(which *regexp.Regexp, rounds int, cell time.Duration) *plan {
	p := &plan{
		which: which, rounds: rounds, cell: cell, host: new(servers.Host), servers: make(map[string]*servers.Server),
		report: report.New(),
	}
	p.report.Machine, p.report.Commit = report.ThisMachine(), report.ThisCommit()
	p.report.Command = "`make bench-peers`"
	p.report.Rounds = rounds
	p.report.Cell = cell
	return p
}

func (p *plan) run() error {
	begun := time.Now()
	err := p.all()
	p.report.Took = time.Since(begun).Round(time.Second).String()
	return errors.Join(err, p.host.Close())
}

func (p *plan) all() error {
	if err := p.startServers(); err != nil {
		return err
	}
	if err := p.once(); err != nil {
		return err
	}
	if err := p.inRounds("in process", p.inProcess); err != nil {
		return err
	}
	return p.inRounds("behind a server", p.served)
}

// startServers starts the servers that the selected cells need. If a backend is not available, it is left out and the
// report says so.
func (p *plan) startServers() error {
	for _, backend := range library.Backends {
		if !p.needs(backend) {
			continue
		}
		skipped, err := p.host.Try(func() { p.servers[backend] = servers.Start(p.host, backend) })
		if err != nil {
			return fmt.Errorf("%s: %w", backend, err)
		}
		if skipped != "" {
			delete(p.servers, backend)
			p.report.LeftOut = append(p.report.LeftOut, backend+": "+skipped)
			p.say("%s: %s", backend, skipped)
			continue
		}
		if version := p.servers[backend].Version; version != "" {
			p.report.Servers = append(p.report.Servers, version)
		}
	}
	return nil
}

// needs reports whether any cell of the backend was selected.
func (p *plan) needs(backend string) bool {
	return slices.ContainsFunc(library.For(backend), func(l library.Library) bool {
		return p.chosen(backend, "losses", l) || p.chosen(backend, "size", l) || len(p.workloads(backend, l, false)) > 0 ||
			len(p.workloads(backend, l, true)) > 0
	})
}

// chosen reports whether a measurement other than a workload was selected.
func (p *plan) chosen(backend, what string, l library.Library) bool {
	return p.which.MatchString(backend + "/" + what + "/" + l.Name)
}

// workloads returns the selected workloads.
func (p *plan) workloads(backend string, l library.Library, served bool) []workload.Workload {
	var chosen []workload.Workload
	for _, w := range workload.On(backend) {
		if p.which.MatchString(cell(backend, w, l, served).String()) {
			chosen = append(chosen, w)
		}
	}
	return workload.InOrder(chosen)
}

func cell(backend string, w workload.Workload, l library.Library, served bool) report.Cell {
	return report.Cell{Backend: backend, Workload: w.Name, Library: l.Name, Served: served}
}

// inRounds calls measure for each library on each backend, in a new random order in each round.
func (p *plan) inRounds(title string, measure func(backend string, l library.Library) error) error {
	for round := range p.rounds {
		for _, backend := range library.Backends {
			if p.servers[backend] == nil {
				continue
			}
			begun := time.Now()
			libraries := library.For(backend)
			rand.Shuffle(len(libraries), func(i, j int) { libraries[i], libraries[j] = libraries[j], libraries[i] })
			for _, l := range libraries {
				if err := measure(backend, l); err != nil {
					return err
				}
			}
			p.say("%s: round %d of %d, %s: %v", title, round+1, p.rounds, backend, time.Since(begun).Round(time.Second/10))
		}
	}
	return nil
}

func (p *plan) inProcess(backend string, l library.Library) error {
	return p.measure(backend, l, false, func(proc *process.Process, w workload.Workload) (r workload.Result, err error) {
		err = proc.Ask(process.Request{Do: process.Measure, Workload: w.Name, For: p.cell}, &r)
		return r, err
	})
}

// served measures the libraries for which the report has results behind a server.
func (p *plan) served(backend string, l library.Library) error {
	if !p.report.Serves(backend, l) {
		return nil
	}
	return p.measure(backend, l, true, func(proc *process.Process, w workload.Workload) (workload.Result, error) {
		return proc.Served(w, p.cell)
	})
}

// measure adds the results of a round to the report. If a peer fails, that is recorded as a result, and the rest of its
// round is left out.
func (p *plan) measure(
	backend string, l library.Library, served bool,
	one func(*process.Process, workload.Workload) (workload.Result, error),
) error {
	chosen := p.workloads(backend, l, served)
	if len(chosen) == 0 {
		return nil
	}
	failed := false
	err := p.with(backend, l, nil, func(proc *process.Process) error {
		for _, w := range chosen {
			r, err := one(proc, w)
			if err != nil {
				failed = true
				p.report.Fail(cell(backend, w, l, served), err)
				return fmt.Errorf("%s: %w", w.Name, err)
			}
			p.report.Add(cell(backend, w, l, served), r)
		}
		return nil
	})
	if failed && l.Peer() {
		p.say("%v", err)
		return nil
	}
	return err
}

// with runs a process of the library on its own target, behind the proxy if there is one.
func (p *plan) with(backend string, l library.Library, proxy *servertest.Proxy, f func(*process.Process) error) error {
	server := p.servers[backend]
	target, err := server.Fresh()
	if err != nil {
		return err
	}
	place := process.Place{Library: l.Name, Backend: backend, Target: target}
	if proxy != nil {
		place.Target = server.Via(proxy.Addr, target)
	}
	proc, err := process.Start(place)
	if err != nil {
		return err
	}
	if err = f(proc); err != nil {
		err = fmt.Errorf("%s on %s: %w", l.Name, backend, err)
	}
	return errors.Join(err, proc.Close(), server.Drop(target))
}

func (p *plan) say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
