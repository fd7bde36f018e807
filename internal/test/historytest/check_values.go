package historytest

import (
	"cmp"
	"slices"
)

// A stay is a period in which a value was certainly there. A call that has written or read the value had it at some moment
// during the call. So the value was there from the end of the first of these calls to the beginning of the last, if that is
// later. Otherwise all of them may have had it at the same moment, of which only the limits are known.
type stay struct {
	write *event
	value string

	first, last   int64 // the end of the first call and the beginning of the last
	firstE, lastE *event
}

func (s *stay) at(e *event, done int64) {
	if s.firstE == nil || done < s.first {
		s.first, s.firstE = done, e
	}
	if s.lastE == nil || e.from > s.last {
		s.last, s.lastE = e.from, e
	}
}

// during reports whether a call was made entirely while the value was there.
func (s *stay) during(from, done int64) bool { return s.first < from && done < s.last }

// shows returns the calls that prove the stay.
func (s *stay) shows() []*event { return []*event{s.write, s.firstE, s.lastE} }

// checkValues checks the values of one session.
func (c *checker) checkValues(events []*event) {
	for _, key := range keys {
		c.checkKey(key, events)
	}
	c.checkList(events)
	c.checkCounter(events)
}

// effect returns what a call does to a key: the last change of the key or of everything.
func (e *event) effect(key string) *change {
	for _, c := range slices.Backward(e.changes) {
		if c.key == key || c.kind == "flush" {
			return c
		}
	}
	return nil
}

// checkKey checks a key that is set and removed.
func (c *checker) checkKey(key string, events []*event) {
	stays := make(map[string]*stay)
	var removals, views []*event
	for _, e := range events {
		if e.outcome == refused {
			continue
		}
		switch w := e.effect(key); {
		case w == nil:
		case w.kind == "set":
			if stays[w.value] == nil {
				stays[w.value] = &stay{value: w.value}
			}
			stays[w.value].write = e
			stays[w.value].at(e, e.done())
		default:
			removals = append(removals, e)
		}
		if e.saw == nil {
			continue
		}
		views = append(views, e)
		if value, ok := e.saw.values[key]; ok {
			if stays[value] == nil {
				stays[value] = &stay{value: value}
			}
			stays[value].at(e, e.to)
		}
	}
	var all []*stay
	for _, s := range stays {
		if s.write != nil && !s.write.retried { // a repeated write may be there twice; checkView has reported values without a writer
			all = append(all, s)
		}
	}
	c.checkOrder(key, all)
	c.checkRemoved(key, all, removals)
	c.checkMissing(key, all, removals, views, func(v *view) bool { return v.values[key] == "" })
}

// checkOrder checks that one of two values was there before the other.
func (c *checker) checkOrder(key string, stays []*stay) {
	for _, a := range stays {
		for _, b := range stays {
			if a == b || a.first >= a.last || !(a.first < b.last && b.first < a.last) {
				continue
			}
			if b.first < b.last && a.value > b.value {
				continue // the reverse case reports it
			}
			c.violated(ruleValue, key, append(a.shows(), b.shows()...),
				"%s of session %s was %s throughout, and %s in between", key, a.write.line().name, a.value, b.value)
		}
	}
}

// checkRemoved checks that values are gone after they were removed.
func (c *checker) checkRemoved(key string, stays []*stay, removals []*event) {
	for _, s := range stays {
		for _, r := range removals {
			if r != s.write && s.during(r.from, r.done()) {
				c.violated(ruleValue, key, append(s.shows(), r), "%s of session %s was removed, and is %s again",
					key, s.write.line().name, s.value)
			}
		}
	}
}

// checkMissing checks that values are not missing unless they may have been removed.
func (c *checker) checkMissing(key string, stays []*stay, removals, views []*event, misses func(v *view) bool) {
	slices.SortFunc(stays, func(a, b *stay) int { return cmp.Compare(b.last, a.last) })
	for _, v := range views {
		if !misses(v.saw) {
			continue
		}
		for _, s := range stays {
			if s.first >= v.from || s.write == v {
				continue
			}
			if s.during(v.from, v.to) {
				c.violated(ruleValue, key, append(s.shows(), v), "%s of session %s was %s before and after it was not there",
					key, s.write.line().name, s.value)
			} else if !removable(s, v, removals) {
				c.violated(ruleValue, key, []*event{s.write, s.firstE, v}, "%s of session %s had %s, and nobody has removed it",
					key, s.write.line().name, s.value)
			}
			break
		}
	}
}

// removable reports whether the value may have been removed when v did not see it.
func removable(s *stay, v *event, removals []*event) bool {
	return slices.ContainsFunc(removals, func(r *event) bool { return r.from < v.to && r.done() > s.last })
}
