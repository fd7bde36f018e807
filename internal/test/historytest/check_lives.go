package historytest

import (
	"slices"
	"time"
)

// A fate is what has happened to a session under one sid.
type fate struct {
	alive []*event // calls that have found it
	dead  []*event // calls that have not
	ends  []end
}

// An end is a call that has ended the session, or may have.
type end struct {
	by   *event
	done int64 // when it is certainly over; may be never
}

// checkLives checks when sessions existed.
func (c *checker) checkLives() {
	for _, l := range c.history.lives {
		c.lives[l] = new(fate)
	}
	for _, e := range c.events {
		if e.on != nil {
			c.lives[e.on].happened(e)
			c.mayEndItself(e)
		}
		for _, id := range e.evicted {
			if l := c.history.byID[id]; l != nil {
				c.lives[l].ends = append(c.lives[l].ends, end{e, e.to})
			}
		}
		switch e.op {
		case "destroy user":
			c.destroyed(e)
		case "login":
			c.mayEvict(e)
		case "list user":
			c.listed(e)
		}
	}
	for _, l := range c.history.lives {
		c.checkFate(l, c.lives[l])
	}
}

// happened records what a call shows about the session for which it was made.
func (f *fate) happened(e *event) {
	if e.alive {
		f.alive = append(f.alive, e)
	}
	if e.dead {
		f.dead = append(f.dead, e)
	}
	if e.ends {
		f.ends = append(f.ends, end{e, e.done()})
	}
}

// destroyed records a DestroyUser. It ends each session whose login was before it, under any sid, except the one that it
// spares. A session that gets a new sid meanwhile is not spared, and does not certainly end.
func (c *checker) destroyed(e *event) {
	spared := c.history.byID[e.except]
	for _, l := range c.ofUser[e.user] {
		if l.id == e.except || l.born.from > e.to {
			continue
		}
		done := e.done()
		if l.login.to > e.from || spared != nil && spared.line == l.line {
			done = never
		}
		c.lives[l].ends = append(c.lives[l].ends, end{e, done})
	}
}

// mayEvict records a login that may have ended any of the user's sessions without reporting it.
func (c *checker) mayEvict(e *event) {
	if e.outcome != unclear || !c.run.able.users {
		return
	}
	for _, l := range c.ofUser[e.user] {
		c.lives[l].ends = append(c.lives[l].ends, end{e, never})
	}
}

// mayEndItself records a call that was to give a session another sid and did not find it. While the session existed under
// both sids, a login or a DestroyUser of the same user may have ended it under the new sid, which no client has seen. The
// call has then ended it under the old sid too.
func (c *checker) mayEndItself(e *event) {
	user := e.user
	if e.op == "regenerate" {
		user = e.on.user
	}
	if !c.run.CountsTwice || !e.dead || e.made != nil || user == "" || e.op != "login" && e.op != "regenerate" {
		return
	}
	evicts := func(by *event) bool {
		if by == e || by.user != user || by.from >= e.to || e.from >= by.to {
			return false
		}
		unseen := func(id string) bool { return c.history.byID[id] == nil }
		return by.op == "destroy user" || by.op == "login" && slices.ContainsFunc(by.evicted, unseen)
	}
	if slices.ContainsFunc(c.events, evicts) {
		c.lives[e.on].ends = append(c.lives[e.on].ends, end{e, never})
	}
}

// listed records which sessions SessionsOf has found.
func (c *checker) listed(e *event) {
	if e.outcome != acknowledged {
		return
	}
	for _, id := range e.listed {
		if l := c.history.byID[id]; l != nil {
			c.lives[l].alive = append(c.lives[l].alive, e)
			if l.user != e.user {
				c.violated(ruleOthers, "", []*event{l.login, l.born, e}, "session %s is %s, and listed as %s",
					l.name, whose(l.user), whose(e.user))
			}
		}
	}
	for _, l := range c.ofUser[e.user] {
		if l.born.to < e.from && !slices.Contains(e.listed, l.id) {
			c.lives[l].dead = append(c.lives[l].dead, e)
		}
	}
}

// checkFate checks one session.
func (c *checker) checkFate(l *life, f *fate) {
	var ended *end // the first that is certain
	var moved *event
	for i, e := range f.ends {
		if e.done != never && (ended == nil || e.done < ended.done) {
			ended = &f.ends[i]
		}
		if e.by.made != nil && e.by.on == l {
			if moved != nil {
				c.violated(ruleOnce, "", []*event{moved, e.by}, "session %s has got two new sids", l.name)
			}
			moved = e.by
		}
	}
	var missed *event // the first that has not found it
	for _, e := range f.dead {
		// A slow call may take a session for expired whose deadline another call has just moved.
		if (missed == nil || e.to < missed.to) && !c.mayHaveExpired(l, e) && !c.mayReturn(f, e) {
			missed = e
		}
	}
	for _, a := range f.alive {
		switch {
		case ended != nil && ended.done < a.from:
			c.violated(ruleDead, "", []*event{ended.by, a}, "session %s was ended, and is there", l.name)
		case missed != nil && missed.to < a.from:
			c.violated(ruleDead, "", []*event{f.firstEnd(), missed, a}, "session %s was gone, and is there", l.name)
		default:
			c.checkExpired(l, a)
		}
	}
	for _, d := range f.dead {
		c.checkGone(l, f, d)
		c.checkLate(l, f, d, moved)
	}
}

// mayReturn reports whether a session that e has not found may exist later: the call that may have ended it was not
// acknowledged, and the server may have crashed before it had made the end durable.
func (c *checker) mayReturn(f *fate, e *event) bool {
	if !c.run.ShowsUnflushed || c.run.Fault == nil {
		return false
	}
	told := func(end end) bool { return end.by.from < e.to && end.by.outcome != unclear }
	return len(f.ends) > 0 && !slices.ContainsFunc(f.ends, told)
}

// markFor is how long a replaced sid is certainly remembered. It is less than the setting's default.
const markFor = 50 * time.Second

// checkLate checks the result of a request whose session has ended. If moved, an acknowledged call, has given the session
// another sid, no other session may begin for the request. The request may be told of another sid only if there may have
// been such a call. If servers fail, a mark may be lost.
func (c *checker) checkLate(l *life, f *fate, d, moved *event) {
	switch {
	case d.op != "start":
	case d.late:
		mayMove := func(e end) bool { return (e.by.op == "login" || e.by.op == "regenerate") && e.by.from < d.to }
		marks := func(e *event) bool { return e.op == "start" && !e.late && e.request.moves } // and e.on no longer existed
		if !slices.ContainsFunc(f.ends, mayMove) && !slices.ContainsFunc(f.dead, marks) {
			c.violated(ruleLate, "", []*event{l.born, d}, "session %s has no other sid, and its request is told that it has", l.name)
		}
	case moved != nil && moved.to < d.from && d.began.Sub(moved.ended) < markFor && c.run.marks():
		c.violated(ruleLate, "", []*event{moved, d}, "session %s has another sid, and its request gets another session", l.name)
	}
}

// marks reports whether every replaced sid is remembered.
func (r *run) marks() bool { return !r.NoMarks && !r.able.sealed && r.Fault == nil }

// firstEnd returns the first call that may have ended it, or nil.
func (f *fate) firstEnd() *event {
	if len(f.ends) == 0 {
		return nil
	}
	return f.ends[0].by
}

// checkGone checks that there is a reason why d has not found the session.
func (c *checker) checkGone(l *life, f *fate, d *event) {
	if l.born.to > d.from || c.mayHaveExpired(l, d) {
		return
	}
	if slices.ContainsFunc(f.ends, func(e end) bool { return e.by.from < d.to }) {
		return
	}
	var last *event
	for _, a := range f.alive {
		if a.to < d.from && (last == nil || a.to > last.to) {
			last = a
		}
	}
	c.violated(ruleLost, "", []*event{l.born, last, d}, "session %s is gone, and nobody has ended it", l.name)
}

// mayHaveExpired reports whether a session may have been past its deadline when d did not find it.
func (c *checker) mayHaveExpired(l *life, d *event) bool {
	var soonest time.Time
	settled, idle := int64(0), time.Hour // when the last deadline was set, and what the next request sets it to
	for _, e := range c.lines[l.line] {
		if e.lifetime == 0 || e.outcome == refused || e.from > d.to {
			continue
		}
		if at := e.began.Add(e.lifetime); soonest.IsZero() || at.Before(soonest) {
			soonest = at
		}
		if settled = max(settled, e.done()); e.op != "expire" {
			idle = min(idle, e.lifetime)
		}
	}
	if soonest.IsZero() {
		return false
	}
	for _, e := range c.lines[l.line] { // a request that uses the session moves the deadline, to within a twentieth
		if uses(e) && e.to < d.from && e.request.start.from > settled {
			if at := e.request.start.began.Add(idle * 19 / 20); at.After(soonest) {
				soonest = at
			}
		}
	}
	return soonest.Before(d.ended.Add(slack))
}

// uses reports whether a call has moved the idle deadline, if it was due.
func uses(e *event) bool {
	return e.outcome == acknowledged && (e.op == "save" || e.op == "release") && e.request.start != nil
}

// checkExpired checks that the session may still have been live when a found it.
func (c *checker) checkExpired(l *life, a *event) {
	if a.op != "start" && a.op != "look" {
		return
	}
	for _, set := range c.lines[l.line] {
		if set.lifetime == 0 || set.outcome != acknowledged || set.to > a.from {
			continue
		}
		if at, known := c.deadline(set, a); known && at.Add(slack).Before(a.began) {
			c.violated(ruleDeadline, "", []*event{set, a}, "session %s has expired %v ago at least, and is there",
				l.name, a.began.Sub(at).Round(time.Millisecond))
			return
		}
	}
}

// deadline returns the latest possible deadline of a session at a, after set has set it. known is false if another call may
// have moved it by a lifetime that it had loaded before, or has set a new lifetime.
func (c *checker) deadline(set, a *event) (at time.Time, known bool) {
	at = set.ended.Add(set.lifetime)
	for _, e := range c.lines[set.line()] {
		switch {
		case e == set || e.from > a.to || e.op == "look" || e.to < set.from && e.outcome != unclear:
		case e.request == set.request && e.from < set.from || e.request == a.request:
		case e.request.start == nil, e.request.start.from < set.to, set.op == "expire", e.lifetime != 0, e.op == "login", flushed(e):
			return at, false
		default:
			if moved := e.ended.Add(set.lifetime); moved.After(at) {
				at = moved
			}
		}
	}
	return at, true
}

func flushed(e *event) bool {
	return slices.ContainsFunc(e.changes, func(w *change) bool { return w.kind == "flush" })
}
