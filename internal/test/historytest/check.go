package historytest

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// The rules, as failures show them.
const (
	ruleOthers    = "nobody sees another's values or user"
	ruleDead      = "nothing comes back from the dead"
	ruleOnce      = "a session gets one new sid"
	ruleLate      = "a request whose sid was replaced gets no other session"
	ruleLost      = "a session that nobody has ended is found"
	ruleDeadline  = "a session is gone at its deadline"
	ruleUnchanged = "what was refused is not made"
	ruleLimit     = "no user has more sessions than the limit"
	ruleRoom      = "a login ends no session that it need not end"
	ruleValue     = "a key has the value of its last save"
	ruleExact     = "increments and updates are made once"
)

var rules = []string{
	ruleOthers, ruleDead, ruleOnce, ruleLate, ruleLost, ruleDeadline, ruleUnchanged, ruleLimit, ruleRoom, ruleValue, ruleExact,
}

// A Violation is a broken rule, with the calls that show it.
type Violation struct {
	Rule   string // a sentence
	text   string
	key    string // the key that it is about, "" for the whole session
	events []*event
	run    *run
	rank   int
}

// Events returns the number of calls that show it.
func (v Violation) Events() int { return len(v.events) }

// A checker looks for violations of the rules.
type checker struct {
	history *history
	run     *run
	events  []*event // in the order of their beginnings
	lines   map[*line][]*event
	lives   map[*life]*fate
	ofUser  map[string][]*life
	moves   []*event // calls that give sessions new sids
	found   []Violation
}

// check returns the violations: for each rule the shortest one, or the first of these.
func check(h *history, r *run) []Violation {
	slices.SortFunc(h.events, func(a, b *event) int { return cmp.Compare(a.from, b.from) })
	c := &checker{
		history: h, run: r, events: h.events,
		lines: make(map[*line][]*event), lives: make(map[*life]*fate), ofUser: make(map[string][]*life),
	}
	for _, l := range h.lives {
		c.ofUser[l.user] = append(c.ofUser[l.user], l)
	}
	for _, e := range c.events {
		if l := e.line(); l != nil {
			c.lines[l] = append(c.lines[l], e)
		}
		if e.op == "login" || e.op == "regenerate" {
			c.moves = append(c.moves, e)
		}
		c.checkView(e)
		if r.able.sealed {
			c.checkSealed(e)
		}
	}
	if !r.able.sealed {
		c.checkStored()
	}
	c.sort()
	return c.found
}

// checkStored checks the rules for stores in which the requests of a session share what is stored.
func (c *checker) checkStored() {
	c.checkLives()
	for _, events := range c.lines {
		c.checkValues(events)
	}
	if c.run.able.users {
		c.checkLimits()
	}
}

// sort puts the shortest violation of each rule first, in the order of the rules, because the cause of one violation often
// causes later ones too.
func (c *checker) sort() {
	slices.SortStableFunc(c.found, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(len(a.events), len(b.events)), cmp.Compare(a.events[0].from, b.events[0].from))
	})
	told := make(map[string]int)
	for i := range c.found {
		v := &c.found[i]
		told[v.Rule]++
		v.rank = told[v.Rule]*len(rules) + slices.Index(rules, v.Rule)
	}
	slices.SortFunc(c.found, func(a, b Violation) int { return cmp.Compare(a.rank, b.rank) })
}

// violated records a violation. events may contain duplicates and nil.
func (c *checker) violated(rule, key string, events []*event, format string, args ...any) {
	v := Violation{Rule: rule, key: key, run: c.run, text: fmt.Sprintf(format, args...)}
	for _, e := range events {
		if e != nil && !slices.Contains(v.events, e) {
			v.events = append(v.events, e)
		}
	}
	slices.SortFunc(v.events, func(a, b *event) int { return cmp.Compare(a.from, b.from) })
	c.found = append(c.found, v)
}

// checkView checks that a view contains only what requests of this session have stored.
func (c *checker) checkView(e *event) {
	if e.saw == nil {
		return
	}
	owner := e.on
	if e.made != nil {
		owner = e.made
	}
	if e.saw.user != owner.user {
		c.violated(ruleOthers, "", []*event{owner.login, owner.born, e}, "session %s is %s, and shows %s",
			owner.name, whose(owner.user), whose(e.saw.user))
	}
	if e.saw.odd != "" {
		c.violated(ruleOthers, e.saw.odd, []*event{e}, "session %s has a value that no client writes", owner.name)
	}
	for key, value := range e.saw.values {
		c.checkWriter(e, owner, key, value)
	}
	for _, value := range e.saw.updates {
		c.checkWriter(e, owner, listKey, value)
	}
}

// checkWriter checks that a value was stored in this session under this key.
func (c *checker) checkWriter(e *event, owner *life, key, value string) {
	switch w := c.history.values[value]; {
	case w == nil:
		c.violated(ruleOthers, key, []*event{e}, "session %s has a value that no client has written", owner.name)
	case w.line != owner.line:
		c.violated(ruleOthers, key, []*event{w.saved, e}, "session %s has a value of session %s", owner.name, w.line.name)
	case w.key != key:
		c.violated(ruleOthers, key, []*event{w.saved, e}, "session %s has under %s what was written under %s", owner.name, key, w.key)
	case w.saved == nil:
		c.violated(ruleUnchanged, key, []*event{e}, "session %s has %s, which was never saved", owner.name, value)
	case w.saved.outcome == refused:
		c.violated(ruleUnchanged, key, []*event{w.saved, e}, "session %s has %s, which was refused", owner.name, value)
	case key != listKey && w.saved.effect(key) != w || key == listKey && flushes(w.saved, value):
		c.violated(ruleValue, key, []*event{w.saved, e}, "session %s has %s, which its own request has replaced", owner.name, value)
	case w.saved.from > e.to:
		c.violated(ruleValue, key, []*event{w.saved, e}, "session %s has %s before it is saved", owner.name, value)
	}
}

func whose(user string) string {
	if user == "" {
		return "nobody's"
	}
	return user + "'s"
}

// slack is the precision of deadlines: stores keep milliseconds.
const slack = 25 * time.Millisecond
