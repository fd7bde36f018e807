package historytest

import (
	"errors"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session"
)

// checkLimits checks how many sessions users have, and which sessions logins have ended.
func (c *checker) checkLimits() {
	for _, e := range c.events {
		switch {
		case e.op == "list user" && len(e.listed) > maxPerUser+c.twice(e):
			events := []*event{e}
			for _, id := range e.listed {
				if l := c.history.byID[id]; l != nil {
					events = append(events, l.login)
				}
			}
			c.violated(ruleLimit, "", events, "%s has %d sessions, %d are allowed", e.user, len(e.listed), maxPerUser)
		case errors.Is(e.err, session.ErrTooManySessions):
			c.checkRoom(e, nil, 0)
		}
		for i, id := range e.evicted {
			switch l := c.history.byID[id]; {
			case l == nil: // a session whose response was lost
			case l.user != e.user:
				c.violated(ruleRoom, "", []*event{l.born, e}, "a login of %s has ended %s, which is %s", e.user, l.name, whose(l.user))
			default:
				c.checkRoom(e, l, i)
				c.checkOldest(e, l)
			}
		}
	}
}

// twice returns how many sessions of the user may have been listed twice.
func (c *checker) twice(e *event) (n int) {
	for _, m := range c.moves {
		if c.run.CountsTwice && m.from < e.to && m.done() > e.from && (m.user == e.user || m.on != nil && m.on.user == e.user) {
			n++
		}
	}
	return n
}

// checkRoom checks that there was no room for a login that has ended l, after it had ended others.
func (c *checker) checkRoom(e *event, l *life, others int) {
	n := c.places(e)
	switch {
	case n-others >= maxPerUser:
	case l == nil:
		c.violated(ruleRoom, "", []*event{e}, "%s has %d sessions at most, and the login was refused", e.user, n)
	default:
		c.violated(ruleRoom, "", []*event{l.login, e}, "%s has %d sessions at most, and the login has ended %s", e.user, n, l.name)
	}
}

// places returns how many sessions of the user may have existed during a login, including logins that hold a place.
func (c *checker) places(e *event) (n int) {
	for _, l := range c.ofUser[e.user] {
		if l != e.made && l.born.from < e.to && (!c.isGone(l, e.from) || c.mayHoldPlace(l, e)) {
			n++
		}
	}
	hold := c.run.opTimeout() + 5*time.Second + slack
	for _, m := range c.moves {
		logsIn, renames := m.user == e.user, m.on != nil && m.on.user == e.user
		switch {
		case m == e || m.from > e.to:
		case m.outcome == unclear && (logsIn || renames): // there may be a session that no client knows
			n++
		case logsIn && (m.to > e.from || m.outcome == refused && e.began.Sub(m.ended) < hold):
			n++
		case renames && c.run.CountsTwice && m.to > e.from:
			n++
		}
	}
	return n
}

// mayHoldPlace reports whether a session that has ended may still count at the login e.
func (c *checker) mayHoldPlace(l *life, e *event) bool {
	lately := func(end end) bool { return e.began.Sub(end.by.ended) < c.run.HoldsPlaces+slack }
	return c.run.HoldsPlaces > 0 && c.run.Fault != nil && slices.ContainsFunc(c.lives[l].ends, lately)
}

// isGone reports whether a session has certainly ended by the time at.
func (c *checker) isGone(l *life, at int64) bool {
	f := c.lives[l]
	return slices.ContainsFunc(f.ends, func(e end) bool { return e.done < at }) ||
		slices.ContainsFunc(f.dead, func(e *event) bool { return e.to < at && !c.mayHaveExpired(l, e) })
}

// checkOldest checks that the ended session was the one with the earliest login.
func (c *checker) checkOldest(e *event, ended *life) {
	for _, l := range c.ofUser[e.user] {
		if l == e.on || l == ended || l.born.to > e.from || !ended.login.began.After(l.login.ended.Add(slack)) {
			continue
		}
		stayed := slices.IndexFunc(c.lives[l].alive, func(a *event) bool { return a.from > e.to })
		if stayed >= 0 {
			c.violated(ruleRoom, "", []*event{l.login, ended.login, e, c.lives[l].alive[stayed]},
				"%s logged in to %s before %s, which was ended instead", e.user, l.name, ended.name)
		}
	}
}
