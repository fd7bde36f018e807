package drilltest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// An account is a session and what has to be in it.
type account struct {
	user string // who logs in

	mu      sync.Mutex // two visitors may use one account
	cookies jar
	facts   map[string]fact
	by      string // the version that has stored last

	begun, acked int64 // increments of count
}

// A fact is a value that was acknowledged, and the version of the node that has stored it.
type fact struct{ text, by string }

const count = "count"

// empty makes the account that of a visitor without a session.
func (a *account) empty() {
	a.cookies, a.facts, a.by, a.begun, a.acked = nil, make(map[string]fact), "", 0, 0
}

// isEmpty reports whether the account is that of a visitor without a session.
func (a *account) isEmpty() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.cookies) == 0
}

// ownedBy reports whether a value is one that only this visitor changes.
func ownedBy(visitor, key string) bool { return visitor != "" && strings.HasPrefix(key, visitor+"/") }

// expectation is what a request has to find. What peer changes is left out, since it may just be doing that; peer may be "".
type expectation struct {
	peer  string
	facts map[string]fact
	by    string
	floor int64
}

func (a *account) expect(peer string) expectation {
	e := expectation{peer: peer, facts: maps.Clone(a.facts), by: a.by, floor: a.acked}
	maps.DeleteFunc(e.facts, func(key string, _ fact) bool { return ownedBy(peer, key) })
	return e
}

// A loss is what a node has not found as it was acknowledged.
type loss struct{ by, what string }

// compare compares what was seen with what was to be seen; the counter may be up to ceil.
func (e expectation) compare(user string, seen facts, ceil int64) []loss {
	if len(seen) == 0 && e.by != "" {
		if e.facts[userFact].text != "" {
			return []loss{{e.by, user + " is logged out, all values are lost"}}
		}
		return []loss{{e.by, "the session of " + user + ", who was not logged in, is lost"}}
	}
	var losses []loss
	for _, key := range slices.Sorted(maps.Keys(e.facts)) {
		want := e.facts[key]
		switch got, ok := seen[key]; {
		case !ok:
			losses = append(losses, loss{want.by, "lost is " + short(key, want.text)})
		case got != want.text:
			losses = append(losses, loss{want.by, short(key, got) + ", want " + short("", want.text)})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		if _, ok := e.facts[key]; !ok && key != count && !ownedBy(e.peer, key) {
			losses = append(losses, loss{e.by, "nobody has stored, or not any more, " + short(key, seen[key])})
		}
	}
	if what := e.miscounted(seen[count], ceil); what != "" {
		losses = append(losses, loss{e.by, what})
	}
	return losses
}

func (e expectation) miscounted(got string, ceil int64) string {
	digits, is := strings.CutPrefix(got, "int64 ")
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case got == "" && e.floor == 0:
		return ""
	case !is || err != nil:
		return fmt.Sprintf("after %d increments the counter is %q", e.floor, got)
	case n < e.floor:
		return fmt.Sprintf("increments are lost: %d were acknowledged, the counter is %d", e.floor, n)
	case n > ceil:
		return fmt.Sprintf("increments were made twice: %d were asked for, the counter is %d", ceil, n)
	}
	return ""
}

// short is a value for a message: some are long.
func short(key, text string) string {
	if len(text) > 60 {
		text = text[:60] + "…"
	}
	if key == "" {
		return strconv.Quote(text)
	}
	return key + " = " + strconv.Quote(text)
}

// made takes in what a request has made.
func (a *account) made(made facts, by string) {
	a.by = by
	for key, text := range made {
		switch {
		case key == count || key == numberFact:
		case text == "":
			delete(a.facts, key)
		default:
			a.facts[key] = fact{text, by}
		}
	}
}
