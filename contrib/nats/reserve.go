package nats

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// Reserve implements [driver.UserLimiter]. A reservation is a member of the user's index. The session replaces it when it is
// stored. Reserve reads the index, counts, and then evicts and reserves in one step, in which it replaces the index that it
// has read. If the index has changed meanwhile, it begins again. So the limit is exact on however many nodes.
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
		err := r.try(ctx)
		if err != errChanged && err != errWaits {
			return r.evicted, err
		}
		if !wait(ctx, min(try, longest)) {
			return r.evicted, fail(ctx, "reserve", err)
		}
	}
}

// longest limits the time between two looks for a place that becomes free: see wait.
const longest = 5

// errWaits says that all places are reserved by others.
var errWaits = errors.New("all places are reserved")

// A reservation is one call of Reserve.
type reservation struct {
	*store
	user, key string
	until     time.Time
	most      int
	evict     bool
	evicted   []string // so far
}

// atOneStep is how many sessions are removed at a time. A batch of JetStream has 1000 entries at most, and an eviction is two
// of them, or three with an alias.
const atOneStep = 300

// try counts, and makes the reservation if there is room or if evictions make room.
func (r *reservation) try(ctx context.Context) error {
	x := index{"u", r.user}
	list, at, err := r.members(ctx, "reserve", x)
	if err != nil {
		return err
	}
	found := make([]found, len(list))
	err = each(len(list), func(i int) (err error) {
		if !list[i].reserved {
			found[i], err = r.lookAtMember(ctx, "reserve", x, &list[i])
		}
		return err
	})
	if err != nil {
		return err
	}
	var live []candidate
	var keep []member
	for i, m := range list {
		switch is := found[i].live && x.has(&found[i].rec); {
		case is && m.key == r.key: // it has its place
			return nil
		case is:
			live = append(live, candidate{m, found[i]})
		case m.key != r.key && (m.reserved || found[i].err != nil): // what cannot be read stays for those who can
			keep = append(keep, m)
		}
	}
	if !time.Now().Before(r.until) {
		return r.giveBack(ctx, list, at)
	}
	reserved := 0
	for _, m := range keep {
		if m.reserved {
			reserved++
		}
	}
	excess := max(len(live)+reserved+1-r.most, 0)
	switch {
	case excess > 0 && !r.evict:
		return driver.ErrTooManySessions
	case excess > len(live):
		return errWaits
	}
	slices.SortFunc(live, func(a, b candidate) int {
		return cmp.Or(a.rec.AuthTime.Compare(b.rec.AuthTime), cmp.Compare(a.key, b.key))
	})
	victims := live[:min(excess, atOneStep)]
	for _, c := range live[len(victims):] {
		keep = append(keep, c.member)
	}
	if len(victims) < excess { // the rest is evicted by the next try
		if err := r.make(ctx, victims, r.membersOf(x, keep, at)); err != nil {
			return err
		}
		return errChanged
	}
	keep = append(keep, member{r.key, true, r.until})
	return r.make(ctx, victims, r.membersOf(x, keep, at))
}

// A candidate is a live session that may be evicted.
type candidate struct {
	member
	found
}

// make stores the index without the victims, and removes those.
func (r *reservation) make(ctx context.Context, victims []candidate, w write) error {
	var changes []change
	for _, v := range victims {
		changes = append(changes, leaving(v.key, "", v.rec.Alias)...)
	}
	writes, err := r.indexing(ctx, "reserve", changes)
	if err != nil {
		return err
	}
	for _, v := range victims {
		out, err := r.removing(v.key, v.state(), nil)
		if err != nil {
			return err
		}
		writes = append(writes, out...)
	}
	last, err := r.store.store(ctx, "reserve", append(writes, w)...)
	if err != nil {
		return err
	}
	for i, v := range victims {
		r.noteRemoval(v.key, last.seq-2*uint64(len(victims)-i)) // each has two entries before that of the index
		r.evicted = append(r.evicted, v.key)
	}
	return nil
}

// giveBack removes the caller's reservation from the index, if it is there.
func (r *reservation) giveBack(ctx context.Context, list []member, at place) error {
	mine := func(m member) bool { return m.key == r.key && m.reserved }
	if !slices.ContainsFunc(list, mine) {
		return nil
	}
	_, err := r.store.store(ctx, "reserve", r.membersOf(index{"u", r.user}, slices.DeleteFunc(list, mine), at))
	return err
}
