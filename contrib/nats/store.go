package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/seen"
)

// A store is the [driver.Backend] of one namespace. A session is one entry, encoded by [driver.Record.AppendBinary].
type store struct {
	*client
	keys keys
	seen seen.Map[state]
}

// A state is what a write must know of the record that it replaces.
type state struct {
	place
	lasts       time.Time // until when the server keeps the entry
	user, alias string
}

// memory is how long the stream remembers at least that a session was removed. A Create that arrives late finds the key taken, and a
// watcher that has lost its connection hears of the removal.
const memory = 2 * time.Minute

// note remembers a record that was loaded or stored.
func (s *store) note(key string, rec *driver.Record, at place, lasts time.Time) {
	s.seen.Put(key, seen.At[state]{
		Version: rec.Version, Expires: rec.Expires, State: state{at, lasts, rec.User, rec.Alias},
	})
}

// noteRemoval remembers that the record was removed by the entry with this number.
func (s *store) noteRemoval(key string, seq uint64) {
	s.seen.Put(key, seen.At[state]{State: state{place: place{seq: seq}}})
}

// later returns the later of two times. An entry lasts at least as long as any that it replaces. Otherwise a server that
// crashes after the entry has expired finds the replaced one on its disk, and takes that for the last.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// A found is what stands under a key.
type found struct {
	place
	lasts  time.Time     // until when the server keeps it
	rec    driver.Record // if live
	live   bool
	marked bool
	mark   driver.Mark // if marked
	err    error       // wraps [driver.ErrCorrupt]: the entry is no record of this version
}

// state returns what a write must know of the record.
func (f *found) state() state { return state{f.place, f.lasts, f.rec.User, f.rec.Alias} }

// taken reports whether no record can be created under the key.
func (f *found) taken() bool { return f.live || f.marked || f.err != nil }

// look reads what stands under a key. A server that was halted, or is cut off, may believe that it is still the leader, and
// answer with what was there before. If this process has seen a later entry, look has the answer confirmed. The later entry
// may have expired, or was purged.
func (s *store) look(ctx context.Context, op, key string) (found, error) {
	return s.lookIf(ctx, op, key, func(found) bool { return true })
}

// lookAgain is look for calls that do something because nothing is there: it has that confirmed, too.
func (s *store) lookAgain(ctx context.Context, op, key string) (found, error) {
	return s.lookIf(ctx, op, key, func(f found) bool { return f.taken() })
}

// lookIf is look if the answers that believes accepts need no confirmation.
func (s *store) lookIf(ctx context.Context, op, key string, believes func(f found) bool) (f found, err error) {
	subject := s.keys.session(key)
	for try := 0; ; try++ {
		e, err := s.get(ctx, op, subject)
		if err != nil {
			return f, err
		}
		f = decode(e)
		at, _ := s.seen.Peek(key)
		if f.seq >= at.State.seq && believes(f) {
			return f, nil
		}
		switch is, err := s.confirm(ctx, op, subject, f.seq); {
		case err != nil:
			return f, err
		case is:
			if f.seq < at.State.seq {
				s.seen.Forget(key)
			}
			if f.seq > 0 && !f.taken() {
				s.noteRemoval(key, f.seq)
			}
			return f, nil
		case !wait(ctx, try):
			return f, fail(ctx, op, errLags)
		}
	}
}

// errLags says that a server answers with less than it has said before.
var errLags = errors.New("the leader lags behind")

// decode returns what an entry says.
func decode(e *entry) (f found) {
	f.place, f.lasts = e.place(), e.lasts()
	if e.isRemoved() {
		return f
	}
	if err := f.rec.UnmarshalBinary(e.data); err != nil {
		f.err = fmt.Errorf("session/nats: %w", err)
		return f
	}
	if f.live = f.rec.Live(time.Now()); f.live {
		if f.mark, f.marked = f.rec.Mark(); f.marked {
			f.live = false
		}
	}
	return f
}

// recordOf returns the write of a record.
func (s *store) recordOf(key string, rec *driver.Record) (write, error) {
	data, err := rec.AppendBinary(nil)
	return write{subject: s.keys.session(key), data: data, lasts: rec.Expires, expires: rec.Expires}, err
}

// removing returns the writes that remove a session, or put a mark in its place, and tell watchers.
func (s *store) removing(key string, was state, mark *driver.Mark) ([]write, error) {
	until := time.Now().Add(memory)
	w := write{subject: s.keys.session(key), lasts: later(until, was.lasts), remove: true}
	if mark != nil {
		data, err := mark.Record().AppendBinary(nil)
		if err != nil {
			return nil, err
		}
		w = write{subject: s.keys.session(key), data: data, lasts: later(mark.Expires, was.lasts)}
	}
	return []write{w.over(was.place), {subject: s.keys.removal(key), lasts: until}}, nil
}

// Create implements [driver.Backend].
func (s *store) Create(ctx context.Context, key string, rec *driver.Record) error {
	if !valid(key) {
		return errKey
	}
	created := *rec
	created.Version = 1
	w, err := s.recordOf(key, &created)
	if err != nil {
		return err
	}
	at, lasts, err := s.begin(ctx, "create", key, entering(key, rec.User, rec.Alias, rec.Expires), w)
	if err != nil {
		return err
	}
	rec.Version = 1
	s.note(key, &created, at, lasts)
	return nil
}

// begin makes the changes and a write for a key under which nothing may stand. It returns the place of that write, and until
// when the server keeps the entry.
func (s *store) begin(
	ctx context.Context, op, key string, changes []change, w write,
) (at place, lasts time.Time, err error) {
	w = w.over(place{})
	for try := 0; ; try++ {
		writes, err := s.indexing(ctx, op, changes)
		if err != nil {
			return at, lasts, err
		}
		at, err := s.store(ctx, op, append(writes, w)...)
		if err != errChanged {
			return at, w.lasts, err
		}
		f, err := s.look(ctx, op, key)
		switch {
		case err != nil:
			return at, lasts, err
		case f.taken():
			return at, lasts, driver.ErrExists
		case !wait(ctx, try):
			return at, lasts, fail(ctx, op, errChanged)
		}
		w = w.over(f.place)
		w.lasts = later(w.lasts, f.lasts)
	}
}

// Load implements [driver.Backend].
func (s *store) Load(ctx context.Context, key string, rec *driver.Record) error {
	if !valid(key) {
		return driver.ErrNotFound
	}
	f, err := s.look(ctx, "load", key)
	switch {
	case err != nil:
		return err
	case f.err != nil:
		return f.err
	case f.marked:
		return &driver.MarkedError{Mark: f.mark}
	case !f.live:
		return driver.ErrNotFound
	case rec.MaxData > 0 && len(f.rec.Data) > rec.MaxData:
		return fmt.Errorf("session/nats: %w: %d bytes, %d allowed", driver.ErrTooLarge, len(f.rec.Data), rec.MaxData)
	}
	s.note(key, &f.rec, f.place, f.lasts)
	*rec = f.rec
	return nil
}

// Save implements [driver.Backend].
func (s *store) Save(ctx context.Context, key string, rec *driver.Record) error {
	return s.swap(ctx, "save", key, rec.Version, func(was seen.At[state]) error {
		next := *rec
		next.Version++
		if !rec.Shorten && was.Expires.After(rec.Expires) {
			next.Expires = was.Expires
		}
		err := s.replace(ctx, "save", key, &next, was)
		if err == nil {
			rec.Version = next.Version
		}
		return err
	})
}

// replace stores a record in place of another state of it.
func (s *store) replace(ctx context.Context, op, key string, next *driver.Record, was seen.At[state]) error {
	w, err := s.recordOf(key, next)
	if err != nil {
		return err
	}
	var changes []change
	for _, x := range indexesOf(was.State.user, was.State.alias) {
		if !x.has(next) {
			changes = append(changes, change{index: x, key: key})
		}
	}
	old := driver.Record{User: was.State.user, Alias: was.State.alias}
	for _, x := range indexesOf(next.User, next.Alias) {
		if !x.has(&old) || steps(next.Expires) > steps(was.Expires) {
			changes = append(changes, change{x, key, next.Expires.Add(slack)})
		}
	}
	writes, err := s.indexing(ctx, op, changes)
	if err != nil {
		return err
	}
	w.lasts = later(w.lasts, was.State.lasts)
	at, err := s.store(ctx, op, append(writes, w.over(was.State.place))...)
	if err == nil {
		s.note(key, next, at, w.lasts)
	}
	return err
}

// swap calls write with the state of the live record under key if that has this version, and again if write returns
// errChanged: a touch moves the number without a new version. If the version was loaded here and nobody has written since,
// swap makes no trip of its own.
func (s *store) swap(
	ctx context.Context, op, key string, version uint64, write func(was seen.At[state]) error,
) error {
	if !valid(key) {
		return driver.ErrNotFound
	}
	was, known := s.seen.Take(key, version, time.Now())
	known = known && was.Version == version // Take knows no version 0
	for try := 0; ; try++ {
		if !known {
			f, err := s.lookAgain(ctx, op, key)
			switch {
			case err != nil:
				return err
			case f.err != nil:
				return f.err
			case !f.live:
				return driver.ErrNotFound
			case f.rec.Version != version:
				s.note(key, &f.rec, f.place, f.lasts) // the caller will try again
				return &driver.ConflictError{Record: &f.rec}
			}
			was = seen.At[state]{Version: version, Expires: f.rec.Expires, State: f.state()}
		}
		if err := write(was); err != errChanged {
			return err
		}
		if known = false; try > 0 && !wait(ctx, try) { // another write is under way
			return fail(ctx, op, errChanged)
		}
	}
}

// Touch implements [driver.Backend]. The entry is stored again with all of its data, so a touch reads it first.
func (s *store) Touch(ctx context.Context, key string, expires time.Time) error {
	if !valid(key) {
		return driver.ErrNotFound
	}
	for try := 0; ; try++ {
		f, err := s.lookAgain(ctx, "touch", key)
		switch {
		case err != nil:
			return err
		case f.err != nil:
			return f.err
		case !f.live:
			return driver.ErrNotFound
		case !expires.After(f.rec.Expires):
			return nil
		}
		was := seen.At[state]{Expires: f.rec.Expires, State: f.state()}
		f.rec.Expires = expires
		if err := s.replace(ctx, "touch", key, &f.rec, was); err != errChanged {
			return err
		}
		if !wait(ctx, try) {
			return fail(ctx, "touch", errChanged)
		}
	}
}

// Delete implements [driver.Backend].
func (s *store) Delete(ctx context.Context, key string, version uint64) error {
	if version != 0 {
		return s.swap(ctx, "delete", key, version, func(was seen.At[state]) error {
			return s.remove(ctx, "delete", key, was.State, nil)
		})
	}
	if !valid(key) {
		return nil
	}
	at, known := s.seen.Take(key, 0, time.Now())
	was := at.State
	for try := 0; ; try++ {
		if !known {
			f, err := s.lookAgain(ctx, "delete", key)
			switch {
			case err != nil:
				return err
			case !f.live && f.err == nil:
				return nil
			}
			was = f.state()
		}
		if err := s.remove(ctx, "delete", key, was, nil); err != errChanged {
			return err
		}
		if known = false; try > 0 && !wait(ctx, try) {
			return fail(ctx, "delete", errChanged)
		}
	}
}

// remove removes a record. If mark is not nil, the mark replaces it.
func (s *store) remove(ctx context.Context, op, key string, was state, mark *driver.Mark) error {
	writes, err := s.indexing(ctx, op, leaving(key, was.user, was.alias))
	if err != nil {
		return err
	}
	out, err := s.removing(key, was, mark)
	if err != nil {
		return err
	}
	at, err := s.store(ctx, op, append(writes, out...)...)
	if err == nil {
		s.noteRemoval(key, at.seq-1) // the notice to watchers comes after it
	}
	return err
}

var _ interface {
	driver.Backend
	driver.Marker
	driver.Renamer
	driver.Counter
	driver.Lister
	driver.UserLister
	driver.AliasLister
	driver.UserLimiter
	driver.Clearer
	driver.Watcher
	driver.Pinger
} = (*store)(nil)
