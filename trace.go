package session

import (
	"strings"

	"github.com/seed1a8f7c28/session/internal/cookies"
)

// A trace is what this request has done to its sid so far. It stands in the request, beside the sid, where an
// older Session of the same request finds it: in a cookie that no client can have sent, since it begins with a
// word that the manager has made up.
//
//	name.was=<word>.<public id>.<public id>   regenerated, from these
//	name.was=<word>.stuck                     a Regenerate has failed
//
// In front of either stands ".fixed" when UpdateExpiration has set the deadline.
const (
	stuckTrace = ".stuck"
	fixedTrace = ".fixed"
)

// trace returns what follows the word, "" if there is no trace.
func (v *visit) trace() string {
	rewriting.Lock()
	defer rewriting.Unlock()
	return v.traceLocked()
}

func (v *visit) traceLocked() string {
	scan := cookies.NewScan(v.x.RequestHeader("Cookie"), v.m.traceName)
	for value, ok := scan.Next(); ok; value, ok = scan.Next() {
		if trace, ours := strings.CutPrefix(value, v.m.word); ours {
			return trace
		}
	}
	return ""
}

// leadsFrom reports whether this request's session had sid before.
func (v *visit) leadsFrom(sid string) bool {
	return sid != "" && strings.Contains(v.trace()+".", "."+v.m.publicID(sid)+".")
}

// tracedFrom returns the trace of this request with one more sid that the session had.
func (s *Session) tracedFrom(sid string) string {
	if s.v == nil || sid == "" {
		return ""
	}
	return strings.TrimSuffix(s.v.trace(), stuckTrace) + "." + s.m.publicID(sid)
}

// stick notes in the request that a Regenerate has failed: an older Session of the request must not store a
// login under the old sid.
func (v *visit) stick() {
	if v.handled == nil {
		v.m.stuck.Store(true)
		v.rewrite(v.original, stuckTrace)
	}
}

// isStuck reports whether changes must wait for a Regenerate that succeeds.
func (s *Session) isStuck() bool {
	if s.v == nil || s.v.handled != nil {
		return s.stuck
	}
	return s.stuck && !s.v.moved() || s.m.stuck.Load() && strings.HasSuffix(s.v.trace(), stuckTrace)
}
