package redis

import (
	"context"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// An index finds the sessions of a user, or of an alias. It is a sorted set of session keys. An entry is made before the
// session has the name and removed after, so that the entries of a name are those of its sessions, and after a crash, or
// when a session has expired, maybe more: whoever reads them looks at the sessions. An entry's score is until when it
// counts although there is no such session, which may be about to be stored.
//
// The index expires slack after the time that stands inside the records of its sessions, at the earliest. A
// touch past that extends the index first.
type index struct {
	*nameKind
	name string
}

// A nameKind is what tells users from aliases.
type nameKind struct {
	letter string                          // in the names of the indexes
	place  int                             // among what names in record.lua returns
	of     func(rec *driver.Record) string // "" for none
}

var (
	users   = &nameKind{"u", 1, func(rec *driver.Record) string { return rec.User }}
	aliases = &nameKind{"a", 2, func(rec *driver.Record) string { return rec.Alias }}
)

const (
	grace = 30 * time.Second
	slack = 6 * time.Hour
)

// indexesOf returns the indexes that have a session of this user and this alias. Nobody is in none.
func indexesOf(user, alias string) (list []index) {
	if user != "" {
		list = append(list, index{users, user})
	}
	if alias != "" {
		list = append(list, index{aliases, alias})
	}
	return list
}

// indexCalls are the calls that put a session into the indexes. With shorten, which is for a session that is stored, it
// may count for less long than before.
func (s *store) indexCalls(indexes []index, key string, expires time.Time, shorten bool) (calls []*call) {
	counts, until := entryTimes(expires)
	for _, x := range indexes {
		name := s.keys.index(x)
		add := plainCall("zadd", name, "gt", counts, key)
		if shorten {
			add = plainCall("zadd", name, counts, key)
		}
		calls = append(calls, add,
			plainCall("pexpireat", name, until, "nx"),
			plainCall("pexpireat", name, until, "gt"))
	}
	return calls
}

// entryTimes returns until when the entry of a session that is about to be stored counts without it, and when the index
// may expire at the earliest, in ms.
func entryTimes(expires time.Time) (counts, until int64) {
	return min(time.Now().Add(grace).UnixMilli(), expires.UnixMilli()), expires.Add(slack).UnixMilli()
}

// sendIndexed sends a call that gives the session its names, and the indexes first.
func (s *store) sendIndexed(ctx context.Context, op string, indexes []index, key string, expires time.Time, c *call) error {
	calls := s.indexCalls(indexes, key, expires, false)
	if calls != nil && !s.ordered {
		if err := s.send(ctx, op, calls...); err != nil {
			return err
		}
		calls = nil
	}
	return s.send(ctx, op, append(calls, c)...)
}

// forgetCalls are the calls that remove the entries of a session that is gone.
func (s *store) forgetCalls(indexes []index, key string) (calls []*call) {
	for _, x := range indexes {
		calls = append(calls, plainCall("zrem", s.keys.index(x), key))
	}
	return calls
}

// tidy sends what removes entries. What it cannot remove is found out by whoever reads it.
func (s *store) tidy(ctx context.Context, calls []*call) {
	if len(calls) > 0 {
		_ = s.send(ctx, "index", calls...)
	}
}

// leave removes the entries of a session that has lost these names or is gone, unless somebody is about to give it the
// name again: that would have given the entry another score.
func (s *store) leave(ctx context.Context, indexes []index, key string) {
	if len(indexes) == 0 {
		return
	}
	scores := make([]*call, len(indexes))
	for i, x := range indexes {
		scores[i] = plainCall("zscore", s.keys.index(x), key)
	}
	if s.send(ctx, "index", scores...) != nil || !slices.ContainsFunc(scores, func(c *call) bool { return !c.none() }) {
		return
	}
	found, err := s.entries(ctx, "index", []string{key})
	if err != nil {
		return
	}
	var calls []*call
	for i, x := range indexes {
		if scores[i].none() || len(found) > 0 && x.of(&found[0].Record) == x.name {
			continue
		}
		keys := []string{s.keys.index(x)}
		if s.ordered {
			keys = append(keys, s.keys.session(key))
		}
		calls = append(calls, leaveScript.callOn(keys, key, scores[i].cmd.Val(), x.name, x.place).repeatable())
	}
	s.tidy(ctx, calls)
}
