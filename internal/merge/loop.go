package merge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/pause"
)

// maxTries limits the conflicts of a call. The saves of one process wait for each other, so a conflict usually means that
// another node has saved.
const maxTries = 256

// A job is the change that one call makes to a record: new values, a new key or a new deadline.
type job struct {
	*Store
	d    *Draft
	t    *Turn
	what string // the name of the call, for errors

	to     string // the new key, "" to keep the key
	user   string // the user who logs in, "" for no login
	copied uint64 // the version of the copy under the new key, 0 for none

	apart bool      // the draft's changes stay in its log
	fixed bool      // the idle deadline stays as it is
	life  *Lifetime // with apart: the lifetime that gives the new deadline

	expires time.Time // the idle deadline that was last sent
	shorten bool
}

// Save applies d's changes to the record as it is stored then, and makes the result the view. With fixed the idle deadline
// stays as it is, unless the changes include the lifetime.
func (s *Store) Save(ctx context.Context, d *Draft, fixed bool) (out Outcome, err error) {
	kept, k := s.keeps() && !d.isUnclear(), s.keptSave(d, fixed)
	if kept && s.Queue.isIdle(d.Key) { // most saves meet no other and need no turn
		if done, err := k.try(&out); done {
			return out, err
		}
	}
	t, err := s.Queue.Enter(ctx, d.Key)
	if err != nil {
		return out, fmt.Errorf("session: save: %w", err)
	}
	defer s.Queue.Leave(d.Key, t)
	for try := 0; kept && try < maxTries && !k.base.isPacked(); try++ { // other saves wait, even if an update takes long
		if done, err := k.try(&out); done {
			return out, err
		}
	}
	if !s.Local {
		t.breathe(ctx)
	}
	conflicts := out.Conflicts
	out, err = s.run(ctx, &job{Store: s, d: d, t: t, what: "save", fixed: fixed})
	out.Conflicts += conflicts
	return out, err
}

// Expire sets the idle deadline to life from now, even if that is earlier. d's changes stay in its log.
func (s *Store) Expire(ctx context.Context, d *Draft, life Lifetime) (out Outcome, err error) {
	t, err := s.Queue.Enter(ctx, d.Key)
	if err != nil {
		return out, fmt.Errorf("session: save: %w", err)
	}
	defer s.Queue.Leave(d.Key, t)
	return s.run(ctx, &job{Store: s, d: d, t: t, what: "save", apart: true, life: &life})
}

// refresh stores the session without d's changes, sealed again if necessary, and with the time at which its cookie was
// sent. Unless fixed is set, it moves the idle deadline. d's changes stay in its log.
func (s *Store) refresh(ctx context.Context, d *Draft, fixed bool) (out Outcome, err error) {
	t, err := s.Queue.Enter(ctx, d.Key)
	if err != nil {
		return out, fmt.Errorf("session: touch: %w", err)
	}
	defer s.Queue.Leave(d.Key, t)
	return s.run(ctx, &job{Store: s, d: d, t: t, what: "touch", apart: true, fixed: fixed})
}

// Move stores the session under another key, with d's changes and for user, who logs in unless user is "". Then it ends the
// session under the old key at the version that was copied. A crash in between leaves both records, but nobody knows the
// new key. t is the turn of the old key. With fixed the idle deadline stays as it is. If another user was logged in, Move
// drops all values, the metadata and d's changes.
func (s *Store) Move(ctx context.Context, t *Turn, d *Draft, to, user string, fixed bool) (Outcome, error) {
	return s.run(ctx, &job{Store: s, d: d, t: t, what: "regenerate", to: to, user: user, fixed: fixed})
}

// run does a job on the newest version, and repeats it whenever another node was faster. This is the only such loop.
func (s *Store) run(ctx context.Context, j *job) (out Outcome, err error) {
	base := j.newest()
	for try := 0; ; try++ {
		p, err := j.apply(base, &out)
		if err != nil {
			return out, j.undo(ctx, err)
		}
		begin := time.Now()
		if err = j.send(ctx, base, &p, begin); err == nil {
			j.done(base, &p, begin, &out)
			if s.keeps() {
				s.share(j.d)
			}
			return out, nil
		}
		if j.to == "" && !j.apart {
			j.unclear(base.Version, &p, err)
		}
		base, err = j.next(ctx, try, err, &out)
		switch {
		case out.Gone:
			if undone := j.undo(ctx, nil); undone != nil {
				out.Gone, err = false, undone
			}
			return out, err
		case errors.Is(err, errUnclear):
			return out, j.undo(ctx, fmt.Errorf("session: %s: %w", j.what, err))
		case err != nil:
			return out, fmt.Errorf("session: %s: %w", j.what, err)
		case base != nil:
			continue
		case j.to == "" && !j.d.IsChanged():
			return out, nil
		}
		base = j.own()
	}
}

// newest returns the newest version known without asking the store: the request's own, or one that this process has saved
// since. If an earlier save of the Draft is in doubt, it returns the Draft's own, because only the following version shows
// what happened.
func (j *job) newest() *driver.Record {
	if j.t.last.Version > j.d.Number && (j.apart || !j.d.isUnclear()) {
		return &j.t.last
	}
	return j.own()
}

// own returns the version that the request has loaded, without Data.
func (j *job) own() *driver.Record {
	j.t.own = j.d.Record()
	return &j.t.own
}

// isOwn reports whether base is the version that the request has loaded, as returned by own. A record that the backend has
// returned since is a different one, even if it has the same version: somebody with access to the store may have set the
// version, and nothing of the record was opened yet.
func (j *job) isOwn(base *driver.Record) bool { return base == &j.t.own }

// apply returns the payload after applying the job to base. A base that encryption does not open is treated as gone.
func (j *job) apply(base *driver.Record, out *Outcome) (Payload, error) {
	d := j.d
	c, changes := d.Contents(), Changes{}
	if !j.apart {
		changes = d.Changes()
	}
	if !j.isOwn(base) { // the log's updates started from another one
		var err error
		if c, err = j.Envelope.Open(d.Key, base); err != nil {
			return Payload{}, out.failed(err)
		}
		if changes, err = changes.replayed(c.Codec, j.Envelope.Codec, c.Values); err != nil {
			return Payload{}, err
		}
	}
	if user := d.User(); j.user != "" && user != "" && j.Envelope.Name(user) != j.user {
		changes = wiped
	}
	return j.Envelope.Apply(j.Envelope.head(), c, changes, d.cookieSent())
}

// send stores p in place of base.
func (j *job) send(ctx context.Context, base *driver.Record, p *Payload, now time.Time) error {
	d, key := j.d, j.d.Key
	rec := &j.t.out
	*rec = *base
	switch {
	case j.life != nil:
		rec.Expires, rec.Shorten = j.life.Until(now, base.Deadline), true
	case j.apart && j.fixed:
		rec.Shorten = false
	case j.apart:
		rec.Expires, rec.Shorten = p.Life.Extended(now, base.Expires, base.Deadline), false
	default:
		j.Envelope.Lifetimes.Extend(d, rec, now, p.Life, j.fixed)
	}
	if j.to != "" {
		key, rec.Shorten = j.to, false
		if j.user != "" {
			p.Life.LogIn(rec, j.Envelope.StoredNames(j.user)[0])
		}
	}
	j.Envelope.pack(key, rec, p)
	if j.expires, j.shorten = rec.Expires, rec.Shorten; j.to != "" {
		return j.move(ctx, base.Version, rec)
	}
	return j.Backend.Save(ctx, key, rec)
}

// done records that p is stored in place of base.
func (j *job) done(base *driver.Record, p *Payload, begin time.Time, out *Outcome) {
	d, t := j.d, j.t
	if j.shorten {
		out.Sooner = j.expires
	}
	switch {
	case j.to != "":
		j.stored(d, j.to, &t.out, p)
		return
	case !j.apart:
		j.stored(d, d.Key, &t.out, p)
	case j.isOwn(base): // else the view stays: updates in the log started from it
		d.Take(&t.out, &p.Contents)
	}
	if d.Log != nil {
		d.Log.cookieSent = 0
	}
	if t.last = t.out; !j.Local {
		t.took = time.Since(begin)
	}
}

// next returns the record for another try after err, or the error that ends the job. If an earlier try, whose answer was
// lost, has stored what is there now, it returns neither: that record is then the view, and the changes that are not in it
// stay in the log.
//
// After each failed try it waits a little longer, so that contending nodes get out of step.
func (j *job) next(ctx context.Context, try int, err error, out *Outcome) (*driver.Record, error) {
	conflict, ok := errors.AsType[*driver.ConflictError](err)
	if !ok || conflict.Record == nil {
		return nil, out.failed(err)
	}
	if mine, err := j.resolve(conflict.Record, out); mine || err != nil {
		return nil, err
	}
	if try == maxTries {
		return nil, err
	}
	out.Conflicts++
	if try == 0 && ctx.Err() == nil {
		return conflict.Record, nil
	}
	if !pause.For(ctx, rand.N(time.Duration(min(try+1, 10))*time.Millisecond)) {
		return nil, err
	}
	rec := new(driver.Record) // the record of the conflict may be out of date after the pause
	if err := j.load(ctx, j.d.Key, rec); err != nil {
		return nil, out.failed(err)
	}
	if mine, err := j.resolve(rec, out); mine || err != nil {
		return nil, err
	}
	return rec, nil
}
