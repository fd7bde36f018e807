package redis

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// The index of a user is a sorted set of session keys. An entry is made before the session is the user's and
// removed after, so that the entries of a user are those of the user's sessions, and after a crash, or when a
// session has expired, maybe more: whoever reads them looks at the sessions. An entry's score is until when it
// counts although there is no such session, which may be about to be stored.
//
// The index expires slack after the time that stands inside the records of its sessions, at the earliest. A
// touch past that extends the index first.
const (
	grace = 30 * time.Second
	slack = 6 * time.Hour
)

// indexCalls are the calls that put a session into the index of its user. Nobody has none. With shorten, which is for a
// session that is stored, it may count for less long than before.
func (s *store) indexCalls(user, key string, expires time.Time, shorten bool) []*call {
	if user == "" {
		return nil
	}
	index := s.keys.index(user)
	counts, until := entryTimes(expires)
	add := plainCall("zadd", index, "gt", counts, key)
	if shorten {
		add = plainCall("zadd", index, counts, key)
	}
	calls := make([]*call, 0, 4)
	return append(calls,
		add,
		plainCall("pexpireat", index, until, "nx"),
		plainCall("pexpireat", index, until, "gt"))
}

// entryTimes returns until when the entry of a session that is about to be stored counts without it, and when the index
// may expire at the earliest, in ms.
func entryTimes(expires time.Time) (counts, until int64) {
	return min(time.Now().Add(grace).UnixMilli(), expires.UnixMilli()), expires.Add(slack).UnixMilli()
}

// sendIndexed sends a call that makes the session the user's, and the index first.
func (s *store) sendIndexed(ctx context.Context, op, user, key string, expires time.Time, c *call) error {
	calls := s.indexCalls(user, key, expires, false)
	if calls != nil && !s.ordered {
		if err := s.send(ctx, op, calls...); err != nil {
			return err
		}
		calls = nil
	}
	return s.send(ctx, op, append(calls, c)...)
}

// forget removes the entry of a session that is gone. What it cannot remove is found out by whoever reads it.
func (s *store) forget(ctx context.Context, user, key string) {
	_ = s.send(ctx, "index", plainCall("zrem", s.keys.index(user), key))
}

// leave removes the entry of a session that has become another's or is gone, unless somebody is about to make it the
// user's again: that would have given the entry another score. Nobody has none.
func (s *store) leave(ctx context.Context, user, key string) {
	if user == "" {
		return
	}
	index := s.keys.index(user)
	score := plainCall("zscore", index, key)
	if s.send(ctx, "index", score) != nil || score.none() {
		return
	}
	who := s.head(key, user)
	if s.send(ctx, "index", who) != nil || isOf(who, user) {
		return
	}
	keys := []string{index}
	if s.ordered {
		keys = append(keys, s.keys.session(key))
	}
	_ = s.send(ctx, "index", leaveScript.callOn(keys, key, score.cmd.Val(), prefixed(user)).repeatable())
}

// prefixed returns a user as a record has it, after two bytes of length.
func prefixed(user string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(user))), user...)
}

// head returns a call for the header and the user of a record that is thought to be this user's.
func (s *store) head(key, user string) *call {
	return plainCall("getrange", s.keys.session(key), 0, driver.RecordUserOffset+1+len(user))
}
