package faulttest

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session"
)

// total is the value that every request increments, in addition to its client's own value.
const total = "total"

// A visited is a session that clients use.
type visited struct {
	sid, cookie string
	counts      []*count
}

// A count is what one client knows about its counter in one session. The counter is between least and most. least is the
// value last acknowledged or read. most also includes the saves whose outcome is unknown. An acknowledged save settles the
// earlier ones, because each save is made at a version.
type count struct {
	run *run
	in  *visited
	key string

	mu          sync.Mutex
	least, most int64
	acks        []ack // those that could be lost
	lost        int   // the last round in which something was lost

	// Guarded by the run:
	served      int       // number of successful requests
	servedLast  time.Time // when the last of them began
	failed      bool      // a request of this round has failed
	failedWith  error     // the last error
	servedAfter time.Time // when the first request that began after the last failure ended successfully
}

// An ack is a save that was acknowledged.
type ack struct {
	value int64
	at    time.Time
}

// found checks what a request has loaded.
func (n *count) found(s *session.Session) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.settle(n.value(s, n.key))
	sum := int64(0)
	for _, of := range n.in.counts {
		sum += n.value(s, of.key)
	}
	if all := n.value(s, total); all != sum {
		n.run.errorf("half a save: all have counted %d requests, and each its own, which are %d", all, sum)
	}
}

func (n *count) value(s *session.Session, key string) int64 {
	switch v := s.Get(context.Background(), key).(type) {
	case nil:
		return 0
	case int64:
		return v
	default:
		n.run.errorf("a counter is a %T", v)
		return 0
	}
}

// settle handles a value that was read.
func (n *count) settle(value int64) {
	switch {
	case value > n.most:
		n.run.errorf("made twice: %d saves were acknowledged or may have been made, %d are stored", n.most, value)
		n.most = value
	case value < n.least:
		n.lose(value)
		n.most -= n.least - value
	}
	n.least = value
}

// lose records that less is stored than before. In one round a counter may go back only once.
func (n *count) lose(value int64) {
	r := n.run
	r.mu.Lock()
	r.seen.Lost += int(n.least - value)
	again := r.round == nil || n.lost == r.round.number
	if r.round != nil {
		n.lost = r.round.number
		for _, a := range n.acks {
			if a.value > value {
				r.round.lose(a.at)
			}
		}
	}
	n.acks = slices.DeleteFunc(n.acks, func(a ack) bool { return a.value > value })
	r.mu.Unlock()
	if !r.Loses || again {
		r.errorf("lost: %d saves were acknowledged or read, %d are stored", n.least, value)
	}
}

// lose records when a lost save was acknowledged.
func (r *Round) lose(at time.Time) {
	if r.lostFirst.IsZero() || at.Before(r.lostFirst) {
		r.lostFirst = at
	}
	if at.After(r.lostLast) {
		r.lostLast = at
	}
}

// saved records the outcome of a save.
func (n *count) saved(s *session.Session, err error, refused bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.run
	r.mu.Lock()
	switch {
	case err == nil:
		r.seen.Acked++
	case refused:
		r.seen.Refused++
	default:
		r.seen.Unclear++
	}
	r.mu.Unlock()
	switch {
	case refused:
	case err != nil:
		n.most++
	default:
		value := n.value(s, n.key)
		n.settle(value - 1) // the value stored when this save was made, which may be less than the loaded one
		n.least, n.most = value, value
		n.acks = append(n.acks[max(0, len(n.acks)-500):], ack{value, time.Now()})
	}
}

// begin opens the nodes and the sessions, and starts the clients.
func (r *run) begin() {
	for range 2 {
		if err := r.eventually(r.open); err != nil {
			r.t.Errorf("opening a node: %v", err)
			return
		}
	}
	for range clients + shared {
		err := r.eventually(func() error {
			w, req := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			s, err := r.nodes[0].Start(w, req)
			if err == nil {
				cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
				r.sessions = append(r.sessions, &visited{sid: s.SessionID(context.Background()), cookie: cookie})
			}
			return err
		})
		if err != nil {
			r.t.Errorf("a session could not begin: %v", err)
			return
		}
	}
	for i := range clients {
		c := &client{run: r, number: i, node: r.nodes[i%len(r.nodes)]}
		for _, in := range []*visited{r.sessions[i], r.sessions[clients+i/(clients/shared)]} {
			n := &count{run: r, in: in, key: string(rune('a' + i))}
			in.counts = append(in.counts, n)
			c.counts = append(c.counts, n)
		}
		r.clients = append(r.clients, c)
	}
	for _, c := range r.clients {
		r.working.Go(c.loop)
	}
}

func (r *run) open() error {
	m, err := r.Open(session.CfgOpTimeout(r.OpTimeout), session.CfgLogger(slog.New(slog.DiscardHandler)))
	if err == nil {
		r.nodes = append(r.nodes, m)
	}
	return err
}

// eventually calls do, for a store that works, until it returns nil. A provider has its own timeouts, and on a busy machine
// one may pass before the server was asked. After eventually has failed for a store once, it calls do only once.
func (r *run) eventually(do func() error) error {
	for begun := time.Now(); ; time.Sleep(beat) {
		err := do()
		if err == nil || r.vain {
			return err
		}
		r.vain = time.Since(begun) > r.Recovery+r.slack()
	}
}

// rest waits until the clients have ended.
func (r *run) rest() {
	r.resting.Do(func() {
		close(r.stop)
		r.working.Wait()
	})
}

// end closes the nodes, once.
func (r *run) end() {
	r.rest()
	r.pulse.stop()
	for _, m := range r.nodes {
		if err := m.Close(); err != nil {
			r.t.Errorf("Close: %v", err)
		}
	}
	r.nodes = nil
}

// compare checks whether the acknowledged saves are what is stored at the end.
func (r *run) compare() {
	if len(r.clients) == 0 {
		return
	}
	reader := &client{run: r, node: r.nodes[0]}
	for _, in := range r.sessions {
		var s *session.Session
		err := r.eventually(func() (err error) {
			s, _, _, err = reader.start(context.Background(), in.cookie)
			return err
		})
		if err != nil {
			r.errorf("a session cannot be loaded in the end: %v", err)
			continue
		}
		for _, n := range in.counts {
			n.found(s)
		}
	}
	back := 0
	for _, sid := range r.ended {
		is := false
		err := r.eventually(func() error {
			_, err := r.nodes[1].GetSessionStore(sid)
			if is = err == nil; errors.Is(err, session.ErrNotFound) {
				return nil
			}
			return err
		})
		switch {
		case err != nil:
			r.errorf("it cannot be told in the end whether a session is back: %v", err)
		case is:
			back++
		}
	}
	if back > 0 {
		if r.t.Logf("%d of %d sessions that were ended are back", back, len(r.ended)); !r.Loses {
			r.errorf("a session that was ended is back")
		}
	}
}
