package redis

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/rediscall"
)

// Reserve implements [driver.UserLimiter]. A script counts the entries of the user's index and adds the new entry if there
// is room. If there seems to be none, Reserve loads the sessions, removes those that must go, and lets the script decide
// again. This is correct however many nodes do the same at once.
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
		// Several callers that make room at once get out of step this way.
		if d := time.Duration(min(try+1, 10)) * time.Millisecond; waits && !rediscall.PauseAbout(ctx, max(d, 5*time.Millisecond)) {
			return r.evicted, fail(ctx, "reserve", overdue(ctx))
		}
	}
}

// overdue returns the error of a ctx that is done, or will be done before another try could succeed.
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
	dead    []string // found to be gone since the last try to enter
}

// enter adds the entry, or returns all entries if there is no room.
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

// A candidate is a live session that may be evicted.
type candidate struct {
	key  string
	auth uint64 // when the user logged in, in ms
}

// makeRoom loads the sessions of the entries and removes as many as necessary. waits says that the remaining places are
// reserved by others, so the caller has to wait.
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

// count sorts the entries into those with a live session, reservations and dead ones. It leaves out the caller's own entry.
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

// authOffset is the offset of the login time in a record.
const authOffset = 36

// remove evicts the sessions that still belong to the user.
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
		r.victims = append(r.victims, v.key) // it is gone now, or was already
		was, gone := outcome(calls[i])
		if gone == nil || calls[i].sent > 1 { // the first try may have removed it, and its answer was lost
			r.evicted = append(r.evicted, v.key)
		}
		tidying = append(tidying, r.forgetCalls(was, v.key)...)
	}
	r.tidy(ctx, tidying)
	return err
}

// head returns a call that reads the header and user of a record that should belong to user.
func (s *store) head(key, user string) *call {
	return recordCall("getrange", s.keys.session(key), 0, driver.RecordUserOffset+1+len(user))
}

// isOf reports whether the answer to head is a record of this user.
func isOf(head *call, user string) bool {
	value, _ := head.cmd.Val().(string)
	const at = driver.RecordUserOffset
	return len(value) == at+2+len(user) && int(value[at])<<8+int(value[at+1]) == len(user) && value[at+2:] == user
}
