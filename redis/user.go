package redis

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/listing"
	"github.com/seed1a8f7c28/session/internal/rediscall"
)

// ListUser implements [driver.UserLister].
func (s *store) ListUser(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
	return s.listOf(ctx, "list user", index{users, user})
}

// ListAlias implements [driver.AliasLister].
func (s *store) ListAlias(ctx context.Context, alias string) iter.Seq2[driver.Entry, error] {
	return s.listOf(ctx, "list alias", index{aliases, alias})
}

// listOf yields the sessions of an index. It removes entries of missing sessions from the index.
func (s *store) listOf(ctx context.Context, op string, x index) iter.Seq2[driver.Entry, error] {
	return listing.Whole(ctx, func(gone func(key string)) (found []driver.Entry, err error) {
		if x.name == "" { // there is no index for the empty name
			return nil, nil
		}
		now := time.Now()
		members, err := s.members(ctx, op, x)
		if err != nil {
			return nil, err
		}
		for part := range slices.Chunk(members, page) {
			keys := make([]string, len(part))
			for i, m := range part {
				keys[i] = m.key
			}
			entries, err := s.entries(ctx, op, keys)
			if err != nil {
				return nil, err
			}
			live := make(map[string]bool, len(entries))
			for _, e := range entries {
				if live[e.Key] = x.of(&e.Record) == x.name; live[e.Key] {
					found = append(found, e)
				}
			}
			s.prune(ctx, x, now, part, live)
			for _, key := range keys {
				if !live[key] {
					gone(key)
				}
			}
		}
		return found, nil
	})
}

// A member is an entry of an index.
type member struct {
	key   string
	until int64 // the entry is valid until this time even without a session
}

// members returns the entries of an index.
func (s *store) members(ctx context.Context, op string, x index) ([]member, error) {
	c := plainCall("zrange", s.keys.index(x), 0, -1, "withscores")
	if err := s.send(ctx, op, c); err != nil {
		return nil, err
	}
	return membersOf(c.cmd.Val())
}

// membersOf reads an answer with scores.
func membersOf(answer any) ([]member, error) {
	list, err := scored(answer)
	members := make([]member, 0, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		key, _ := list[i].(string)
		if !valid(key) {
			continue
		}
		members = append(members, member{key, score(list[i+1])})
	}
	return members, err
}

// scored returns elements and scores alternately, from an answer that may contain them as pairs.
func scored(answer any) ([]any, error) {
	list, ok := answer.([]any)
	if !ok {
		return nil, fmt.Errorf("session/redis: %w", rediscall.ErrUnexpected)
	}
	if len(list) > 0 {
		if _, pairs := list[0].([]any); pairs {
			var flat []any
			for _, pair := range list {
				pair, _ := pair.([]any)
				flat = append(flat, pair...)
			}
			list = flat
		}
	}
	return list, nil
}

// score reads a score, which is a number or a string, depending on the protocol version.
func score(v any) int64 {
	switch v := v.(type) {
	case float64:
		return int64(v)
	case string:
		f, _ := strconv.ParseFloat(v, 64)
		return int64(f)
	}
	return 0
}

// prune removes entries that have no live session and are not valid beyond now.
func (s *store) prune(ctx context.Context, x index, now time.Time, members []member, live map[string]bool) {
	args := []any{now.UnixMilli()}
	for _, m := range members {
		if !live[m.key] && m.until <= now.UnixMilli() {
			args = append(args, m.key)
		}
	}
	if len(args) > 1 {
		_ = s.send(ctx, "index", pruneScript.call(s.keys.index(x), args...).repeatable())
	}
}
