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

// maxTries bounds the conflicts that a call takes. Saves of one process queue, so that every conflict means that another node
// has saved.
const maxTries = 256

// An edit is what one call makes of a record: new values, a new key, or a new deadline.
type edit struct {
	*Store
	d    *Draft
	t    *Turn
	what string // for errors

	to     string // the new key, "" to stay
	user   string // who logs in with it, "" for nobody
	copied uint64 // the version of the copy under the new key, 0 for none

	fixed bool      // the idle deadline stays as it is
	until *Lifetime // the new deadline, from now; then nothing else changes
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
	return s.run(ctx, &edit{Store: s, d: d, t: t, what: "save", fixed: fixed})
}

// Expire gives the session the idle deadline that is life from now, be it earlier or later. d's changes stay in its log.
func (s *Store) Expire(ctx context.Context, d *Draft, life Lifetime) (out Outcome, err error) {
	t, err := s.Queue.Enter(ctx, d.Key)
	if err != nil {
		return out, fmt.Errorf("session: save: %w", err)
	}
	defer s.Queue.Leave(d.Key, t)
	return s.run(ctx, &edit{Store: s, d: d, t: t, what: "save", until: &life})
}

// Move stores the session under another key, with d's changes and for user, who logs in unless it is "", and ends it under
// the old key at the version that was copied: a crash in between leaves both, and nobody knows the new one. t is the turn of
// the old key. With fixed the idle deadline stays as it is. What another user had stored or set is dropped.
func (s *Store) Move(ctx context.Context, t *Turn, d *Draft, to, user string, fixed bool) (Outcome, error) {
	return s.run(ctx, &edit{Store: s, d: d, t: t, what: "regenerate", to: to, user: user, fixed: fixed})
}

// run makes an edit of the newest version, and once more whenever another node was faster. It is the one loop that does.
func (s *Store) run(ctx context.Context, e *edit) (out Outcome, err error) {
	base := e.newest()
	for try := 0; ; try++ {
		p, err := e.apply(base)
		if err != nil {
			return out, e.undo(ctx, err)
		}
		begin := time.Now()
		if err = e.send(ctx, base, &p, begin); err == nil {
			e.done(base, &p, begin, &out)
			return out, nil
		}
		if e.to == "" && e.until == nil {
			e.d.unclear(base.Version, &e.t.out, &p, err)
		}
		base, err = e.next(ctx, try, err, &out)
		switch {
		case out.Gone:
			if undone := e.undo(ctx, nil); undone != nil {
				out.Gone, err = false, undone
			}
			return out, err
		case errors.Is(err, ErrUnclear):
			return out, e.undo(ctx, fmt.Errorf("session: %s: %w", e.what, err))
		case err != nil:
			return out, fmt.Errorf("session: %s: %w", e.what, err)
		case base != nil:
			continue
		case e.to == "" && e.d.Log.Empty():
			return out, nil
		}
		base = e.own()
	}
}

// newest returns the newest version that is known without asking: the request's own, or what this process has saved since. A
// Draft that may be stored already starts from its own: only the version behind that tells.
func (e *edit) newest() *driver.Record {
	if e.t.last.Version > e.d.Version && (e.until != nil || !e.d.isUnclear()) {
		return &e.t.last
	}
	return e.own()
}

// own returns the version that the request has seen, without Data.
func (e *edit) own() *driver.Record {
	e.t.own = e.d.Record()
	return &e.t.own
}

// apply returns what the edit makes of the values of base.
func (e *edit) apply(base *driver.Record) (payload, error) {
	d := e.d
	if e.until != nil {
		if base == &e.t.own {
			return payload{data: e.Envelope.repack(d.Key, d.Codec, d.Values)}, nil
		}
		return payload{data: base.Data}, nil
	}
	key, c, values, changes := d.Key, d.Codec, d.Values, d.Changes()
	if e.to != "" {
		key = e.to
	}
	if e.user != "" && d.User != "" && d.User != e.user {
		changes = Changes{Flush: true}
	}
	if base.Version != d.Version { // the log's updates started from another one
		var err error
		if c, values, err = e.Envelope.Open(d.Key, base.Data); err == nil {
			changes, err = changes.replayed(c, e.Envelope.Codec, values)
		}
		if err != nil {
			return payload{}, err
		}
	}
	return e.Envelope.changed(key, c, values, changes)
}

// send stores p in place of base.
func (e *edit) send(ctx context.Context, base *driver.Record, p *payload, now time.Time) error {
	rec := &e.t.out
	*rec = *base
	rec.Data = p.data
	if e.until != nil {
		rec.Expires, rec.Shorten = e.until.Until(now, base.Deadline), true
	} else {
		rec.Expires, rec.Shorten = e.d.NextExpires(now, base, p.life, e.fixed)
	}
	if e.to == "" {
		return e.Backend.Save(ctx, e.d.Key, rec)
	}
	rec.Shorten = false
	e.Envelope.Lifetimes.LogIn(rec, e.user, p.life)
	return e.move(ctx, base.Version, rec)
}

// done notes that p is stored in place of base.
func (e *edit) done(base *driver.Record, p *payload, begin time.Time, out *Outcome) {
	d, t := e.d, e.t
	if t.out.Shorten {
		out.Sooner = t.out.Expires
	}
	switch {
	case e.to != "":
		e.stored(d, e.to, &t.out, p)
		return
	case e.until == nil:
		e.stored(d, d.Key, &t.out, p)
	case base.Version == d.Version: // else the view stays: updates in the log started from it
		d.Version = t.out.Version
		d.SetExpires(t.out.Expires)
	}
	if t.last = t.out; !e.Local {
		t.took = time.Since(begin)
	}
}

// next returns the record to try again with after err, or the error after which there is no more to try. It returns neither
// if an earlier try, whose answer was lost, has stored what there is: that is the view then, and what is not in it is
// left in the log.
//
// It waits a little longer after each lost try, so that contending nodes get out of step.
func (e *edit) next(ctx context.Context, try int, err error, out *Outcome) (*driver.Record, error) {
	conflict, ok := errors.AsType[*driver.ConflictError](err)
	if !ok || conflict.Record == nil {
		return nil, out.failed(err)
	}
	if mine, err := e.resolve(conflict.Record, out); mine || err != nil {
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
	if err := e.Backend.Load(ctx, e.d.Key, rec); err != nil {
		return nil, out.failed(err)
	}
	if mine, err := e.resolve(rec, out); mine || err != nil {
		return nil, err
	}
	return rec, nil
}
