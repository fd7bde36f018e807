package redis

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// Reserve implements [driver.UserLimiter]. The entries of the user's index are counted by a script, which makes
// the new one if there is room. If there seems to be none, the sessions are looked at, those that must go are
// removed, and the script decides again: so it does not matter who else does the same.
func (s *store) Reserve(
	ctx context.Context, user, key string, until time.Time, most int, evict bool,
) (evicted []string, err error) {
	switch {
	case !valid(key):
		return nil, errKey
	case most < 1:
		return nil, driver.ErrTooManySessions
	}
	r := &reservation{store: s, user: user, key: key, until: until, most: most, evict: evict}
	for try := 0; ; try++ {
		members, err := r.enter(ctx)
		if err != nil || members == nil {
			return r.evicted, err
		}
		waits, err := r.makeRoom(ctx, members)
		if err != nil {
			return r.evicted, err
		}
		// Others who make room, too, get out of step.
		if d := time.Duration(min(try+1, 10)) * time.Millisecond; waits && !waitAbout(ctx, max(d, 5*time.Millisecond)) {
			return r.evicted, fail(ctx, "reserve", overdue(ctx))
		}
	}
}

// overdue returns the error of a ctx that is over, or will be before there is any use in going on.
func overdue(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return context.DeadlineExceeded
}

// A reservation is one call of Reserve.
type reservation struct {
	*store
	user, key string
	until     time.Time
	most      int
	evict     bool

	evicted []string
	victims []string // evicted since the last try to enter
	dead    []string // found to be gone since then
}

// enter makes the entry, or returns all entries if there is no room.
func (r *reservation) enter(ctx context.Context) ([]member, error) {
	args := []any{
		r.key, r.until.UnixMilli(), r.most, r.until.Add(slack).UnixMilli(), time.Now().UnixMilli(), len(r.victims),
	}
	for _, key := range slices.Concat(r.victims, r.dead) {
		args = append(args, key)
	}
	c := reserveScript.call(r.keys.index(index{users, r.user}), args...).repeatable()
	if err := r.send(ctx, "reserve", c); err != nil {
		return nil, err
	}
	r.victims, r.dead = nil, nil
	if c.cmd.Val() == int64(1) {
		return nil, nil
	}
	return membersOf(c.cmd.Val())
}

// A candidate is a live session that may have to go.
type candidate struct {
	key  string
	auth uint64 // when the user logged in, in ms
}

// makeRoom looks at the sessions of the entries, and removes as many as must go. waits says that others have
// reserved what could become free.
func (r *reservation) makeRoom(ctx context.Context, members []member) (waits bool, err error) {
	live, reserved, err := r.count(ctx, members)
	if err != nil {
		return false, err
	}
	excess := len(live) + reserved + 1 - r.most
	switch {
	case excess <= 0:
		return false, nil
	case !r.evict:
		return false, driver.ErrTooManySessions
	case excess > len(live):
		return true, nil
	}
	slices.SortFunc(live, func(a, b candidate) int {
		if a.auth != b.auth {
			return int(min(max(int64(a.auth-b.auth), -1), 1))
		}
		return strings.Compare(a.key, b.key)
	})
	return false, r.remove(ctx, live[:excess])
}

// count tells apart which entries have a live session, how many stand for one to come, and which are dead. The
// caller's own is none of them.
func (r *reservation) count(ctx context.Context, members []member) (live []candidate, reserved int, err error) {
	heads := make([]*call, len(members))
	for i, m := range members {
		heads[i] = r.head(m.key, r.user)
	}
	now := time.Now().UnixMilli()
	for part := range slices.Chunk(heads, page) {
		if err := r.send(ctx, "reserve", part...); err != nil {
			return nil, 0, err
		}
	}
	for i, m := range members {
		switch {
		case m.key == r.key:
		case isOf(heads[i], r.user):
			value := heads[i].cmd.Val().(string)
			live = append(live, candidate{m.key, binary.BigEndian.Uint64([]byte(value[authOffset:]))})
		case m.until > now:
			reserved++
		default:
			r.dead = append(r.dead, m.key)
		}
	}
	return live, reserved, nil
}

// authOffset is where the time of the login stands in a record.
const authOffset = 36

// remove evicts sessions that are still the user's.
func (r *reservation) remove(ctx context.Context, victims []candidate) error {
	calls := make([]*call, len(victims))
	for i, v := range victims {
		calls[i] = evictScript.call(r.keys.session(v.key), r.user, r.keys.channel(), v.key).repeatable()
	}
	err := r.send(ctx, "evict", calls...)
	var tidying []*call
	for i, v := range victims {
		if calls[i].cmd == nil || calls[i].err() != nil {
			continue
		}
		r.victims = append(r.victims, v.key) // it is gone, or was a moment before
		was, gone := outcome(calls[i])
		if gone == nil || calls[i].sent > 1 { // the answer of the first try may be the one
			r.evicted = append(r.evicted, v.key)
		}
		tidying = append(tidying, r.forgetCalls(was, v.key)...)
	}
	r.tidy(ctx, tidying)
	return err
}

// head returns a call for the header and the user of a record that is thought to be this user's.
func (s *store) head(key, user string) *call {
	return recordCall("getrange", s.keys.session(key), 0, driver.RecordUserOffset+1+len(user))
}

// isOf reports whether the answer to head is a record of this user.
func isOf(head *call, user string) bool {
	value, _ := head.cmd.Val().(string)
	const at = driver.RecordUserOffset
	return len(value) == at+2+len(user) && int(value[at])<<8+int(value[at+1]) == len(user) && value[at+2:] == user
}
