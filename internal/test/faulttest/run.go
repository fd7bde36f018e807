// Package faulttest lets clients use sessions while their store fails, and checks these rules for any store:
//
//   - no save that was acknowledged is lost, and none is made twice;
//   - a visitor with a live cookie is given no other, whatever fails;
//   - each call is answered within opTimeout;
//   - a client that hangs up does not lose its save;
//   - a session whose destruction was acknowledged stays ended;
//   - all clients are served again soon after the store is well;
//   - nothing is left of the managers after Close.
//
// The caller makes the store fail:
//
//	faulttest.Run(t, faulttest.Setup{Open: open, Fails: faulttest.Some}, func(r *faulttest.Round) {
//		r.Broken()
//		server.Kill(t)
//		server.Start(t)
//		r.Mended()
//	})
package faulttest

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/goroutines"
)

// A Setup describes what fails and which results are allowed. Only Open is required.
type Setup struct {
	// Open returns one more node: a manager over the store that will fail. It must pass opts on.
	Open func(opts ...session.ManagerConfigOpt) (*session.Manager, error)

	// OpTimeout is the managers' opTimeout. 0 means 5s, or 2s in the short form.
	OpTimeout time.Duration

	// Refused reports whether the error of a save proves that the store has not made it and never will. Nil means that no
	// error does, so each failed save may have been made.
	Refused func(err error) bool

	// Fails says whether requests must or may fail during the fault.
	Fails Fails

	// Loses is for stores that may lose acknowledged changes in this fault. Losses are then counted instead of reported as
	// errors, if they happen once a round and nothing is lost after that.
	Loses bool

	// Recovery is the maximum time from Mended to the last client's first success. 0 means 10s: enough for a running call
	// and the next one on a busy machine.
	Recovery time.Duration

	// Rounds is how often the store fails in the long form; 0 means five times. In the short form it fails once.
	Rounds int
}

// Fails says whether requests fail during a fault.
type Fails int

const (
	Maybe Fails = iota // any number of requests may fail
	Some               // at least one must fail, otherwise there was no fault
	None               // no request may fail
)

// Long reports whether SESSION_SOAK asks for the long form of tests.
func Long() bool { return os.Getenv("SESSION_SOAK") != "" }

// clients is the number of clients. Each has one session of its own, and they have shared sessions in common.
const (
	clients = 16
	shared  = 4
)

// A Result contains what the clients have seen.
type Result struct {
	Acked   int // saves that were acknowledged
	Refused int // saves that failed and certainly were not made
	Unclear int // saves that failed and may have been made
	Failed  int // requests whose session could not be loaded
	Ended   int // sessions that were begun and destroyed
	Lost    int // acknowledged saves that are gone

	// LostOver is the time from the first of these saves to the last. It is the maximum of all rounds.
	LostOver time.Duration

	// First and Last are when the first and the last of the sessions that could not be used could be used again, counted
	// from Broken. AfterMended is Last counted from Mended. Each is the maximum of all rounds.
	First, Last, AfterMended time.Duration

	Outage time.Duration // from Broken to Mended, the maximum

	Slowest time.Duration // the longest duration of a call
	Slack   time.Duration // how much longer than opTimeout a call could take on a machine this busy
}

// String returns all numbers in one line.
func (r Result) String() string {
	return fmt.Sprintf("saves: %d acknowledged, %d refused, %d unclear, %d lost (over %v); %d loads failed; %d sessions ended; "+
		"mended after %v, served again after %v to %v, the last %v after it was mended; slowest call %v (slack %v)",
		r.Acked, r.Refused, r.Unclear, r.Lost, ms(r.LostOver), r.Failed, r.Ended,
		ms(r.Outage), ms(r.First), ms(r.Last), ms(r.AfterMended), ms(r.Slowest), ms(r.Slack))
}

func ms(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// Run lets 16 clients use 20 sessions on two nodes, some alone and some shared. Meanwhile it calls fault, which breaks and
// mends the store. It logs and returns what the clients have seen.
func Run(t testing.TB, s Setup, fault func(r *Round)) Result {
	t.Helper()
	rounds := 1
	if Long() {
		if rounds = s.Rounds; rounds == 0 {
			rounds = 5
		}
	}
	if s.OpTimeout == 0 {
		s.OpTimeout = 5 * time.Second
		if !Long() {
			s.OpTimeout = 2 * time.Second
		}
	}
	if s.Recovery == 0 {
		s.Recovery = 10 * time.Second
	}
	r := &run{t: t, Setup: s, stop: make(chan struct{})}
	r.pulse = startPulse()
	defer r.end() // if fault has ended the test
	family := goroutines.NewFamily()
	family.Do(r.begin)
	if !t.Failed() {
		for rounds > 0 && r.once(fault) {
			rounds--
		}
	}
	r.rest()
	family.Do(r.compare)
	family.Do(r.end)
	family.Gone(t)
	result := r.result()
	t.Log(result)
	return result
}

// A run is one call of Run.
type run struct {
	Setup
	t        testing.TB
	nodes    []*session.Manager
	sessions []*visited
	clients  []*client
	pulse    *pulse
	resting  sync.Once
	vain     bool // eventually has waited for the store without success

	stop    chan struct{} // closed when the clients must end
	working sync.WaitGroup

	mu     sync.Mutex
	round  *Round
	rounds int
	seen   Result
	ended  []string // sids of sessions that were destroyed
	told   map[string]int
}

// A Round is one failure of the store.
type Round struct {
	run    *run
	number int

	// Guarded by the run:
	broken, mended time.Time
	answers        int // number of requests that have ended since Broken
	failures       int // number of those that have failed

	lostFirst, lostLast time.Time // when the first and the last of the lost saves were acknowledged
}

// NewRound returns a round for clients other than those of [Run]. They must report the end of each request with Ended.
func NewRound(t testing.TB) *Round {
	r := &run{t: t}
	r.round = &Round{run: r, number: 1, broken: time.Now()}
	return r.round
}

// Ended records how a request has ended.
func (r *Round) Ended(err error) { r.run.note(nil, time.Time{}, err) }

// Broken records that the store fails from now on.
func (r *Round) Broken() {
	r.run.mu.Lock()
	defer r.run.mu.Unlock()
	r.broken, r.answers, r.failures = time.Now(), 0, 0
}

// Mended records that the store can be used again. If fault does not call it, it is called after fault has returned.
func (r *Round) Mended() {
	r.run.mu.Lock()
	defer r.run.mu.Unlock()
	if r.mended.IsZero() {
		r.mended = time.Now()
	}
}

// Answers waits until n requests have ended, successfully or not, since the round began or Broken was called.
func (r *Round) Answers(n int) {
	r.run.until("requests to end", aMinute, func() bool { return r.answers >= n })
}

// Failures waits until n requests have failed since then.
func (r *Round) Failures(n int) {
	r.run.until("requests to fail", aMinute, func() bool { return r.failures >= n })
}

func aMinute() time.Duration { return time.Minute }

// until waits for a condition that mu guards. limit may grow while it waits.
func (r *run) until(what string, limit func() time.Duration, done func() bool) bool {
	r.t.Helper()
	for begun := time.Now(); ; time.Sleep(beat) {
		r.mu.Lock()
		is := done()
		r.mu.Unlock()
		most := limit()
		switch {
		case is:
			return true
		case time.Since(begun) > most:
			r.errorf("waited %v for %s", most, what)
			return false
		}
	}
}

// errorf fails the test. It reports the same failure of many requests only a few times.
func (r *run) errorf(format string, args ...any) {
	r.t.Helper()
	r.mu.Lock()
	if r.told == nil {
		r.told = make(map[string]int)
	}
	r.told[format]++
	n := r.told[format]
	r.mu.Unlock()
	if n <= 3 {
		r.t.Errorf(format, args...)
	}
}

// once runs one round: the clients work, the store fails, the clients are served again. It returns false if they are not
// served.
func (r *run) once(fault func(r *Round)) bool {
	r.t.Helper()
	r.mu.Lock()
	round := &Round{run: r, number: r.rounds + 1, broken: time.Now()}
	r.round, r.rounds = round, round.number
	r.mu.Unlock()
	r.more(2, "before the fault")
	fault(round)
	round.Mended()
	after := func(n *count) bool { return n.servedLast.After(round.mended) }
	if !r.each("after the fault", func() time.Duration { return r.Recovery + r.slack() }, after) {
		return false
	}
	r.more(2, "once more")
	r.mu.Lock()
	failures := round.failures
	r.seen.recovered(round, r.counts())
	r.mu.Unlock()
	switch {
	case r.Fails == Some && failures == 0:
		r.errorf("no request has failed: there was no fault")
	case r.Fails == None && failures > 0:
		r.errorf("%d requests have failed", failures)
	}
	return true
}

// more waits until each client has been served n more times in each of its sessions.
func (r *run) more(n int, when string) {
	r.t.Helper()
	want := make(map[*count]int)
	r.mu.Lock()
	for _, c := range r.counts() {
		want[c] = c.served + n
	}
	r.mu.Unlock()
	r.each(when, aMinute, func(c *count) bool { return c.served >= want[c] })
}

// each waits for all sessions of all clients.
func (r *run) each(when string, limit func() time.Duration, done func(n *count) bool) bool {
	r.t.Helper()
	var missing []*count
	is := r.until("all clients to be served "+when, limit, func() bool {
		missing = slices.DeleteFunc(r.counts(), done)
		return len(missing) == 0
	})
	for _, n := range missing {
		r.mu.Lock()
		err := n.failedWith
		r.mu.Unlock()
		r.errorf("a client was not; its last error: %v", err)
	}
	return is
}

func (r *run) counts() (all []*count) {
	for _, c := range r.clients {
		all = append(all, c.counts...)
	}
	return all
}

// recovered records how long sessions could not be used.
func (s *Result) recovered(round *Round, counts []*count) {
	s.Outage = max(s.Outage, round.mended.Sub(round.broken))
	s.LostOver = max(s.LostOver, round.lostLast.Sub(round.lostFirst))
	var first, last time.Time
	for _, n := range counts {
		if n.failed && !n.servedAfter.IsZero() {
			if first.IsZero() || n.servedAfter.Before(first) {
				first = n.servedAfter
			}
			if n.servedAfter.After(last) {
				last = n.servedAfter
			}
		}
		n.failed, n.servedAfter = false, time.Time{}
	}
	if !first.IsZero() {
		s.First = max(s.First, first.Sub(round.broken))
		s.Last = max(s.Last, last.Sub(round.broken))
		s.AfterMended = max(s.AfterMended, last.Sub(round.mended))
	}
}

// slack is how much longer than planned a call may take because other processes use the processors.
func (r *run) slack() time.Duration { return 500*time.Millisecond + 5*r.pulse.worst() }

func (r *run) result() Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen.Slack = r.slack()
	return r.seen
}
