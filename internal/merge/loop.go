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

// maxTries bounds the conflicts that a call takes. Saves of one process queue, so that as a rule each means that another node
// has saved.
const maxTries = 256

// A job is what one call makes of a record: new values, a new key, or a new deadline.
type job struct {
	*Store
	d    *Draft
	t    *Turn
	what string // for errors

	to     string // the new key, "" to stay
	user   string // who logs in with it, "" for nobody
	copied uint64 // the version of the copy under the new key, 0 for none

	apart bool      // the draft's changes stay in its log
	fixed bool      // the idle deadline stays as it is
	life  *Lifetime // from now to a new deadline, with apart

	expires time.Time // as it was sent last
	shorten bool
}

// Save stores d's changes in what is stored at that moment, which then is the view. With fixed the idle deadline stays as it
// is, unless the changes are of the lifetime.
func (s *Store) Save(ctx context.Context, d *Draft, fixed bool) (out Outcome, err error) {
	t, err := s.Queue.Enter(ctx, d.Key)
	if err != nil {
		return out, fmt.Errorf("session: save: %w", err)
	}
	defer s.Queue.Leave(d.Key, t)
	if !s.Local {
		t.breathe(ctx)
	}
	return s.run(ctx, &job{Store: s, d: d, t: t, what: "save", fixed: fixed})
}

// Expire gives the session the idle deadline that is life from now, be it earlier or later. d's changes stay in its log.
func (s *Store) Expire(ctx context.Context, d *Draft, life Lifetime) (out Outcome, err error) {
	t, err := s.Queue.Enter(ctx, d.Key)
	if err != nil {
		return out, fmt.Errorf("session: save: %w", err)
	}
	defer s.Queue.Leave(d.Key, t)
	return s.run(ctx, &job{Store: s, d: d, t: t, what: "save", apart: true, life: &life})
}

// refresh stores the session as it is, sealed anew if that is due, and with the time at which its cookie was sent. Without fixed
// it moves the idle deadline. d's changes stay in its log.
func (s *Store) refresh(ctx context.Context, d *Draft, fixed bool) (out Outcome, err error) {
	t, err := s.Queue.Enter(ctx, d.Key)
	if err != nil {
		return out, fmt.Errorf("session: touch: %w", err)
	}
	defer s.Queue.Leave(d.Key, t)
	return s.run(ctx, &job{Store: s, d: d, t: t, what: "touch", apart: true, fixed: fixed})
}

// Move stores the session under another key, with d's changes and for user, who logs in unless it is "", and ends it under
// the old key at the version that was copied: a crash in between leaves both, and nobody knows the new one. t is the turn of
// the old key. With fixed the idle deadline stays as it is. If another user was logged in, all values, the metadata and d's changes
// are dropped.
func (s *Store) Move(ctx context.Context, t *Turn, d *Draft, to, user string, fixed bool) (Outcome, error) {
	return s.run(ctx, &job{Store: s, d: d, t: t, what: "regenerate", to: to, user: user, fixed: fixed})
}

// run does a job on the newest version, and once more whenever another node was faster. It is the one loop that does.
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
		case j.to == "" && j.d.Log.Empty():
			return out, nil
		}
		base = j.own()
	}
}

// newest returns the newest version that is known without asking: the request's own, or what this process has saved since. If
// an earlier save of the Draft is in doubt it is the Draft's own: only the version after that tells.
func (j *job) newest() *driver.Record {
	if j.t.last.Version > j.d.Version && (j.apart || !j.d.isUnclear()) {
		return &j.t.last
	}
	return j.own()
}

// own returns the version that the request has seen, without Data.
func (j *job) own() *driver.Record {
	j.t.own = j.d.Record()
	return &j.t.own
}

// isOwn reports whether base is the version that the request has seen, as own returns it. What the backend has returned since is
// another one whatever version it says: somebody with access to the store may have set that, and nothing else of it was
// opened yet.
func (j *job) isOwn(base *driver.Record) bool { return base == &j.t.own }

// apply returns what the job makes of base. One that encryption does not open is as good as gone.
func (j *job) apply(base *driver.Record, out *Outcome) (Payload, error) {
	d := j.d
	c, changes := d.contents(), Changes{}
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
	if j.user != "" && d.User != "" && j.Envelope.Name(d.User) != j.user {
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
		d.Extend(rec, now, p.Life, j.fixed)
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

// done notes that p is stored in place of base.
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
		d.Take(&t.out, &p.Contents, p.Life)
	}
	if d.Log != nil {
		d.Log.cookieSent = 0
	}
	if t.last = t.out; !j.Local {
		t.took = time.Since(begin)
	}
}

// next returns the record to try again with after err, or the error after which there is no more to try. It returns neither
// if an earlier try, whose answer was lost, has stored what there is: that is the view then, and what is not in it is
// left in the log.
//
// It waits a little longer after each lost try, so that contending nodes get out of step.
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
	rec := new(driver.Record) // the conflict's is as old as the wait
	if err := j.load(ctx, j.d.Key, rec); err != nil {
		return nil, out.failed(err)
	}
	if mine, err := j.resolve(rec, out); mine || err != nil {
		return nil, err
	}
	return rec, nil
}
