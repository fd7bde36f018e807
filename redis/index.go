package redis

import (
	"context"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// An index finds the sessions of a user or of an alias. It is a sorted set of session keys. An entry is added before the
// session gets the name and removed after it loses it. So every session of a name has an entry. After a crash, or when
// sessions have expired, there may be additional entries; readers therefore check the sessions. The score of an entry is
// the time until which it is valid without a session, because that session may be about to be stored.
//
// When a session is stored, its index is made to expire slack after it or later. A touch extends the index again whenever it
// moves the expiry past a multiple of step, which is less than slack.
type index struct {
	*nameKind
	name string
}

// A nameKind distinguishes users from aliases.
type nameKind struct {
	letter string                          // part of the index's name
	place  int                             // position among the names that record.lua returns
	of     func(rec *driver.Record) string // "" for none
}

var (
	users   = &nameKind{"u", 1, func(rec *driver.Record) string { return rec.User }}
	aliases = &nameKind{"a", 2, func(rec *driver.Record) string { return rec.Alias }}
)

const (
	grace = 30 * time.Second
	slack = 6 * time.Hour
	step  = slack / 2
)

// indexesOf returns the indexes that contain a session of this user and this alias. There is no index for an empty name.
func indexesOf(user, alias string) (list []index) {
	if user != "" {
		list = append(list, index{users, user})
	}
	if alias != "" {
		list = append(list, index{aliases, alias})
	}
	return list
}

// indexCalls returns the calls that put a session into the indexes. With shorten, which is only for a session that is
// already stored, they may also shorten the validity of an existing entry.
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

// entryTimes returns, in milliseconds, until when the entry of a session that is about to be stored is valid without it,
// and the earliest time at which the index may expire.
func entryTimes(expires time.Time) (counts, until int64) {
	return min(time.Now().Add(grace).UnixMilli(), expires.UnixMilli()), expires.Add(slack).UnixMilli()
}

// sendIndexed updates the indexes and then sends a call that gives the session its names.
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

// forgetCalls returns the calls that remove the entries of a session that is gone.
func (s *store) forgetCalls(indexes []index, key string) (calls []*call) {
	for _, x := range indexes {
		calls = append(calls, plainCall("zrem", s.keys.index(x), key))
	}
	return calls
}

// tidy sends calls that remove entries. It ignores errors, because every reader checks the entries.
func (s *store) tidy(ctx context.Context, calls []*call) {
	if len(calls) > 0 {
		_ = s.send(ctx, "index", calls...)
	}
}

// leave removes the entries of a session that has lost these names or is gone. It keeps an entry whose score has changed,
// because then somebody is about to give the session the name again.
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
