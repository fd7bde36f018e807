package faulttest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// A client sends one request after another, alternately with its own session and with a shared one.
type client struct {
	run    *run
	number int
	node   *session.Manager
	counts []*count

	requests int
}

// loop sends requests until the run ends.
func (c *client) loop() {
	for {
		n := c.counts[c.requests%len(c.counts)]
		began := time.Now()
		c.run.note(n, began, c.request(n))
		if c.requests%8 == c.number%8 {
			c.run.note(nil, began, c.visit())
		}
		c.requests++
		select {
		case <-c.run.stop:
			return
		case <-time.After(5*time.Millisecond + rand.N(10*time.Millisecond)):
		}
	}
}

// note records how a request has ended. For a request of a new visitor n is nil.
func (r *run) note(n *count, began time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if round := r.round; round != nil {
		round.answers++
		if err != nil {
			round.failures++
		}
	}
	switch {
	case n == nil:
	case err != nil:
		n.failed, n.servedAfter, n.failedWith = true, time.Time{}, err
	default:
		n.served++
		n.servedLast = began
		if n.failed && n.servedAfter.IsZero() {
			n.servedAfter = time.Now()
		}
	}
}

// timed checks that a call returns in time.
func (c *client) timed(call string, do func() error) error {
	began := time.Now()
	err := do()
	took := time.Since(began)
	c.run.mu.Lock()
	c.run.seen.Slowest = max(c.run.seen.Slowest, took)
	c.run.mu.Unlock()
	if limit := c.run.OpTimeout + c.run.slack(); took > limit {
		c.run.errorf("%s has taken %v, want at most %v (opTimeout %v): %v", call, took, limit, c.run.OpTimeout, err)
	}
	return err
}

// start starts the session of a cookie, and checks that the response sets no other cookie.
func (c *client) start(ctx context.Context, cookie string) (*session.Session, http.ResponseWriter, *http.Request, error) {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(ctx)
	r.Header.Set("Cookie", cookie)
	var s *session.Session
	err := c.timed("Start", func() (err error) {
		s, err = c.node.Start(w, r)
		return err
	})
	if got := w.Header()["Set-Cookie"]; got != nil {
		c.run.errorf("Start of a visitor with a live cookie answers %d Set-Cookie, and %v", len(got), err)
	}
	return s, w, r, err
}

// request increments the counters of a session in one request.
func (c *client) request(n *count) error {
	ctx, hangUp := context.WithCancel(context.Background())
	defer hangUp()
	s, w, _, err := c.start(ctx, n.in.cookie)
	if err != nil {
		c.run.mu.Lock()
		c.run.seen.Failed++
		c.run.mu.Unlock()
		return err
	}
	if s.IsNew() || s.SessionID(ctx) != n.in.sid {
		c.run.errorf("a visitor with a live cookie has got another session")
		return errors.New("another session")
	}
	n.found(s)
	for _, key := range []string{n.key, total} {
		if _, err := s.Increment(ctx, key, 1); err != nil {
			c.run.errorf("Increment: %v", err)
		}
	}
	if c.requests%5 == 0 {
		hangUp()
	}
	refused, err := c.save(ctx, s)
	if errors.Is(err, context.Canceled) {
		c.run.errorf("a client has hung up: Save = %v", err)
	}
	n.saved(s, err, refused)
	if got := w.Header()["Set-Cookie"]; got != nil {
		c.run.errorf("Save of a live session answers %d Set-Cookie, and %v", len(got), err)
	}
	return err
}

// save saves, and like an application sometimes tries again, with more changes or with the same. refused says that no try
// has stored anything.
func (c *client) save(ctx context.Context, s *session.Session) (refused bool, err error) {
	refused = true
	for try := 0; ; try++ {
		err := c.timed("Save", func() error { return s.Save(ctx) })
		if err == nil {
			return false, nil
		}
		refused = refused && c.run.Refused != nil && c.run.Refused(err)
		if try == c.requests%3 {
			return refused, err
		}
		time.Sleep(rand.N(20 * time.Millisecond))
		if c.requests%2 == 0 {
			if err := s.Set(ctx, "again", c.requests); err != nil {
				return refused, err
			}
		}
	}
}

// visit does what a new visitor does: a session begins, is changed, and ends.
func (c *client) visit() error {
	ctx := context.Background()
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	var s *session.Session
	err := c.timed("Start", func() (err error) {
		s, err = c.node.Start(w, r)
		return err
	})
	if err != nil {
		if got := w.Header()["Set-Cookie"]; got != nil {
			c.run.errorf("Start of a visitor fails, and answers %d Set-Cookie: %v", len(got), err)
		}
		return err
	}
	if err := s.Set(ctx, "seen", c.requests); err != nil {
		c.run.errorf("Set: %v", err)
	}
	if err := c.timed("Save", func() error { return s.Save(ctx) }); err != nil {
		return err
	}
	sid, before := s.SessionID(ctx), len(w.Header()["Set-Cookie"])
	if err := c.timed("Destroy", func() error { return c.node.Destroy(w, r) }); err != nil {
		if len(w.Header()["Set-Cookie"]) != before {
			c.run.errorf("a Destroy that fails takes the cookie: %v", err)
		}
		return err
	}
	c.run.mu.Lock()
	defer c.run.mu.Unlock()
	c.run.ended = append(c.run.ended, sid)
	c.run.seen.Ended++
	return nil
}
