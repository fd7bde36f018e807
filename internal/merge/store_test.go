package merge

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
)

// A one is a backend of one record, under whatever key. Each Save, Touch and Delete first returns the next of errs; a nil one
// lets it through, and errLost after it is done.
type one struct {
	rec  driver.Record
	errs []error
}

var errLost = errors.New("the answer was lost")

func (o *one) next() error {
	if len(o.errs) == 0 {
		return nil
	}
	err := o.errs[0]
	o.errs = o.errs[1:]
	return err
}

func (o *one) Create(_ context.Context, _ string, rec *driver.Record) error {
	rec.Version = 1
	o.rec = *rec
	return nil
}

func (o *one) Load(_ context.Context, _ string, rec *driver.Record) error {
	*rec = o.rec
	return nil
}

func (o *one) Save(_ context.Context, _ string, rec *driver.Record) error {
	err := o.next()
	if err != nil && !errors.Is(err, errLost) {
		return err
	}
	if rec.Version != o.rec.Version {
		is := o.rec
		return &driver.ConflictError{Record: &is}
	}
	o.rec = *rec
	o.rec.Version++
	if err != nil {
		return err
	}
	rec.Version++
	rec.Shorten = false // it is not stored, and a backend may treat it so
	return nil
}

func (o *one) Touch(_ context.Context, _ string, expires time.Time) error {
	o.rec.Expires = expires
	return o.next()
}

func (o *one) Delete(context.Context, string, uint64) error { return o.next() }

// newStore returns a Store and a Draft of its one session, which has a value and a change of it.
func newStore(t *testing.T) (*Store, *one, *Draft) {
	t.Helper()
	b := new(one)
	s := &Store{Backend: b, Envelope: *newEnvelope(t, "compact"), Queue: NewQueue(), Local: true}
	d := &Draft{Version: NewVersion(s.Envelope.Codec)}
	put(t, s, d, "a", 1)
	if _, err := s.Create(t.Context(), "key", d, ""); err != nil {
		t.Fatal(err)
	}
	put(t, s, d, "a", 2)
	return s, b, d
}

func put(t *testing.T, s *Store, d *Draft, key string, value any) {
	t.Helper()
	log := d.WriteLog()
	log.Begin()
	k, err := log.Key(s.Envelope.Codec, key)
	if err != nil {
		t.Fatal(err)
	}
	v, err := log.Value(s.Envelope.Codec, value)
	if err != nil {
		t.Fatal(err)
	}
	log.Put(k, v)
}

func get(t *testing.T, s *Store, rec *driver.Record, key string) any {
	t.Helper()
	c, err := s.Envelope.Open("key", rec)
	if err != nil {
		t.Fatal(err)
	}
	k, err := codec.AppendKey(nil, key)
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := c.Codec.Get(c.Values, k)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Another node saves in between: the change is made on top, and the outcome tells of the conflict.
func TestSaveAfterAConflict(t *testing.T) {
	s, b, d := newStore(t)
	var other Draft
	if _, err := s.Load(t.Context(), "key", &other); err != nil {
		t.Fatal(err)
	}
	put(t, s, &other, "b", 3)
	if _, err := s.Save(t.Context(), &other, false); err != nil {
		t.Fatal(err)
	}
	out, err := s.Save(t.Context(), d, false)
	if err != nil || out != (Outcome{Conflicts: 1}) {
		t.Fatalf("saved: %+v, %v", out, err)
	}
	if a, other := get(t, s, &b.rec, "a"), get(t, s, &b.rec, "b"); a != 2 || other != 3 || d.IsChanged() {
		t.Errorf("stored are a = %v and b = %v", a, other)
	}
}

// What a call has met is in the outcome, and after an error the change is still in the log.
func TestOutcomes(t *testing.T) {
	failure := errors.New("no connection")
	calls := map[string]func(s *Store, d *Draft) (Outcome, error){
		"save": func(s *Store, d *Draft) (Outcome, error) { return s.Save(t.Context(), d, false) },
		"expire": func(s *Store, d *Draft) (Outcome, error) {
			return s.Expire(t.Context(), d, Lifetime{Idle: time.Minute})
		},
		"touch": func(s *Store, d *Draft) (Outcome, error) { return s.Touch(t.Context(), d) },
		"move": func(s *Store, d *Draft) (Outcome, error) {
			turn, err := s.Queue.Enter(t.Context(), d.Key)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Queue.Leave(d.Key, turn)
			return s.Move(t.Context(), turn, d, "new", "", false)
		},
	}
	for name, call := range calls {
		for _, tt := range []struct {
			err  error
			want Outcome
		}{
			{failure, Outcome{Failed: true}},
			{driver.ErrNotFound, Outcome{Gone: true}},
		} {
			s, b, d := newStore(t)
			b.errs = []error{tt.err}
			out, err := call(s, d)
			if out != tt.want || !errors.Is(err, tt.err) || d.Log.Empty() {
				t.Errorf("%s after %q: %+v, %v; the log is empty: %t", name, tt.err, out, err, d.Log.Empty())
			}
		}
	}
}

// A new deadline leaves what the request has changed in its log, and its view where others have saved since.
func TestExpireKeepsTheLog(t *testing.T) {
	s, b, d := newStore(t)
	before := d.Version
	out, err := s.Expire(t.Context(), d, Lifetime{Idle: time.Minute})
	if err != nil || out.Sooner.IsZero() || !out.Sooner.Equal(b.rec.Expires) || time.Until(b.rec.Expires) > time.Minute {
		t.Fatalf("%+v, %v; it expires in %v", out, err, time.Until(b.rec.Expires))
	}
	if d.Log.Empty() || d.Number != before.Number+1 || get(t, s, &b.rec, "a") != 1 {
		t.Errorf("version %d, a = %v", d.Number, get(t, s, &b.rec, "a"))
	}
}

// increment adds one to the value under key, which a Save runs again if others have changed it.
func increment(t *testing.T, s *Store, d *Draft, key string) {
	t.Helper()
	add := func(old any) (any, error) {
		n, _ := old.(int)
		return n + 1, nil
	}
	log := d.WriteLog()
	log.Begin()
	k, err := log.Key(s.Envelope.Codec, key)
	if err != nil {
		t.Fatal(err)
	}
	c, values, err := d.Seen(s.Envelope.Codec)
	if err != nil {
		t.Fatal(err)
	}
	old, _, err := c.Get(values, k)
	if err != nil {
		t.Fatal(err)
	}
	sum, _ := add(old)
	v, err := log.Value(s.Envelope.Codec, sum)
	if err != nil {
		t.Fatal(err)
	}
	log.Update(k, v, add)
}

// Of two tries with the same values the second was stored: the third finds that out, although the first is like it.
func TestTheSecondOfTwoTriesWasStored(t *testing.T) {
	s, b, d := newStore(t)
	increment(t, s, d, "n")
	b.errs = []error{errors.New("no connection"), errLost}
	for range 2 {
		if _, err := s.Save(t.Context(), d, false); err == nil {
			t.Fatal("an error is lost")
		}
		time.Sleep(2 * time.Millisecond) // the next has another deadline
	}
	if _, err := s.Save(t.Context(), d, false); err != nil || d.IsChanged() {
		t.Errorf("the third try: %v", err)
	}
	if n := get(t, s, &b.rec, "n"); n != 1 {
		t.Errorf("n = %v, want 1", n)
	}
}

// A save was stored, but its answer was lost, and then the session got another key: the increment is not made twice.
func TestRebaseInDoubt(t *testing.T) {
	s, b, d := newStore(t)
	increment(t, s, d, "n")
	put(t, s, d, "a", 3)
	b.errs = []error{errLost}
	if _, err := s.Save(t.Context(), d, false); err == nil {
		t.Fatal("an error is lost")
	}
	var moved Draft
	if _, err := s.Load(t.Context(), "new", &moved); err != nil {
		t.Fatal(err)
	}
	if err := s.Rebase(d, &moved); !errors.Is(err, errUnclear) {
		t.Errorf("the Draft goes on under the new key: %v", err)
	}
	d.Log.Reset() // what is set is simply set again
	put(t, s, d, "a", 4)
	if err := s.Rebase(d, &moved); err != nil || d.Key != "new" {
		t.Fatalf("without the increment: %v", err)
	}
	if _, err := s.Save(t.Context(), d, false); err != nil || get(t, s, &b.rec, "a") != 4 || get(t, s, &b.rec, "n") != 1 {
		t.Errorf("a = %v, n = %v, %v", get(t, s, &b.rec, "a"), get(t, s, &b.rec, "n"), err)
	}
}
