package historytest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A use is the time that an operation takes.
type use struct {
	client   int
	from, to int64
	n        int // number of operations
}

// result counts the operations. A call lasts from its beginning to its end. A change lasts from the time when its request
// has loaded the session until it is saved, because other clients can interfere in between.
func (h *history) result(r *run) Result {
	result := Result{Requests: h.count, Kinds: make(map[string]int)}
	uses := make(map[*line][]use)
	for _, e := range h.events {
		if e.client == 0 { // a read at the end
			continue
		}
		result.Kinds[e.op]++
		result.Operations++
		switch e.outcome {
		case acknowledged:
			result.Acked++
		case refused:
			result.Refused++
		case unclear:
			result.Unclear++
		}
		if e.ends && e.outcome == acknowledged {
			result.Ended++
		}
		result.Ended += len(e.evicted)
		l := e.line()
		if e.on != nil {
			l = e.on.line
		}
		if l == nil {
			continue
		}
		uses[l] = append(uses[l], use{e.client, e.from, e.to, 1})
		if len(e.changes) > 0 {
			for _, c := range e.changes {
				result.Kinds[c.kind]++
			}
			result.Operations += len(e.changes)
			uses[l] = append(uses[l], use{e.client, e.request.start.from, e.to, len(e.changes)})
		}
	}
	for _, of := range uses {
		result.Overlapping += overlapping(of)
	}
	return result
}

// overlapping returns how many operations overlap an operation of another client.
func overlapping(uses []use) (n int) {
	for _, a := range uses {
		if slices.ContainsFunc(uses, func(b use) bool { return a.client != b.client && a.from < b.to && b.from < a.to }) {
			n += a.n
		}
	}
	return n
}

func counted(kinds map[string]int) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		parts = append(parts, fmt.Sprintf("%s %d", kind, kinds[kind]))
	}
	return strings.Join(parts, ", ")
}
