package main

import (
	"time"

	"github.com/seed1a8f7c28/session/bench/library"
	"github.com/seed1a8f7c28/session/bench/process"
	"github.com/seed1a8f7c28/session/bench/report"
	"github.com/seed1a8f7c28/session/bench/workload"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// once measures what does not need several rounds: what is lost, how large a session is, and how many round trips a request
// takes.
func (p *plan) once() error {
	for _, backend := range library.Backends {
		server := p.servers[backend]
		if server == nil {
			continue
		}
		begun := time.Now()
		for _, l := range library.For(backend) {
			if err := p.aside(backend, l); err != nil {
				return err
			}
			if server.Addr() == "" {
				continue
			}
			if err := p.trips(backend, l); err != nil {
				return err
			}
		}
		p.say("losses, sizes, round trips: %s: %v", backend, time.Since(begun).Round(time.Second/10))
	}
	return nil
}

func (p *plan) aside(backend string, l library.Library) error {
	if l.Module != "" && p.chosen(backend, "losses", l) {
		err := p.with(backend, l, nil, func(proc *process.Process) error {
			var losses workload.Losses
			err := proc.Ask(process.Request{Do: process.Lose}, &losses)
			p.report.Losses[report.Place{Backend: backend, Library: l.Name}] = losses
			return err
		})
		if err != nil {
			return err
		}
	}
	if backend == "memory" && p.chosen(backend, "size", l) {
		return p.with(backend, l, nil, func(proc *process.Process) error {
			var size float64
			err := proc.Ask(process.Request{Do: process.Size, N: report.Sized}, &size)
			p.report.Sizes[l.Name] = size
			return err
		})
	}
	return nil
}

// trips counts the turns between client and server in requests that are not timed.
func (p *plan) trips(backend string, l library.Library) error {
	chosen := p.workloads(backend, l, false)
	if len(chosen) == 0 {
		return nil
	}
	var proxy *servertest.Proxy
	if _, err := p.host.Try(func() { proxy = servertest.NewProxy(p.host, p.servers[backend].Addr()) }); err != nil {
		return err
	}
	return p.with(backend, l, proxy, func(proc *process.Process) error {
		for _, w := range chosen {
			const warm, counted = workload.Lanes, 100
			if err := proc.Ask(process.Request{Do: process.Send, Workload: w.Name, N: warm}, nil); err != nil {
				return err
			}
			proxy.ResetTrips()
			if err := proc.Ask(process.Request{Do: process.Send, Workload: w.Name, N: counted}, nil); err != nil {
				return err
			}
			p.report.Trips[cell(backend, w, l, false)] = float64(proxy.Trips()) / counted
		}
		return nil
	})
}
