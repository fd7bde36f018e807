package process_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/bench/process"
	"github.com/seed1a8f7c28/session/bench/workload"
)

// TestMain makes the test binary the process of a library when it is started as one.
func TestMain(m *testing.M) {
	if os.Getenv(process.Env) == "" {
		m.Run()
		return
	}
	if err := process.Child(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// start starts a process, and ends it with t.
func start(t *testing.T, library string) *process.Process {
	t.Helper()
	p, err := process.Start(process.Place{Library: library, Backend: "memory"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestAsk(t *testing.T) {
	p := start(t, "session Start")
	var r workload.Result
	if err := p.Ask(process.Request{Do: process.Measure, Workload: "W2", For: time.Millisecond}, &r); err != nil {
		t.Fatal(err)
	}
	if r.Requests == 0 || r.CPU <= 0 || r.Allocs < 1 {
		t.Errorf("got %+v", r)
	}
	var l workload.Losses
	if err := p.Ask(process.Request{Do: process.Lose}, &l); err != nil {
		t.Fatal(err)
	}
	if want := (workload.Losses{Kept: workload.Writers, Undone: workload.Nothing}); l != want {
		t.Errorf("got %+v, want %+v", l, want)
	}
	var bytes float64
	if err := p.Ask(process.Request{Do: process.Size, N: 10_000}, &bytes); err != nil {
		t.Fatal(err)
	}
	if bytes < 100 || bytes > 2000 { // the values alone take more than 100
		t.Errorf("%v bytes a session", bytes)
	}
	if err := p.Ask(process.Request{Do: "nothing", Workload: "W1"}, nil); err == nil || !strings.Contains(err.Error(), "no request") {
		t.Errorf("got %v", err)
	}
}

func TestServed(t *testing.T) {
	for _, library := range []string{"session mw", "floor on fasthttp"} {
		p := start(t, library)
		for _, name := range []string{"W1", "W3"} {
			w, err := workload.Find(name)
			if err != nil {
				t.Fatal(err)
			}
			r, err := p.Served(w, time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			if r.Requests < process.Conns || r.CPU <= 0 {
				t.Errorf("%s, %s: %+v", library, name, r)
			}
		}
	}
}

func TestStartFails(t *testing.T) {
	if _, err := process.Start(process.Place{Library: "none", Backend: "memory"}); err == nil || !strings.Contains(err.Error(), `no library "none"`) {
		t.Errorf("got %v", err)
	}
	if _, err := process.Start(process.Place{Library: "scs", Backend: "sqlite"}); err == nil || !strings.Contains(err.Error(), `no backend "sqlite"`) {
		t.Errorf("got %v", err)
	}
}
