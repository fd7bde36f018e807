package historytest

import (
	"cmp"
	"slices"
)

// checkList checks the list that updates append to: it contains each update once, until a flush.
func (c *checker) checkList(events []*event) {
	stays := make(map[string]*stay)
	var order []*stay
	var removals, views []*event
	for _, e := range events {
		if e.outcome == refused {
			continue
		}
		flushed := false
		for _, w := range e.changes {
			switch w.kind {
			case "flush":
				flushed = true
			case "update":
				s := &stay{value: w.value, write: e}
				s.at(e, e.done())
				stays[w.value] = s
				order = append(order, s)
			}
		}
		if flushed {
			removals = append(removals, e)
		}
		if e.saw != nil {
			views = append(views, e)
		}
	}
	for _, v := range views {
		c.checkTwice(v)
		for _, value := range v.saw.updates {
			if s := stays[value]; s != nil {
				s.at(v, v.to)
			}
		}
	}
	order = slices.DeleteFunc(order, func(s *stay) bool { return flushes(s.write, s.value) })
	c.checkRemoved(listKey, order, removals)
	for _, s := range order {
		c.checkMissing(listKey, []*stay{s}, removals, views, func(v *view) bool { return !slices.Contains(v.updates, s.value) })
	}
}

// flushes reports whether a call removes an update that it made earlier.
func flushes(e *event, value string) bool {
	for _, w := range slices.Backward(e.changes) {
		if w.value == value {
			return false
		}
		if w.kind == "flush" {
			return true
		}
	}
	return false
}

// checkTwice checks that no update was made twice.
func (c *checker) checkTwice(v *event) {
	seen := make(map[string]bool)
	for _, value := range v.saw.updates {
		if seen[value] {
			events := []*event{v}
			if w := c.history.values[value]; w != nil {
				events = append(events, w.saved)
			}
			c.violated(ruleExact, listKey, events, "the update %s was made twice", value)
			return
		}
		seen[value] = true
	}
}

// added returns how much a call adds to the counter, and whether it resets the counter first.
func (e *event) added() (n int64, resets bool) {
	for _, w := range e.changes {
		switch w.kind {
		case "flush":
			n, resets = 0, true
		case "increment":
			n += w.n
		}
	}
	return n, resets
}

// bases is the number of earlier views with which a view of the counter is compared.
const bases = 12

// checkCounter checks that between two views the counter has grown by the sum of the increments: at least by those that
// were certainly made in between, and at most by those that may have been.
func (c *checker) checkCounter(events []*event) {
	var adds, resets, views []*event
	for _, e := range events {
		if e.saw != nil {
			views = append(views, e)
		}
		if e.outcome == refused {
			continue
		}
		n, reset := e.added()
		if reset {
			resets = append(resets, e)
		}
		if n != 0 {
			adds = append(adds, e)
		}
	}
	ended := slices.Clone(views)
	slices.SortFunc(ended, func(a, b *event) int { return cmp.Compare(a.to, b.to) })
	for _, v := range views {
		if n, reset := v.added(); reset && v.on != nil && v.saw.n != n {
			c.violated(ruleExact, counterKey, []*event{v}, "the counter was flushed and increased by %d, and is %d", n, v.saw.n)
		}
		before, _ := slices.BinarySearchFunc(ended, v.from, func(e *event, from int64) int { return cmp.Compare(e.to, from) })
		for _, base := range slices.Backward(ended[max(0, before-bases):before]) {
			if !mayReset(resets, base, v) && c.checkGrowth(base, v, adds) {
				break
			}
		}
	}
}

// mayReset reports whether the counter may have been reset between two views.
func mayReset(resets []*event, base, v *event) bool {
	return slices.ContainsFunc(resets, func(r *event) bool { return r != base && r.from < v.to && r.done() > base.from })
}

// checkGrowth compares two views. It reports whether it has found a violation.
func (c *checker) checkGrowth(base, v *event, adds []*event) bool {
	var least, most int64
	var sure, maybe []*event
	for _, a := range adds {
		if a == base || a.from > v.to {
			continue
		}
		n, _ := a.added()
		if a == v || a.outcome == acknowledged && a.from > base.to && a.to < v.from {
			least += n
			sure = append(sure, a)
		}
		if a == v || a.done() > base.from {
			most += n
			maybe = append(maybe, a)
		}
	}
	grown := v.saw.n - base.saw.n
	switch {
	case grown < least:
		c.violated(ruleExact, counterKey, append(sure, base, v),
			"the counter was %d, was increased by %d, and is %d", base.saw.n, least, v.saw.n)
	case grown > most:
		c.violated(ruleExact, counterKey, append(maybe, base, v),
			"the counter was %d, was increased by %d at most, and is %d", base.saw.n, most, v.saw.n)
	default:
		return false
	}
	return true
}
