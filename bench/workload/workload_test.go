package workload

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// counted returns an application whose requests are counted and allocate one object of 4 kB each.
func counted() (*App, *atomic.Int64) {
	requests := new(atomic.Int64)
	return &App{HTTP: func(Op) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			requests.Add(1)
			sink.Store(new([4096]byte))
		})
	}}, requests
}

var sink atomic.Pointer[[4096]byte]

func TestMeasure(t *testing.T) {
	for _, w := range Workloads {
		app, requests := counted()
		cookies, err := w.Sessions(app, 10)
		if err != nil {
			t.Fatal(err)
		}
		before := requests.Load()
		r, err := w.Measure(app, cookies, 20*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if sent := requests.Load() - before; r.Requests <= 0 || r.Requests > sent {
			t.Errorf("%s: %d requests of %d", w.Name, r.Requests, sent)
		}
		if r.Bytes < 4096 || r.Allocs < 1 || r.CPU <= 0 || r.Wall <= 0 {
			t.Errorf("%s: %+v", w.Name, r)
		}
	}
}

func TestSend(t *testing.T) {
	for _, w := range Workloads {
		app, requests := counted()
		if err := w.Send(app, []string{"a=1"}, 1000); err != nil {
			t.Fatal(err)
		}
		if got := requests.Load(); got != 1000 {
			t.Errorf("%s: %d requests, want 1000", w.Name, got)
		}
	}
}

func TestMeasureFails(t *testing.T) {
	app := &App{HTTP: func(Op) http.Handler { return http.NotFoundHandler() }}
	for _, w := range Workloads {
		if _, err := w.Measure(app, []string{""}, time.Millisecond); err == nil {
			t.Errorf("%s: no error, although each request is answered with 404", w.Name)
		}
	}
}

// TestEachSessionIsWritten checks that the requests that write, one in ten, do not always meet the same sessions.
func TestEachSessionIsWritten(t *testing.T) {
	w, err := Find("W7")
	if err != nil {
		t.Fatal(err)
	}
	for _, sessions := range []int{300, 1000} {
		cookies := make([]string, sessions)
		for i := range cookies {
			cookies[i] = string(rune(i))
		}
		written := make(map[string]bool)
		for n := range 20 * len(w.Kinds) * sessions {
			if w.Kinds[n%len(w.Kinds)] == Write {
				written[w.Cookie(cookies, n)] = true
			}
		}
		if len(written) != sessions {
			t.Errorf("%d of %d sessions are written", len(written), sessions)
		}
	}
}

func TestClientAllocatesNothing(t *testing.T) {
	app := &App{HTTP: func(Op) http.Handler { return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}) }}
	c := app.NewClient(Op{Kind: Read})
	n := testing.AllocsPerRun(100, func() {
		if err := c.Send("a=1"); err != nil {
			t.Fatal(err)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations a request, want 0", n)
	}
}

func TestMerge(t *testing.T) {
	set := []*http.Cookie{{Name: "a", Value: "3"}, {Name: "b", MaxAge: -1}, {Name: "d", Value: "4"}}
	if got, want := merge("a=1; b=2; c=3", set), "a=3; c=3; d=4"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
