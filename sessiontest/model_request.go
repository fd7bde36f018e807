package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// A requestState says what a request does.
type requestState int

const (
	busyState requestState = iota // it runs, or waits behind another request
	waitState                     // it waits for its next call
	callState                     // its call is made
	endState
)

// A request of a play runs in a goroutine of its own, from call to call as the schedule lets it.
type request struct {
	play    *play
	name    string
	node    *session.Manager
	handled bool     // it comes through Handler
	ops     []string // what it does, in order
	gate    chan struct{}
	state   requestState // guarded by play.mu

	session *session.Session
	op      string    // under way
	method  string    // of the call that it waits for
	clock   int       // of its last call
	at      time.Time // when that was made
	calls   int       // of the operation under way
	asked   time.Time // the deadline that the operation has the store keep
	gone    bool      // it was told ErrDestroyed
}

// An event is an operation of a request that is over. It counts as done at the request's last call.
type event struct {
	clock  int
	at     time.Time
	by     *request
	op     string
	change func(values map[string]int) // of a set, an increment or a flush
	err    error
	sid    string // of the request's session, or the one that it was told
	came   string // the sid that the request carried at its start
	isNew  bool
	calls  int
	asked  time.Time
	saw    map[string]int // the values, as the request sees them then
}

// newRequest makes a request at random. A special one does what the scenario is about.
func (p *play) newRequest(i int, special bool) *request {
	q := &request{
		play: p, name: fmt.Sprint("r", i), node: p.nodes[p.rng.IntN(len(p.nodes))], handled: p.oneIn(3), gate: make(chan struct{}),
	}
	some := func() {
		for range p.rng.IntN(4) {
			q.ops = append(q.ops, []string{"set", "set own", "increment", "increment", "flush", "save"}[p.rng.IntN(6)])
		}
	}
	regenerations := []string{"regenerate", "regenerate the request"}
	some()
	switch {
	case p.scenario == "logout" && special || p.oneIn(16):
		q.ops = append(q.ops, "destroy")
	case p.scenario == "regenerate" && special || p.oneIn(8):
		q.ops = append(q.ops, regenerations[p.rng.IntN(2)])
		some()
	}
	q.ops = append(q.ops, "save")
	return q
}

// wait waits for the schedule to make the request's next call.
func (q *request) wait(method string) {
	p := q.play
	p.mu.Lock()
	q.method, q.state = method, waitState
	p.mu.Unlock()
	<-q.gate
	q.at = time.Now()
}

// proceed lets the request make its call.
func (q *request) proceed() {
	p := q.play
	p.mu.Lock()
	p.clock++
	q.clock, q.state = p.clock, callState
	p.mu.Unlock()
	q.gate <- struct{}{}
}

func (q *request) became(s requestState) {
	q.play.mu.Lock()
	defer q.play.mu.Unlock()
	q.state = s
}

// run is the whole request.
func (q *request) run() {
	defer q.became(endState)
	p := q.play
	q.wait("")
	p.mu.Lock()
	b := with(p.jar)
	q.state = busyState
	p.mu.Unlock()
	w := httptest.NewRecorder()
	r := b.request().WithContext(context.WithValue(context.Background(), requestKey{}, q))
	if q.handled {
		q.node.Handler(http.HandlerFunc(q.serve)).ServeHTTP(w, r)
	} else {
		q.serve(w, r)
	}
	q.respond(b, w.Header())
}

func (q *request) serve(w http.ResponseWriter, r *http.Request) {
	came := cookieOf(r)
	s, err := q.node.Start(w, r)
	if q.session = s; err != nil {
		q.play.problem("%s: Start = %v", q.name, err)
		return
	}
	q.play.note("     %s comes with %s", q.name, q.play.sidLabel(came))
	q.done(event{op: "start", came: came, sid: s.SessionID(r.Context()), isNew: s.IsNew()})
	for i, op := range q.ops {
		q.do(op, i, w, r)
	}
}

// do does one operation. value is a number that no other operation of the play has.
func (q *request) do(op string, i int, w http.ResponseWriter, r *http.Request) {
	ctx, s, e := r.Context(), q.session, event{op: op}
	q.play.mu.Lock()
	q.op = op
	q.play.mu.Unlock()
	switch op {
	case "set", "set own":
		key, value := "all", 1000+len(q.play.requests)*i+int(q.name[1]-'0')
		if op == "set own" {
			key = q.name
		}
		e.err = s.Set(ctx, key, value)
		e.change = func(values map[string]int) { values[key] = value }
	case "increment":
		_, e.err = s.Increment(ctx, "n", 1)
		e.change = func(values map[string]int) { values["n"]++ }
	case "flush":
		e.err = s.Flush(ctx)
		e.change = func(values map[string]int) { clear(values) }
	case "save":
		e.err = s.Save(ctx)
	case "regenerate":
		e.err = s.Regenerate(ctx)
	case "regenerate the request":
		if q.gone {
			return
		}
		var next *session.Session
		if next, e.err = q.node.Regenerate(w, r); q.handled {
			e.op = "regenerate" // there is one Session
		} else if next != nil {
			e.sid, e.isNew = next.SessionID(ctx), next.IsNew()
		}
	case "destroy":
		if q.gone {
			return
		}
		e.err = q.node.Destroy(w, r)
	}
	if e.op != "regenerate the request" {
		e.sid, e.isNew = s.SessionID(ctx), s.IsNew()
	}
	q.gone = q.gone || errors.Is(e.err, session.ErrDestroyed)
	q.done(e)
}

// keys are those that the request changes: some others change too, and one of its own.
func (q *request) keys() []string { return []string{"all", "n", q.name} }

// done notes an operation.
func (q *request) done(e event) {
	p := q.play
	if q.session != nil {
		e.saw = make(map[string]int)
		for _, key := range q.keys() {
			switch v := q.session.Get(context.Background(), key).(type) {
			case int:
				e.saw[key] = v
			case int64: // a counter that began with an Increment
				e.saw[key] = int(v)
			case nil:
			default:
				p.problem("%s: the value of %s is a %T", q.name, key, v)
			}
		}
	}
	p.note("     %s %s: %s, sid %s", q.name, e.op, outcome{e.err}, p.sidLabel(e.sid))
	e.by, e.clock, e.at, e.calls, e.asked = q, q.clock, q.at, q.calls, q.asked
	q.calls, q.asked = 0, time.Time{}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, e)
}

// respond hands the response to the browser.
func (q *request) respond(b *browser, h http.Header) {
	b.take(h)
	e := event{op: "respond", sid: b.value()}
	switch {
	case len(h["Set-Cookie"]) == 0:
		e.op, e.sid = "respond without a cookie", ""
	case b.cookie == "":
		e.op = "respond with a deletion"
	}
	q.done(e)
	if len(h["Set-Cookie"]) > 0 {
		q.play.mu.Lock()
		q.play.jar = b.value()
		q.play.mu.Unlock()
	}
}

// cookieOf returns the sid that a request carries.
func cookieOf(r *http.Request) string {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return ""
	}
	return c.Value
}
