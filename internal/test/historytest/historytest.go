// Package historytest lets clients use every operation of sessions, at random and concurrently, and checks the histories of
// their calls against the contract, for any store:
//
//   - no change that was acknowledged is lost, and none that was refused is made;
//   - increments and updates are exact: each is made once;
//   - nothing comes back from the dead: no session that has ended, no value that was removed or replaced;
//   - a request whose sid was replaced gets no other session;
//   - a session that nobody has ended is found, until its deadline and not after it;
//   - nobody sees another's values, or another user;
//   - no user has more sessions than the limit, and no login ends a session that it need not end.
//
// Eight clients work on three nodes with eight visitors, like tabs of eight browsers:
//
//	historytest.Run(t, historytest.Setup{Open: open, Fault: faulttest.Crash(t, server)})
//
// A value contains its session, the client and the request that wrote it, so every reader knows the writer. That makes
// histories cheap to check: the checker need not search for an order of the calls.
//
// A failure shows the rule and the shortest part of the history that breaks it, one call a line:
//
//	a key has the value of its last save: k1 of session b3 was b3/c2.17.1 throughout, and b3/c5.9.1 in between
//	    412.30 –  413.02 ms  c2 on n1  b3.1  save: set k1=b3/c2.17.1   acknowledged, k1=b3/c2.17.1
//	    415.10 –  415.21 ms  c5 on n3  b3.1  save: set k1=b3/c5.9.1    acknowledged, k1=b3/c5.9.1
//	    420.77 –  420.90 ms  c1 on n2  b3.1  start                     found, k1=b3/c2.17.1
//
// The times count from the first call. Session b3 is the third session of visitor b, and b3.1 is that session under its
// first sid; Regenerate and Login replace the sid. c2.17.1 is the first change of request 17 of client 2. Calls that
// overlap in time may have been made in either order. A call whose outcome is unclear may take effect at any time after it
// began, or never.
//
// The seed decides what clients do, not how fast they are: the same seed makes a similar run, not the same run.
package historytest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
)

// A Setup describes the store under test. Only Open is required.
type Setup struct {
	// Open returns one more node: a manager over the store. It must pass opts on.
	Open func(opts ...session.ManagerConfigOpt) (*session.Manager, error)

	// Fault breaks and mends the store while the clients work. Calls may then fail.
	Fault faulttest.Fault

	// Fails says that calls may fail without a Fault.
	Fails bool

	// NoMarks says that the engine keeps no marks, so a request with a replaced sid gets another session.
	NoMarks bool

	// CountsTwice says that a session is counted twice while it gets a new sid. A concurrent login may then end one session
	// too many, or be refused.
	CountsTwice bool

	// ShowsUnflushed says that others see a change before the server has made it durable. A crash can then undo a change
	// that was visible but not yet acknowledged.
	ShowsUnflushed bool

	// HoldsPlaces is how long a session that has ended may still count, if the answer to the call that ended it was lost.
	HoldsPlaces time.Duration

	// Duration is how long the clients work. 0 means 15s. In the long form it means three minutes, or one minute with a
	// Fault, because an engine has up to ten faults. The clients continue until they have sent Requests requests.
	Duration time.Duration
	Requests int

	// Seed decides what the clients do. 0 means a different seed for each run.
	Seed uint64
}

const (
	clients    = 8
	nodes      = 3
	maxPerUser = 2
	maxBytes   = 16 << 10
	shown      = 5    // violations
	overlap    = 20   // percent of the operations that overlap others, at least
	enough     = 1000 // operations; of fewer the share is chance
)

// users are the users who log in.
var users = []string{"ann", "bob", "cid"}

// Run lets clients work with sessions, checks their histories, and logs and returns a summary.
func Run(t testing.TB, s Setup) Result {
	t.Helper()
	r := &run{t: t, Setup: s, started: time.Now(), history: newHistory()}
	if r.Seed == 0 {
		r.Seed = rand.Uint64()
	}
	if r.Duration == 0 {
		switch r.Duration = 15 * time.Second; {
		case faulttest.Long() && r.Fault == nil:
			r.Duration = 3 * time.Minute
		case faulttest.Long():
			r.Duration = time.Minute
		}
	}
	defer r.close()
	if err := r.open(); err != nil {
		t.Errorf("opening a node: %v", err)
		return Result{}
	}
	r.work()
	r.lookAgain()
	r.close()
	return r.judge()
}

// A run is one call of Run.
type run struct {
	Setup
	t       testing.TB
	started time.Time
	able    abilities
	nodes   []*session.Manager
	closing sync.Once

	visitors []*visitor
	history  *history

	mu     sync.Mutex
	round  *faulttest.Round // while the store fails
	errors map[string]int   // of calls, without a fault
}

// abilities are the optional features of an engine.
type abilities struct {
	sealed bool // clients keep the sessions
	users  bool // a user's sessions can be listed and limited
}

// open opens the nodes, and finds out which features they have. The store works then, but on a busy machine opTimeout may
// pass before it has answered.
func (r *run) open() error {
	r.able.users = true
	patience := time.Now().Add(time.Minute)
	for len(r.nodes) < nodes {
		m, err := r.Open(r.opts()...)
		if errors.Is(err, context.DeadlineExceeded) && time.Now().Before(patience) {
			continue
		}
		if errors.Is(err, errors.ErrUnsupported) && r.able.users {
			r.able.users = false
			r.t.Log("left out: the engine keeps no list of a user's sessions, so there is no limit and no DestroyUser")
			continue
		}
		if err != nil {
			return err
		}
		r.nodes = append(r.nodes, m)
	}
	if _, err := r.nodes[0].GetSessionStore(""); errors.Is(err, errors.ErrUnsupported) {
		r.able.sealed = true
		r.t.Log("left out: sessions are in the clients, so there is no merging, and no session is ended by others or for good")
	}
	for _, name := range "abcdefgh" {
		r.visitors = append(r.visitors, &visitor{name: string(name), mortal: name >= 'e'})
	}
	return nil
}

// opts returns the options of the next node. The last node refuses logins for which the others make room.
func (r *run) opts() []session.ManagerConfigOpt {
	opts := []session.ManagerConfigOpt{
		session.CfgLogger(slog.New(slog.DiscardHandler)), session.CfgMaxBytes(maxBytes), session.CfgOpTimeout(r.opTimeout()),
	}
	if r.able.users {
		opts = append(opts, session.CfgMaxPerUser(maxPerUser), session.CfgOnDestroy(evicted))
		if len(r.nodes) == nodes-1 {
			opts = append(opts, session.CfgOnLimit("refuse"))
		}
	}
	return opts
}

// opTimeout returns a long time if only the machine can make a call slow.
func (r *run) opTimeout() time.Duration {
	if r.Fault == nil {
		return 20 * time.Second
	}
	return 2 * time.Second
}

// evicted records which session a login has ended, in the event that its context carries.
func evicted(ctx context.Context, e session.Event) {
	if by, ok := ctx.Value(eventKey{}).(*event); ok && e.Reason == session.ReasonLimit {
		by.evicted = append(by.evicted, e.ID)
	}
}

// work starts the clients and the fault.
func (r *run) work() {
	stop := make(chan struct{})
	var working sync.WaitGroup
	for i := range clients {
		c := &client{run: r, number: i + 1, rng: rand.New(rand.NewPCG(r.Seed, uint64(i)))}
		working.Go(func() { c.loop(stop) })
	}
	end := time.Now().Add(r.Duration)
	for r.Fault != nil && time.Until(end) > r.Duration/3 && !r.t.Failed() {
		time.Sleep(r.Duration / 10)
		r.fail()
	}
	for time.Now().Before(end) || r.history.requests() < r.Requests {
		time.Sleep(10 * time.Millisecond)
	}
	close(stop)
	working.Wait()
}

// fail makes the store fail once. The clients continue for a while after that.
func (r *run) fail() {
	round := faulttest.NewRound(r.t)
	r.mu.Lock()
	r.round = round
	r.mu.Unlock()
	r.Fault(round)
	r.mu.Lock()
	r.round = nil
	r.mu.Unlock()
}

// answered records how a request has ended.
func (r *run) answered(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.round != nil {
		r.round.Ended(err)
	}
	if err != nil && r.Fault == nil && !r.Fails {
		if r.errors == nil {
			r.errors = make(map[string]int)
		}
		r.errors[err.Error()]++
	}
}

// close closes the nodes, once.
func (r *run) close() {
	r.closing.Do(func() {
		for _, m := range r.nodes {
			if err := m.Close(); err != nil {
				r.t.Errorf("Close: %v", err)
			}
		}
	})
}

// judge checks the history.
func (r *run) judge() Result {
	r.t.Helper()
	h := r.history
	found := check(h, r)
	for i, v := range found {
		if i < shown {
			r.t.Errorf("seed %d: %s", r.Seed, v)
		}
	}
	if len(found) > shown {
		r.t.Errorf("there are %d more such faults", len(found)-shown)
	}
	for text, n := range r.errors {
		r.t.Errorf("%d calls have failed: %s", n, text)
	}
	result := h.result(r)
	result.Faults = found
	r.t.Logf("seed %d, %v: %v", r.Seed, time.Since(r.started).Round(time.Second), result)
	if result.Operations >= enough && result.Overlapping*100 < result.Operations*overlap {
		r.t.Errorf("%d of %d operations overlap another one of the same session, want %d %%",
			result.Overlapping, result.Operations, overlap)
	}
	return result
}

// A Result summarizes a run.
type Result struct {
	Requests    int            // sent by clients
	Operations  int            // calls, and changes made by saves
	Kinds       map[string]int // number of operations by kind
	Overlapping int            // operations during which another client used the same session
	Acked       int            // calls that were acknowledged
	Refused     int            // calls that failed and changed nothing
	Unclear     int            // calls that failed and may have changed something
	Ended       int            // sessions that have ended
	Faults      []Violation
}

// String returns all numbers in one line.
func (r Result) String() string {
	return fmt.Sprintf("%d requests, %d operations (%s); %d of them (%d %%) overlap another client's on the same session; "+
		"calls: %d acknowledged, %d refused, %d unclear; %d sessions ended",
		r.Requests, r.Operations, counted(r.Kinds), r.Overlapping, r.Overlapping*100/max(r.Operations, 1),
		r.Acked, r.Refused, r.Unclear, r.Ended)
}
