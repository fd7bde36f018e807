package fakessdb

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

func zget(s *store, req []string) response {
	score, found := s.zsets[req[1]][req[2]]
	return lookup(strconv.FormatInt(score, 10), found)
}

func zset(s *store, req []string) response {
	added, stored := s.putMember(req[1], req[2], scoreOf(req[3]))
	if !stored {
		return failed()
	}
	return okBool(added)
}

// scoreOf reads a whole number. Garbage counts as zero.
func scoreOf(s string) int64 {
	n, _ := number(s)
	return n
}

func zdel(s *store, req []string) response {
	if tooLong(req[1]) || tooLong(req[2]) {
		return failed()
	}
	return okBool(s.removeMember(req[1], req[2]))
}

// zscan lists members and their scores.
func zscan(s *store, req []string) response {
	resp := ok()
	for _, member := range s.members(req) {
		resp = append(resp, member, strconv.FormatInt(s.zsets[req[1]][member], 10))
	}
	return resp
}

func zkeys(s *store, req []string) response { return ok(s.members(req)...) }

// members reads a range of a sorted set: name, start member, start score, end score and limit. The range begins after the start
// member at the start score; without a start member it includes that score. A start member alone begins at its own score.
func (s *store) members(req []string) []string {
	set := s.zsets[req[1]]
	after, low, high := req[2], int64(math.MinInt64), int64(math.MaxInt64)
	if req[3] != "" {
		low = scoreOf(req[3])
	} else if own, found := set[after]; found {
		low = own
	}
	if req[4] != "" {
		high = scoreOf(req[4])
	}
	var members []string
	for member, at := range set {
		// SSDB ends a range at the member "\xff" of the last score. Members after that one are not seen.
		begun := at > low || at == low && member > after
		ended := at > high || at == high && member > "\xff"
		if begun && !ended {
			members = append(members, member)
		}
	}
	slices.SortFunc(members, func(a, b string) int {
		return cmp.Or(cmp.Compare(set[a], set[b]), cmp.Compare(a, b))
	})
	return limited(members, unsigned(req[5]))
}

// multiZset counts new members.
func multiZset(s *store, req []string) response {
	if len(req) < 4 || len(req)%2 != 0 {
		return response{"client_error"}
	}
	count := int64(0)
	for i := 2; i < len(req); i += 2 {
		added, stored := s.putMember(req[1], req[i], scoreOf(req[i+1]))
		if !stored {
			return failed()
		}
		if added {
			count++
		}
	}
	return okNumber(count)
}

// multiZdel counts the members that existed.
func multiZdel(s *store, req []string) response {
	count := int64(0)
	for _, member := range req[2:] {
		if tooLong(req[1]) || tooLong(member) {
			return failed()
		}
		if s.removeMember(req[1], member) {
			count++
		}
	}
	return okNumber(count)
}
