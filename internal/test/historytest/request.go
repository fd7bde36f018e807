package historytest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session"
)

// A request is a request of a visitor.
type request struct {
	*client
	number  int
	visitor *visitor
	node    int
	m       *session.Manager
	came    *life // the session of its cookie

	w http.ResponseWriter
	r *http.Request
	s *session.Session

	life    *life // the session that it uses; nil if that is not stored yet
	line    *line
	start   *event // the event that loaded it
	pending []*change
	written int
	failed  error // the last error that leaves the outcome open
	moves   bool  // it has called Regenerate or Login

	// For a session in a cookie:
	view    *view         // the content that it should have
	idle    time.Duration // its lifetime
	until   time.Time     // its deadline, or an earlier time
	changed []*change
	last    *event
	over    bool // it has expired meanwhile
}

const cookieName = "gosessionid" // the default

// keys are the keys of values.
var keys = []string{"k1", "k2", "k3", "k4"}

// event returns an event of the request, which the caller runs.
func (q *request) event(op string, on *life) *event {
	return &event{client: q.client.number, node: q.node + 1, op: op, on: on, request: q}
}

func (q *request) call(e *event, do func() error) {
	q.run.history.call(e, do)
	if e.outcome == unclear {
		q.failed = e.err
	}
	e.dead = e.on != nil && isGone(e.err)
}

// visit uses the visitor's session as a web application does.
func (q *request) visit() {
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	serve := q.serve
	if q.run.able.sealed {
		serve = q.serveSealed
		defer q.sealed(w)
		if old := q.run.history.recent(q.rng.IntN); old != nil && q.oneIn(10) {
			q.came = old
		}
	}
	if q.came != nil {
		r.Header.Set("Cookie", q.came.cookie())
	}
	if q.oneIn(8) { // it is delayed, and may come late
		q.pause()
	}
	if q.oneIn(5) {
		q.m.Handler(http.HandlerFunc(serve)).ServeHTTP(w, r)
		return
	}
	serve(w, r)
}

// cookie returns the Cookie header that the browser sends.
func (l *life) cookie() string {
	if l.cookies != "" {
		return l.cookies
	}
	return cookieName + "=" + l.sid
}

// serve answers a request.
func (q *request) serve(w http.ResponseWriter, r *http.Request) {
	q.w, q.r = w, r
	if !q.load() {
		return
	}
	q.pause()
	if q.visitor.mortal && q.life != nil && q.oneIn(q.visitor.patience(q.line)) {
		q.expire()
		return
	}
	defer q.visitor.nap(q.line, q.rng)
	if !q.visitor.mortal || q.oneIn(3) {
		q.change(q.rng.IntN(4))
	}
	q.pause()
	if q.life != nil && !q.turn() {
		return
	}
	q.save()
}

// load starts the session. It returns false if there is none to use.
func (q *request) load() bool {
	e := q.event("start", q.came)
	q.start = e
	q.call(e, func() (err error) {
		q.s, err = q.m.Start(q.w, q.r)
		return err
	})
	if e.err != nil {
		q.run.history.add(e)
		return false
	}
	switch sid := q.s.SessionID(context.Background()); {
	case q.came != nil && sid == q.came.sid:
		e.alive = true
		q.life, q.line = q.came, q.came.line
	case q.came != nil && sid == "" && errors.Is(q.s.Delete(context.Background(), keys[0]), session.ErrDestroyed):
		e.dead, e.late = true, true
		q.run.history.add(e)
		q.visitor.answer(q.came, nil) // the response with the new sid was lost: do not wait until the mark is gone
		return false
	default:
		e.dead = q.came != nil
		q.line = q.visitor.begin()
		if sid != "" {
			q.live(e, "")
		}
	}
	if q.life != nil {
		e.saw = q.look(q.s)
	}
	q.run.history.add(e)
	return true
}

// live records the sid that a call has given the session.
func (q *request) live(e *event, user string) {
	l := &life{line: q.line, sid: q.s.SessionID(context.Background()), id: q.s.ID(), user: user}
	if e.on != nil {
		l.login = e.on.login
	}
	if e.op == "login" {
		l.login = e
	}
	e.made, q.life = l, l
	q.visitor.answer(q.came, l)
	q.came = l
}

// look returns the content of the session.
func (q *request) look(s *session.Session) *view {
	all, err := s.GetAll(context.Background())
	if err != nil {
		q.run.t.Errorf("GetAll: %v", err)
	}
	return newView(all, s.User())
}

// change makes n changes.
func (q *request) change(n int) {
	ctx := context.Background()
	for range n {
		c := &change{kind: "set", key: keys[q.rng.IntN(len(keys))], line: q.line}
		var err error
		switch p := q.rng.IntN(100); {
		case p < 45:
			err = q.set(c)
		case p < 55:
			c.kind, err = "remove", q.s.Delete(ctx, c.key)
		case p < 57:
			c.kind, c.key, err = "flush", "", q.s.Flush(ctx)
		case p < 80:
			c.kind, c.key, c.n = "increment", counterKey, int64(1+q.rng.IntN(3))
			_, err = q.s.Increment(ctx, c.key, c.n)
		default:
			c.kind, c.key = "update", listKey
			value := q.newValue(c)
			err = q.s.Update(ctx, c.key, func(old any) (any, error) {
				if list, ok := old.(string); ok {
					return list + "," + value, nil
				}
				return value, nil
			})
		}
		if errors.Is(err, session.ErrTooLarge) && q.run.able.sealed {
			continue
		}
		if err != nil {
			q.unexpected(c.kind, err)
			return
		}
		q.pending = append(q.pending, c)
	}
}

// unexpected handles an error of a call that needs no store. A session in a cookie may have expired since it was started.
func (q *request) unexpected(op string, err error) {
	expired := q.run.able.sealed && errors.Is(err, session.ErrDestroyed) && time.Now().After(q.until.Add(-slack))
	if q.over = true; !expired {
		q.run.t.Errorf("%s: %v", op, err)
	}
}

// set sets a value. Sometimes it is so large that two such values are too many.
func (q *request) set(c *change) error {
	value := q.newValue(c)
	if q.oneIn(30) && !q.run.able.sealed {
		value += ":" + strings.Repeat("x", maxBytes*2/3)
	}
	return q.s.Set(context.Background(), c.key, value)
}

// newValue returns a value that names its session and its writer.
func (q *request) newValue(c *change) string {
	q.written++
	c.value = fmt.Sprintf("%s/c%d.%d.%d", q.line.name, q.client.number, q.number, q.written)
	q.run.history.wrote(c)
	return c.value
}

// turn sometimes gives the session another sid or ends it. It returns false if the request is over.
func (q *request) turn() bool {
	user := users[q.rng.IntN(len(users))]
	switch p := q.rng.IntN(100); {
	case p < 5:
		return q.move("regenerate", q.life.user)
	case p < 7:
		q.logout()
		return false
	case p < 27 && q.life.user == "", p < 9:
		return q.move("login", user)
	case p < 11:
		return q.move("login", q.life.user)
	}
	return true
}

// move calls Regenerate or Login. The changes so far go to the new sid, unless another user logs in.
func (q *request) move(op, user string) bool {
	q.moves = true
	e := q.event(op, q.life)
	other := q.life.user != "" && user != q.life.user
	if !other {
		e.changes = q.pending
	}
	if op == "login" {
		e.user = user
	}
	ctx := context.WithValue(context.Background(), eventKey{}, e)
	q.call(e, func() error {
		if op == "login" {
			return q.s.Login(ctx, user)
		}
		return q.s.Regenerate(ctx)
	})
	full := errors.Is(e.err, session.ErrTooManySessions) // the session then stays as it was
	if full {
		e.changes = nil
	} else {
		q.pending = nil
	}
	q.saved(e)
	e.ends = e.outcome != refused
	if e.alive = e.outcome == acknowledged; e.alive {
		if other {
			q.line = q.visitor.begin()
		}
		q.live(e, user)
		e.saw = q.look(q.s)
	}
	q.run.history.add(e)
	if e.alive {
		q.change(q.rng.IntN(2))
	}
	return e.alive || full
}

// saved records which call has stored the changes, if it has.
func (q *request) saved(e *event) {
	for _, c := range e.changes {
		c.saved = e
	}
}

// logout ends the session. The request's changes are lost with it.
func (q *request) logout() {
	e := q.event("logout", q.life)
	q.call(e, func() error {
		if q.oneIn(2) {
			return q.m.Destroy(q.w, q.r)
		}
		return q.s.Logout(context.Background())
	})
	e.ends = true
	switch e.outcome {
	case acknowledged:
		q.visitor.answer(q.life, nil)
	case unclear: // Handler saves the changes if the session still exists
		e.changes = q.pending
		q.saved(e)
	}
	q.run.history.add(e)
}

// expire gives the session a short lifetime, and lets it rest until shortly before or after its end.
func (q *request) expire() {
	d := time.Duration(150+q.rng.IntN(600)) * time.Millisecond
	if q.oneIn(2) {
		q.visitor.sleep(d/4 + time.Duration(q.rng.IntN(int(d/2))))
	} else {
		q.visitor.sleep(d + time.Duration(50+q.rng.IntN(100))*time.Millisecond)
	}
	if q.oneIn(2) {
		if err := q.s.SetLifetime(context.Background(), d); err != nil {
			q.run.t.Errorf("SetLifetime: %v", err)
		}
		q.pending = append(q.pending, &change{kind: "lifetime", n: d.Milliseconds(), line: q.line})
		q.visitor.expires(q.line, d)
		q.save()
		return
	}
	e := q.event("expire", q.life)
	e.lifetime = d
	q.call(e, func() error { return q.m.UpdateExpiration(q.w, q.r, d) })
	e.alive = e.outcome == acknowledged
	q.run.history.add(e)
}

// save stores the changes, if there are any. Like an application it sometimes tries again.
func (q *request) save() {
	e := q.event("save", q.life)
	if e.changes = q.pending; len(q.pending) == 0 {
		e.op = "release"
	}
	for _, c := range q.pending {
		if c.kind == "lifetime" {
			e.lifetime = time.Duration(c.n) * time.Millisecond
		}
	}
	ctx, hangUp := context.WithCancel(context.Background())
	defer hangUp()
	if q.oneIn(10) {
		hangUp()
	}
	tries := q.rng.IntN(3)
	q.call(e, func() error {
		err := q.s.Save(ctx)
		for ; outcomeOf(err) == unclear && tries > 0; tries-- {
			e.retried = true
			time.Sleep(time.Duration(q.rng.IntN(20)) * time.Millisecond)
			err = q.s.Save(ctx)
		}
		return err
	})
	if e.retried && e.outcome == refused {
		e.outcome = unclear
	}
	q.saved(e)
	if e.outcome == acknowledged && len(q.pending) > 0 {
		if e.alive = e.on != nil; e.on == nil && q.s.IsNew() {
			q.live(e, "")
		}
		if q.life != nil {
			e.saw = q.look(q.s)
		}
	}
	if q.pending = nil; q.life != nil {
		q.run.history.add(e)
	}
}
