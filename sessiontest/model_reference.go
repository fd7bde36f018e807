package sessiontest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A reference is a model of correct sessions: values that operations change one after another.
type reference struct {
	play     *play
	sessions map[string]*state
	views    map[*request]*view
}

// A state is the state of one session.
type state struct {
	values  map[string]int
	expires time.Time
	ended   bool // destroyed or regenerated away
}

// A view is what one request knows of its session.
type view struct {
	came      string // the sid in the request's cookie
	sid       string // the sid of its session; "" until the session is stored
	made      bool   // this request created sid
	began     bool   // the session was not stored when the request arrived
	moved     bool   // sid was created by regenerating the request; its Session does not know it yet
	gone      bool   // the Session knows that it has ended
	dismissed bool   // ended by this request itself
	values    map[string]int
	pending   []func(map[string]int)
}

// sees returns the values that the request should see.
func (v *view) sees() map[string]int { return v.applied(v.values) }

// applied returns values with the request's changes.
func (v *view) applied(values map[string]int) map[string]int {
	values = maps.Clone(values)
	if values == nil {
		values = make(map[string]int)
	}
	for _, change := range v.pending {
		change(values)
	}
	return values
}

func newReference(p *play, expires time.Time) *reference {
	first := &state{values: map[string]int{"all": 0, "n": 0}, expires: expires}
	return &reference{play: p, sessions: map[string]*state{p.jar: first}, views: make(map[*request]*view)}
}

// live returns the session of a sid, or nil if it has ended.
func (r *reference) live(sid string, at time.Time) *state {
	if s := r.sessions[sid]; s != nil && !s.ended && at.Before(s.expires) {
		return s
	}
	return nil
}

// expect notes a problem if something is not as it should be.
func (r *reference) expect(e event, ok bool, what string) {
	if !ok {
		r.play.problem("%d %s %s (%s, sid %s): %s", e.clock, e.by.name, e.op, outcome{e.err}, r.play.sidLabel(e.sid), what)
	}
}

// replay applies the operations in the order of their last calls of the store.
func (r *reference) replay() {
	events := slices.DeleteFunc(slices.Clone(r.play.events), func(e event) bool { return e.by != nil && e.by.session == nil })
	slices.SortStableFunc(events, func(a, b event) int { return a.clock - b.clock })
	for _, e := range events {
		if e.op == "start" {
			r.views[e.by] = &view{came: e.came}
		}
		v := r.views[e.by]
		switch e.op {
		case "expire":
			for _, s := range r.sessions {
				s.ended = true
			}
			continue
		case "start":
			r.start(e, v)
		case "set", "set own", "increment", "flush":
			r.change(e, v)
		case "save":
			r.save(e, v)
		case "regenerate":
			r.regenerate(e, v)
		case "regenerate the request":
			r.regenerateRequest(e, v)
		case "destroy":
			r.destroy(e, v)
		case "respond", "respond without a cookie", "respond with a deletion":
			r.respond(e, v)
		}
		want := v.sees()
		maps.DeleteFunc(want, func(key string, _ int) bool { return !slices.Contains(e.by.keys(), key) })
		known := !v.gone || !v.moved // else it may have loaded the other session before that ended
		if known && !maps.Equal(e.saw, want) {
			r.expect(e, false, fmt.Sprintf("it sees %v, want %v", e.saw, want))
		}
	}
}

func (r *reference) start(e event, v *view) {
	if s := r.live(v.came, e.at); s != nil {
		r.expect(e, !e.isNew && e.sid == v.came, "want the session of the cookie")
		v.sid, v.values = e.sid, maps.Clone(s.values)
		return
	}
	r.expect(e, e.sid == "" || e.isNew, "want no session, or a new one: the cookie's has ended")
	if e.sid != "" {
		r.create(e, v, e.sid)
	}
}

// create begins a session with what the request has changed.
func (r *reference) create(e event, v *view, sid string) {
	r.expect(e, r.sessions[sid] == nil && sid != "", "want a sid that was never used")
	v.values = v.sees()
	v.sid, v.made, v.began, v.pending = sid, true, true, nil
	r.sessions[sid] = &state{values: maps.Clone(v.values), expires: e.asked}
}

func (r *reference) change(e event, v *view) {
	if e.err != nil {
		r.expect(e, errors.Is(e.err, session.ErrDestroyed) && (v.gone || v.dismissed), "want no error")
		return
	}
	r.expect(e, !v.gone, "want ErrDestroyed")
	v.pending = append(v.pending, e.change)
	if e.calls > 0 {
		r.expect(e, v.sid == "", "want no call of the store")
		r.create(e, v, e.sid)
	}
}

func (r *reference) save(e event, v *view) {
	s := r.live(v.sid, e.at)
	switch {
	case v.gone:
		r.expect(e, errors.Is(e.err, session.ErrDestroyed), "want ErrDestroyed, as before")
	case v.dismissed:
		r.expect(e, e.err == nil, "want no error: the request itself has destroyed it")
	case v.sid == "" && len(v.sees()) == 0:
		r.expect(e, e.err == nil && e.calls == 0, "want nothing to be done")
	case v.sid == "":
		r.expect(e, e.err == nil && e.calls > 0, "want a session")
		r.create(e, v, e.sid)
	case e.calls == 0:
		r.expect(e, e.err == nil && len(v.pending) == 0, "nothing was stored")
	case s == nil:
		r.expect(e, errors.Is(e.err, session.ErrDestroyed), "want ErrDestroyed: the session has ended")
		v.gone = true
	default:
		r.expect(e, e.err == nil && e.sid == v.sid, "want no error: the session is live")
		r.store(e, v, s)
	}
}

// store applies the request's changes to s.
func (r *reference) store(e event, v *view, s *state) {
	if e.asked.After(s.expires) {
		s.expires = e.asked
	}
	if len(v.pending) == 0 && !v.moved {
		return // nothing was loaded again
	}
	s.values = v.applied(s.values)
	v.values, v.pending, v.moved = maps.Clone(s.values), nil, false
}

func (r *reference) regenerate(e event, v *view) {
	s := r.live(v.sid, e.at)
	switch {
	case v.gone || v.dismissed:
		r.expect(e, errors.Is(e.err, session.ErrDestroyed), "want ErrDestroyed, as before")
	case v.sid == "":
		r.expect(e, e.err == nil && e.calls == 0, "want nothing to be done")
	case s == nil:
		r.expect(e, errors.Is(e.err, session.ErrDestroyed), "want ErrDestroyed: the session has ended")
		v.gone = true
	case v.moved: // to a sid that is new enough
		r.expect(e, e.err == nil && e.sid == v.sid, "want the sid that the request has")
		r.store(e, v, s)
	default:
		r.expect(e, e.err == nil, "want no error: the session is live")
		v.values = maps.Clone(s.values)
		r.create(e, v, e.sid)
		s.ended = true
	}
}

// regenerateRequest handles RegenerateRequest, which works on another Session than the request's; the request's Session
// does not learn of it.
func (r *reference) regenerateRequest(e event, v *view) {
	s := r.live(v.sid, e.at)
	switch {
	case e.err != nil:
		r.expect(e, errors.Is(e.err, session.ErrDestroyed) && s == nil, "want no error")
	case e.sid == "":
		r.expect(e, s == nil && r.play.lazy, "want a session")
	default:
		v.began = v.began || s == nil
		r.expect(e, e.isNew == v.began, "want the values of the request's session, if it is live")
		r.expect(e, r.sessions[e.sid] == nil, "want a sid that was never used")
		next := &state{expires: e.asked}
		if s != nil {
			next.values, s.ended = maps.Clone(s.values), true
		}
		r.sessions[e.sid] = next
		v.sid, v.made, v.moved = e.sid, true, true
	}
}

func (r *reference) destroy(e event, v *view) {
	r.expect(e, e.err == nil, "want no error")
	for _, sid := range []string{v.came, v.sid} {
		if s := r.sessions[sid]; s != nil {
			s.ended = true
		}
	}
	v.dismissed = true
}

// respond checks which cookie the response sets.
func (r *reference) respond(e event, v *view) {
	live := r.live(v.sid, e.at) != nil && !v.gone && !v.dismissed
	switch e.op {
	case "respond without a cookie":
		r.expect(e, !v.made || !live, "want the cookie of the sid that it has made")
	case "respond with a deletion":
		r.expect(e, v.dismissed, "want no deletion of a cookie that it has not made useless")
	default:
		stays := !e.by.handled && !v.dismissed // it was answered before the session ended
		r.expect(e, live && e.sid == v.sid || stays, "want no cookie but that of its live session")
	}
}

// compare checks what is stored at the end.
func (r *reference) compare(t testing.TB) {
	p, live := r.play, 0
	for sid := range r.sessions {
		name, want := p.sidLabel(sid), r.live(sid, time.Now())
		var rec driver.Record
		err := p.store.Load(t.Context(), p.key(sid), &rec)
		if want == nil {
			if !errors.Is(err, session.ErrNotFound) {
				p.problem("%s has ended, but is stored: %v", name, err)
			}
		} else {
			live++
			if err != nil || rec.Expires.Sub(want.expires).Abs() >= p.env.resolution {
				p.problem("%s is stored until %v, want %v: %v", name, rec.Expires, want.expires, err)
			}
		}
		for i, node := range p.nodes {
			s, err := node.GetSessionStore(sid)
			switch {
			case want == nil && !errors.Is(err, session.ErrNotFound):
				p.problem("%s has ended, but node %d finds it: %v", name, i, err)
			case want != nil && err != nil:
				p.problem("%s is lost: %v", name, err)
			case want != nil:
				r.compareValues(t, name, s, want)
			}
		}
	}
	if c, ok := driver.As[driver.Counter](p.store); ok {
		if n, err := c.Count(t.Context()); n != live || err != nil {
			p.problem("%d sessions are stored, want %d: %v", n, live, err)
		}
	}
}

func (r *reference) compareValues(t testing.TB, name string, s session.Store, want *state) {
	keys := []string{"all", "n"}
	for _, q := range r.play.requests {
		keys = append(keys, q.name)
	}
	for _, key := range keys {
		wanted := "<nil>"
		if n, ok := want.values[key]; ok {
			wanted = fmt.Sprint(n)
		}
		if got := s.Get(t.Context(), key); fmt.Sprint(got) != wanted {
			r.play.problem("%s has %v under %s, want %s", name, got, key, wanted)
		}
	}
}
