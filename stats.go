package session

import (
	"math/rand/v2"
	"sync/atomic"
)

// Stats are what a manager has done since it was made. The numbers only grow.
type Stats struct {
	Started     uint64 // sessions begun
	Loaded      uint64 // sessions found, by the sid that a client sent
	Saved       uint64 // changes stored
	Touched     uint64 // idle deadlines moved with nothing else to store
	Regenerated uint64 // new sids given, those of logins too
	Conflicts   uint64 // tries to store that met another node's, and were made again
	Malformed   uint64 // sids refused by their shape, which no manager has made
	Unknown     uint64 // sids of the right shape that name no session: expired, destroyed, or guessed
	LoggedOut   uint64 // sessions destroyed for ReasonLogout
	Revoked     uint64 // for ReasonRevoked; not those of DestroyAll, which are not counted anywhere
	Limited     uint64 // for ReasonLimit
	Swept       uint64 // expired sessions that this manager's sweeper has removed
	Errors      uint64 // calls of the store that failed
}

// Stats returns the counters. Each is exact; between two of them others may count.
func (m *Manager) Stats() Stats {
	n := func(c counter) (sum uint64) {
		for i := range m.stats.stripes {
			sum += m.stats.stripes[i].n[c].Load()
		}
		return sum
	}
	return Stats{
		Started: n(started), Loaded: n(found), Saved: n(saved), Touched: n(touched), Regenerated: n(regenerated),
		Conflicts: n(conflicts), Malformed: n(malformed), Unknown: n(unknown),
		LoggedOut: n(loggedOut), Revoked: n(revoked), Limited: n(limited), Swept: n(swept), Errors: n(failures),
	}
}

type counter int

const (
	started counter = iota
	found
	saved
	touched
	regenerated
	conflicts
	malformed
	unknown
	loggedOut
	revoked
	limited
	swept
	failures
	counters
)

// statistics counts in stripes, so that requests on many processors do not wait for one cache line.
type statistics struct {
	stripes [16]stripe
}

type stripe struct {
	n [counters]atomic.Uint64
	_ [(128 - counters*8%128) % 128]byte
}

func (s *statistics) add(c counter, n uint64) {
	s.stripes[rand.Uint32()%uint32(len(s.stripes))].n[c].Add(n)
}

func (s *statistics) count(c counter) { s.add(c, 1) }

func (s *statistics) destroyed(r Reason) {
	switch r {
	case ReasonLogout:
		s.count(loggedOut)
	case ReasonRevoked:
		s.count(revoked)
	case ReasonLimit:
		s.count(limited)
	}
}
