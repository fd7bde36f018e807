package sessiontest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A jump is a step of time that comes before the call of that number.
type jump struct {
	before int
	by     time.Duration
}

const (
	modelIdle = time.Hour
	modelStep = 10 * time.Millisecond // no shorter than the waits between two tries of a save
)

// schedule makes one call after another until all requests have ended. It panics if they never do: nothing
// can end their goroutines.
func (p *play) schedule(t testing.TB) {
	for stuck := 0; stuck < 1000; {
		p.settle()
		waiting, calling, others := p.unfinished()
		switch {
		case len(waiting)+calling+others == 0:
			return
		case calling > 0:
			time.Sleep(modelStep)
		case p.jump(t):
		case len(waiting) == 0 || others > 0 && p.oneIn(4):
			time.Sleep(modelStep)
			stuck++
		default:
			stuck = 0
			waiting[p.rng.IntN(len(waiting))].proceed()
		}
	}
	panic(fmt.Sprintf("the requests do not end: %s\n%s", p, p.shownTrace()))
}

// settle waits until each request has ended, or waits for its next call or behind another request.
func (p *play) settle() {
	if p.local {
		synctest.Wait()
		return
	}
	for quiet, before := 0, 0; quiet < 10; quiet++ {
		p.mu.Lock()
		now := len(p.trace)
		p.mu.Unlock()
		_, calling, others := p.unfinished()
		if calling+others == 0 {
			return
		}
		if calling > 0 || now != before {
			quiet, before = 0, now
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// unfinished returns the requests whose next call can be made, and how many of the others have a call under
// way or run on.
func (p *play) unfinished() (waiting []*request, calling, others int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.requests {
		switch q.state {
		case waitState:
			waiting = append(waiting, q)
		case callState:
			calling++
		case busyState:
			others++
		}
	}
	return waiting, calling, others
}

// jump lets time pass, if it is planned for now.
func (p *play) jump(t testing.TB) bool {
	i := slices.IndexFunc(p.jumps, func(j jump) bool { return j.before <= p.clock && p.mayJump(j.by) })
	if i < 0 {
		return false
	}
	by := p.jumps[i].by
	p.jumps = slices.Delete(p.jumps, i, i+1)
	p.note("     %v pass", by)
	if p.local {
		time.Sleep(by)
		return true
	}
	p.expireAll(t)
	return true
}

// expireAll lets everything that is stored expire, where the clock is not the play's own.
func (p *play) expireAll(t testing.TB) {
	p.mu.Lock()
	defer p.mu.Unlock()
	soon := p.env.soon()
	for key := range p.labels {
		if p.store.Load(t.Context(), key, new(driver.Record)) == nil {
			hasten(t, p.store, key, func(rec *driver.Record) { rec.Expires = soon })
		}
	}
	p.env.waitFor(soon)
	p.events = append(p.events, event{op: "expire", clock: p.clock})
}

// mayJump reports whether no call would take longer than an operation can: a new record would be stored when
// it has expired already.
func (p *play) mayJump(by time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !slices.ContainsFunc(p.requests, func(q *request) bool {
		regenerates := strings.HasPrefix(q.op, "regenerate")
		if by < modelIdle {
			return q.state == waitState && (regenerates || q.method == "create")
		}
		return q.state == waitState && q.op != "regenerate" && q.method == "create" // a copy may expire with what it is of
	})
}

type requestKey struct{}

// tapping makes the calls of the requests wait for the schedule.
func (p *play) tapping(c call, do func() error) error {
	q, ok := c.ctx.Value(requestKey{}).(*request)
	if !ok {
		return do()
	}
	names, version := p.label(c.key), c.version
	if c.newKey != "" {
		names += " to " + p.label(c.newKey)
	}
	q.wait(c.method)
	q.calls++
	err := do()
	q.became(busyState)
	if err == nil && !c.expires.IsZero() {
		q.asked = c.expires
	}
	if c.rec != nil && err == nil {
		version = c.rec.Version
	}
	p.note("%4d %s %s %s, version %d: %s", q.clock, q.name, c.method, names, version, outcome{err})
	return err
}
