package merge

import (
	"fmt"
	"math"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// A Keeper is a backend in the memory of this process that keeps Versions as they are. A Store that neither encrypts nor keeps
// beego's layout uses these methods of it: then nothing is packed, checked or copied between a Session and the store. The other
// methods of the backend see the same sessions.
//
// Times are as in millis.
type Keeper interface {
	driver.Backend
	driver.InProcess

	// LoadVersion is Load at the time now.
	LoadVersion(key string, now int64) (v *Version, expires int64, err error)

	// CreateVersion is Create of a copy of v, which it returns.
	CreateVersion(key string, v Version, expires int64) (stored *Version, err error)

	// SwapVersion is Save of a copy of next, in place of base. It reports whether it has done so: otherwise another version is stored.
	// It returns what is stored now.
	SwapVersion(key string, base *Version, next Version, expires int64, shorten bool) (swapped bool, now *Version, until int64, err error)
}

// keeps reports whether versions are kept as they are, and not packed.
func (s *Store) keeps() bool { return s.Keeper != nil && s.Envelope.Seal == nil && !s.Envelope.Beego }

// loadKept is Load from the Keeper. It reports false for what has to be opened.
func (s *Store) loadKept(key string, now time.Time, d *Draft) (opened bool, err error) {
	ms := now.UnixMilli()
	v, expires, err := s.Keeper.LoadVersion(key, ms)
	if err != nil || v.isPacked() || len(v.values) > s.Envelope.MaxData() {
		return false, err
	}
	if v.ends != 0 {
		expires = min(expires, v.ends)
	}
	d.Version, d.expires = v, expires
	return true, nil
}

// createKept is Backend.Create of rec, with what is in p, in the Keeper.
func (s *Store) createKept(key string, d *Draft, rec *driver.Record, p *Payload) error {
	rec.Version = 1
	v, err := s.Keeper.CreateVersion(key, versionOf(rec, &p.Contents, d.Version), rec.Expires.UnixMilli())
	if err != nil {
		return err
	}
	d.Version, d.expires = v, rec.Expires.UnixMilli()
	d.stored(key)
	return nil
}

// share makes d see the very Version that is kept of what it has just stored as a record.
func (s *Store) share(d *Draft) {
	if v, _, err := s.Keeper.LoadVersion(d.Key, time.Now().UnixMilli()); err == nil && v.Number == d.Number && !v.isPacked() {
		d.Version = v
	}
}

// saveKept is Save in a Keeper. It reports false if what is stored has to be opened first, which Save does.
func (s *Store) saveKept(d *Draft, fixed bool) (done bool, out Outcome, err error) {
	base, expires, changes := d.Version, d.Expires(), d.Changes()
	for {
		p, err := s.Envelope.Apply(0, base.Contents(), changes, d.cookieSent())
		if err != nil {
			return true, out, err
		}
		rec := base.record(expires)
		s.Envelope.Lifetimes.Extend(d, &rec, time.Now(), p.Life, fixed)
		rec.Version++
		next := versionOf(&rec, &p.Contents, base)
		swapped, now, until, err := s.Keeper.SwapVersion(d.Key, base, next, rec.Expires.UnixMilli(), rec.Shorten)
		switch {
		case err != nil:
			return true, out, fmt.Errorf("session: save: %w", out.failed(err))
		case swapped:
			if rec.Shorten {
				out.Sooner = rec.Expires
			}
			d.Version, d.expires = now, rec.Expires.UnixMilli()
			d.stored(d.Key)
			return true, out, nil
		case now.isPacked():
			return false, out, nil
		}
		out.Conflicts++
		base, expires = now, millis.Time(until)
		if changes, err = d.Changes().replayed(base.Codec(), s.Envelope.Codec, base.values); err != nil {
			return true, out, err
		}
	}
}

// plain opens what any manager without encryption has stored.
var plain = Envelope{Codec: defaultCodec, MaxBytes: math.MaxInt}

// VersionOf returns rec as a Keeper keeps it. Data that is encrypted, beego's, or nothing that this version can read stays packed:
// who loads it opens it, or finds that out.
func VersionOf(rec *driver.Record) Version {
	if c, err := plain.Open("", rec); err == nil {
		return versionOf(rec, &c, &blank)
	}
	return newVersion(rec, &Contents{Values: codec.Frozen(rec.Data), Meta: &Meta{rec.Alias, rec.Meta}}, &blank, true)
}

// isPacked reports whether the values are a record's Data, which nobody has opened.
func (v *Version) isPacked() bool { return v.rare().packed }

// Head returns v as a record that expires then, without Data.
func (v *Version) Head(expires time.Time) driver.Record {
	rec := v.record(expires)
	v.rare().meta.Into(&rec)
	return rec
}

// Data returns the Data of v as a record.
func (v *Version) Data() []byte {
	switch {
	case v.isPacked():
		return []byte(v.values)
	case v.values == "":
		return nil
	}
	return fillHeader(append(make([]byte, plainHeader, plainHeader+len(v.values)), v.values...), v.Codec())
}

// Alias returns the other name that the session is found by, as stored.
func (v *Version) Alias() string {
	if m := v.rare().meta; m != nil {
		return m.Alias
	}
	return ""
}

// Over reports whether the absolute deadline has passed at the time now.
func (v *Version) Over(now int64) bool { return v.ends != 0 && now >= v.ends }
