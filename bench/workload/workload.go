package workload

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Workload is a mix of requests.
type Workload struct {
	Name  string // W1 to W8
	Title string // its description in the report
	Kinds []Kind // used in turn
	many  bool   // uses many sessions
	lanes int    // number of concurrent requests
}

// Lanes is the number of concurrent requests in the parallel workloads.
const Lanes = 64

var nineToOne = []Kind{Read, Read, Read, Read, Read, Read, Read, Read, Read, Write}

// Workloads are the workloads of a server-side store.
var Workloads = []Workload{
	{Name: "W1", Title: "read one value", Kinds: []Kind{Read}, lanes: 1},
	{Name: "W2", Title: "read one value and write one", Kinds: []Kind{Write}, lanes: 1},
	{Name: "W3", Title: "no cookie: begin a session, write five values", Kinds: []Kind{Begin}, lanes: 1},
	{Name: "W4", Title: "read all five values", Kinds: []Kind{ReadAll}, lanes: 1},
	{Name: "W7", Title: "in parallel, nine reads to a write, many sessions", Kinds: nineToOne, lanes: Lanes, many: true},
	{Name: "W8", Title: "in parallel, nine reads to a write, one session", Kinds: nineToOne, lanes: Lanes},
}

// ClientSide are the workloads of client-side sessions.
var ClientSide = []Workload{
	{Name: "W5", Title: "read one value", Kinds: []Kind{Read}, lanes: 1},
	{Name: "W6", Title: "read one value and write one", Kinds: []Kind{Write}, lanes: 1},
	Workloads[2],
	Workloads[3],
}

// Alone returns a workload of one kind of request, on many sessions, with as many requests under way at a time as there are
// lanes.
func Alone(kind Kind, lanes int) Workload {
	return Workload{Kinds: []Kind{kind}, lanes: lanes, many: true}
}

// On returns the workloads of a backend.
func On(backend string) []Workload {
	if backend == "cookie" {
		return ClientSide
	}
	return Workloads
}

// InOrder returns workloads in the order of measurement: those that need a large heap come last.
func InOrder(workloads []Workload) []Workload {
	return slices.SortedStableFunc(slices.Values(workloads), func(a, b Workload) int { return a.heap() - b.heap() })
}

func (w Workload) heap() int {
	if w.many {
		return 1
	}
	return 0
}

// Find returns a workload by name.
func Find(name string) (Workload, error) {
	for _, w := range slices.Concat(Workloads, ClientSide) {
		if w.Name == name {
			return w, nil
		}
	}
	return Workload{}, fmt.Errorf("no workload %q", name)
}

// Sessions begins the sessions of the workload and returns their Cookie headers. For W3 it returns one header without a
// session.
func (w Workload) Sessions(app *App, many int) ([]string, error) {
	if w.Kinds[0] == Begin {
		return []string{""}, nil
	}
	if !w.many {
		many = 1
	}
	cookies := make([]string, many)
	return cookies, beginAll(app, many, func(i int, c Client) { cookies[i] = c.Cookies("") })
}

// BeginAll begins n sessions.
func BeginAll(app *App, n int) error { return beginAll(app, n, func(int, Client) {}) }

// beginAll begins n sessions, on all processors.
func beginAll(app *App, n int, begun func(i int, c Client)) error {
	lanes := runtime.GOMAXPROCS(0)
	errs := make([]error, lanes)
	var wg sync.WaitGroup
	for lane := range lanes {
		c := app.NewClient(Op{Kind: Begin})
		wg.Go(func() {
			for i := lane; i < n && errs[lane] == nil; i += lanes {
				if errs[lane] = c.Send(""); errs[lane] == nil {
					begun(i, c)
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Cookie returns the Cookie header of the nth request. It makes sure that each session is both read and written.
func (w Workload) Cookie(cookies []string, n int) string {
	return cookies[(n+n/len(w.Kinds))*31%len(cookies)]
}

// A Result is the average cost of a request.
type Result struct {
	Requests int64   // number of requests
	CPU      float64 // nanoseconds of user and system time of this process, all threads
	Wall     float64 // nanoseconds between two answers
	Allocs   float64
	Bytes    float64
}

// Measure sends requests with the cookies for about d, after a warm-up of half that time.
func (w Workload) Measure(app *App, cookies []string, d time.Duration) (Result, error) {
	r := w.runner(app, cookies)
	if _, err := r.run(time.Now().Add(d/2), 0); err != nil {
		return Result{}, err
	}
	runtime.GC()
	before, begun := Now(), time.Now()
	n, err := r.run(begun.Add(d), 0)
	if err != nil {
		return Result{}, err
	}
	return Now().Since(before, time.Since(begun), n), nil
}

// Send sends n requests with the cookies.
func (w Workload) Send(app *App, cookies []string, n int64) error {
	_, err := w.runner(app, cookies).run(time.Time{}, n)
	return err
}

// A runner sends the requests of a workload.
type runner struct {
	w       Workload
	lanes   []lane
	cookies []string
	step    atomic.Int64 // requests that have been given to lanes
}

// A lane has one request under way at a time.
type lane struct {
	clients []Client // in turn
	next    int
}

func (w Workload) runner(app *App, cookies []string) *runner {
	r := &runner{w: w, cookies: cookies, lanes: make([]lane, w.lanes)}
	for i := range r.lanes {
		of := make(map[Kind]Client)
		for _, kind := range w.Kinds {
			if of[kind] == nil {
				of[kind] = app.NewClient(Op{Kind: kind})
			}
			r.lanes[i].clients = append(r.lanes[i].clients, of[kind])
		}
		r.lanes[i].next = i * 7919 // each lane is at another session and another request of the mix
	}
	return r
}

// run sends requests until the time is over, or n of them if n is not 0, and returns how many it has sent.
func (r *runner) run(until time.Time, n int64) (int64, error) {
	var sent atomic.Int64
	errs := make([]error, len(r.lanes))
	r.step.Store(0)
	var wg sync.WaitGroup
	for i := range r.lanes {
		wg.Go(func() {
			mine, err := r.lane(&r.lanes[i], until, n)
			sent.Add(mine)
			errs[i] = err
		})
	}
	wg.Wait()
	return sent.Load(), errors.Join(errs...)
}

// lane sends requests in batches that grow to about a millisecond, since the clock takes time too.
func (r *runner) lane(l *lane, until time.Time, n int64) (sent int64, err error) {
	batch := int64(1)
	for {
		if n != 0 && r.step.Add(1) > n {
			return sent, nil
		}
		begun := time.Now()
		for range batch {
			l.next++
			cookie := r.w.Cookie(r.cookies, l.next)
			if err := l.clients[l.next%len(l.clients)].Send(cookie); err != nil {
				return sent, err
			}
		}
		sent += batch
		if n == 0 && time.Now().After(until) {
			return sent, nil
		}
		if n == 0 && batch < 1024 && time.Since(begun) < time.Millisecond/2 {
			batch *= 2
		}
	}
}
