package historytest

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"
)

// For sessions that clients keep, each response is a life of its own: the content of that cookie, for good. Of the
// responses to concurrent requests the browser keeps one.

// usual is the lifetime of a session without its own lifetime.
const usual = time.Hour

// serveSealed answers a request whose session is in its cookie.
func (q *request) serveSealed(w http.ResponseWriter, r *http.Request) {
	q.w, q.r = w, r
	if !q.open() {
		return
	}
	q.pause()
	if q.visitor.mortal && q.oneIn(2) {
		q.shorten()
	}
	q.changeSealed()
	if q.over || !q.turnSealed() {
		return
	}
	q.changeSealed()
	if q.pause(); q.over {
		return
	}
	q.last = q.event("save", q.came)
	q.call(q.last, func() error { return q.s.Save(context.Background()) })
	q.last.saw, q.last.want = q.look(q.s), q.view
}

// open starts the session, and compares it with the cookie's content.
func (q *request) open() bool {
	e := q.event("start", q.came)
	q.start, q.last = e, e
	q.call(e, func() (err error) {
		q.s, err = q.m.Start(q.w, q.r)
		return err
	})
	if e.err != nil {
		return false
	}
	if l := q.came; l != nil && q.s.SessionID(context.Background()) == l.sid {
		e.alive = true
		e.saw, e.want = q.look(q.s), l.sealed
		q.line, q.view, q.idle = l.line, l.sealed.clone(), l.idle
		q.until = l.born.request.start.began.Add(l.idle)
	} else {
		e.dead = l != nil
		q.line, q.view, q.idle = q.visitor.begin(), newView(nil, ""), usual
		q.until = e.began.Add(usual)
	}
	return true
}

// changeSealed makes changes. It flushes a list that gets too long for a cookie.
func (q *request) changeSealed() {
	if q.over {
		return
	}
	if q.change(q.rng.IntN(4)); len(q.view.updates) > 20 {
		if err := q.s.Flush(context.Background()); err == nil {
			q.pending = append(q.pending, &change{kind: "flush", line: q.line})
		}
	}
	for _, c := range q.pending {
		if q.view.apply(c); c.kind == "flush" {
			q.idle = usual
		}
	}
	q.changed = append(q.changed, q.pending...)
	q.pending = nil
}

// shorten gives the session a short lifetime, and lets it rest until shortly before or after its end.
func (q *request) shorten() {
	d := time.Duration(150+q.rng.IntN(600)) * time.Millisecond
	until := time.Now().Add(d)
	if err := q.s.SetLifetime(context.Background(), d); err != nil {
		q.unexpected("SetLifetime", err)
		return
	}
	q.idle, q.until = d, until
	q.changed = append(q.changed, &change{kind: "lifetime", n: d.Milliseconds(), line: q.line})
	q.visitor.sleep(d/4 + time.Duration(q.rng.IntN(int(d))))
}

// turnSealed gives the session another sid, or ends it for this client.
func (q *request) turnSealed() bool {
	ctx := context.Background()
	switch p := q.rng.IntN(100); {
	case p < 8:
		q.callSealed("regenerate", func() error { return q.s.Regenerate(ctx) })
	case p < 16:
		q.loginSealed(users[q.rng.IntN(len(users))])
	case p < 20:
		q.last = q.event("logout", q.came)
		q.call(q.last, func() error { return q.s.Logout(ctx) })
		return false
	}
	return !q.over
}

// loginSealed logs in. Another user must get none of the values.
func (q *request) loginSealed(user string) {
	if !q.callSealed("login", func() error { return q.s.Login(context.Background(), user) }) {
		return
	}
	if q.view.user != "" && user != q.view.user {
		q.line, q.view, q.changed, q.idle = q.visitor.begin(), newView(nil, ""), nil, usual
	}
	q.view.user = user
}

// callSealed makes a call. It returns false if the session has expired.
func (q *request) callSealed(op string, do func() error) bool {
	e := q.event(op, q.came)
	q.call(e, do)
	q.run.history.add(e)
	if e.err != nil {
		q.unexpected(op, e.err)
	}
	return e.err == nil
}

// sealed records the cookie that the browser has got, and with it the content of the session.
func (q *request) sealed(w *httptest.ResponseRecorder) {
	h, e := q.run.history, q.last
	if e == q.start && q.view != nil { // it has expired meanwhile, and was changed before that
		e = q.event("answer", q.came)
		h.call(e, func() error { return nil })
	}
	if q.last = e; e != q.start {
		h.add(q.start)
	}
	e.changes = q.changed
	q.saved(e)
	switch cookie := sessionCookie(w); {
	case cookie == nil && len(q.changed) > 0 && e.op == "save":
		q.run.t.Errorf("a change was acknowledged, and no cookie was answered")
	case cookie == nil:
	case cookie.MaxAge < 0:
		defer q.visitor.answer(q.came, nil)
	case q.view != nil:
		e.made = &life{
			line: q.line, sid: q.s.SessionID(context.Background()), user: q.view.user,
			cookies: cookie.Name + "=" + cookie.Value, sealed: q.view.clone(), idle: q.idle,
		}
		defer q.visitor.answer(q.came, e.made) // after it was added to the history
	}
	h.add(e)
}

// sessionCookie returns the last cookie in a response, or nil.
func sessionCookie(w *httptest.ResponseRecorder) *http.Cookie {
	for _, c := range slices.Backward(w.Result().Cookies()) {
		if c.Name == cookieName {
			return c
		}
	}
	return nil
}

func (v *view) clone() *view {
	return &view{values: maps.Clone(v.values), n: v.n, updates: slices.Clone(v.updates), user: v.user}
}

// apply makes a change in the view.
func (v *view) apply(c *change) {
	switch c.kind {
	case "set":
		v.values[c.key] = c.value
	case "remove":
		delete(v.values, c.key)
	case "increment":
		v.n += c.n
	case "update":
		v.updates = append(v.updates, c.value)
	case "flush":
		*v = *newView(nil, v.user)
	}
}

// differs returns a key under which the views differ, or says that their users differ.
func (v *view) differs(from *view) (key string, is bool) {
	for _, key := range keys {
		if v.values[key] != from.values[key] {
			return key, true
		}
	}
	switch {
	case v.n != from.n:
		return counterKey, true
	case !slices.Equal(v.updates, from.updates):
		return listKey, true
	}
	return "", v.user != from.user
}

// checkSealed checks that requests have seen the content of their cookies, until their deadlines.
func (c *checker) checkSealed(e *event) {
	if e.want != nil {
		if key, is := e.saw.differs(e.want); is {
			c.violated(ruleValue, key, []*event{e.on.bornBy(), e}, "the session has not what is in the cookie, and what was changed")
		}
	}
	if l := e.on; l != nil && e.op == "start" {
		made := l.born.request
		switch {
		case e.alive && made.last.ended.Add(l.idle+slack).Before(e.began):
			c.violated(ruleDeadline, "", []*event{l.born, e}, "the session lives for %v, and is there later", l.idle)
		case e.dead && e.ended.Before(made.start.began.Add(l.idle-slack)):
			c.violated(ruleLost, "", []*event{l.born, e}, "the session lives for %v, and is gone earlier", l.idle)
		}
	}
}

func (l *life) bornBy() *event {
	if l == nil {
		return nil
	}
	return l.born
}
