package nats

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// An index finds the sessions of a user or of an alias. It is one entry that lists their keys, and is stored in the same
// step as a session that gets or loses the name. So it always has all of them. Sessions that have expired stay in it for a
// while; readers therefore check the sessions.
type index struct {
	letter string // part of the subject
	name   string
}

// indexesOf returns the indexes that contain a session of this user and this alias. There is no index for an empty name.
func indexesOf(user, alias string) (list []index) {
	if user != "" {
		list = append(list, index{"u", user})
	}
	if alias != "" {
		list = append(list, index{"a", alias})
	}
	return list
}

// has reports whether rec belongs into the index.
func (x index) has(rec *driver.Record) bool {
	if x.letter == "u" {
		return rec.User == x.name
	}
	return rec.Alias == x.name
}

// A session is a member of an index for slack longer than it lives at least. A save or a touch extends that when it moves
// the session's end past a multiple of step, which is less than slack.
const (
	slack = 6 * time.Hour
	step  = slack / 2
)

func steps(t time.Time) int64 { return t.UnixMilli() / step.Milliseconds() }

// A member is a session in an index, or a reservation in that of a user.
type member struct {
	key      string
	reserved bool
	until    time.Time // when the reservation lapses, or until when the session is listed at least
}

// A change makes a session a member of an index, or removes it if until is the zero time.
type change struct {
	index
	key   string
	until time.Time
}

// entering returns the changes for a session that gets these names, or whose end is moved.
func entering(key, user, alias string, expires time.Time) (list []change) {
	for _, x := range indexesOf(user, alias) {
		list = append(list, change{x, key, expires.Add(slack)})
	}
	return list
}

// leaving returns the changes for a session that loses these names.
func leaving(key, user, alias string) (list []change) {
	for _, x := range indexesOf(user, alias) {
		list = append(list, change{x, key, time.Time{}})
	}
	return list
}

// indexing reads the indexes and returns the writes that make the changes, checked against others' changes.
func (s *store) indexing(ctx context.Context, op string, changes []change) ([]write, error) {
	var indexes []index
	for _, c := range changes {
		if !slices.Contains(indexes, c.index) {
			indexes = append(indexes, c.index)
		}
	}
	writes := make([]write, len(indexes))
	err := each(len(indexes), func(i int) error {
		members, at, err := s.members(ctx, op, indexes[i])
		if err != nil {
			return err
		}
		for _, c := range changes {
			if c.index != indexes[i] {
				continue
			}
			members = slices.DeleteFunc(members, func(m member) bool { return m.key == c.key })
			if !c.until.IsZero() {
				members = append(members, member{c.key, false, c.until})
			}
		}
		writes[i] = s.membersOf(indexes[i], members, at)
		return nil
	})
	return writes, err
}

// members returns the members of an index that still count, and the place of its entry.
func (s *store) members(ctx context.Context, op string, x index) (list []member, at place, err error) {
	e, err := s.get(ctx, op, s.keys.index(x))
	if err != nil || e.isRemoved() {
		return nil, e.place(), err
	}
	if list, err = parseMembers(e.data); err != nil {
		return nil, at, err
	}
	now := time.Now()
	return slices.DeleteFunc(list, func(m member) bool { return !now.Before(m.until) }), e.place(), nil
}

// isOver reports whether the member's session has certainly expired: every touch that moves its end further than this would
// have extended the member.
func (m *member) isOver() bool { return !m.reserved && time.Now().After(m.until.Add(step-slack)) }

// lookAtMember is look for a member of the index. If the session is not one of it any more, that is confirmed: the caller
// leaves it out.
func (s *store) lookAtMember(ctx context.Context, op string, x index, m *member) (found, error) {
	if m.isOver() {
		return found{}, nil
	}
	return s.lookIf(ctx, op, m.key, func(f found) bool { return f.err != nil || f.live && x.has(&f.rec) })
}

// allMembers is members for calls that must miss nobody, such as one that ends all sessions of a user: it has the answer
// confirmed.
func (s *store) allMembers(ctx context.Context, op string, x index) ([]member, error) {
	for try := 0; ; try++ {
		list, at, err := s.members(ctx, op, x)
		if err != nil {
			return nil, err
		}
		switch is, err := s.confirm(ctx, op, s.keys.index(x), at.seq); {
		case err != nil:
			return nil, err
		case is:
			return list, nil
		case !wait(ctx, try):
			return nil, fail(ctx, op, errLags)
		}
	}
}

// membersOf returns the write of an index over another state of it.
func (s *store) membersOf(x index, list []member, was place) write {
	w := write{subject: s.keys.index(x), lasts: time.Now(), remove: len(list) == 0}
	if w.remove { // it stays for longer than a call takes, which may have to find out whether this was stored
		w.lasts = w.lasts.Add(memory)
		return w.over(was)
	}
	w.data = append(make([]byte, 0, len(indexMagic)+64*len(list)), indexMagic...)
	for _, m := range list {
		w.data = append(w.data, kindOfMember(m), byte(len(m.key)-1))
		w.data = append(w.data, m.key...)
		w.data = binary.BigEndian.AppendUint64(w.data, uint64(m.until.UnixMilli()))
		if m.until.After(w.lasts) {
			w.lasts = m.until
		}
	}
	return w.over(was)
}

// The form of an index: the magic, then for each member its kind, the length of its key less one, the key, and the time in
// milliseconds, eight bytes, the highest first.
const (
	indexMagic   = "idx1"
	memberStored = 's'
	memberPlaced = 'r'
)

func kindOfMember(m member) byte {
	if m.reserved {
		return memberPlaced
	}
	return memberStored
}

func parseMembers(b []byte) (list []member, err error) {
	bad := fmt.Errorf("session/nats: index: %w", driver.ErrCorrupt)
	if len(b) < len(indexMagic) || string(b[:len(indexMagic)]) != indexMagic {
		return nil, bad
	}
	for b = b[len(indexMagic):]; len(b) > 0; {
		if len(b) < 2 || b[0] != memberStored && b[0] != memberPlaced || len(b) < 2+int(b[1])+1+8 {
			return nil, bad
		}
		end := 2 + int(b[1]) + 1
		m := member{string(b[2:end]), b[0] == memberPlaced, time.UnixMilli(int64(binary.BigEndian.Uint64(b[end:])))}
		if !valid(m.key) {
			return nil, bad
		}
		list, b = append(list, m), b[end+8:]
	}
	return list, nil
}
