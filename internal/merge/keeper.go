package merge

import (
	"fmt"
	"math"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// A Keeper is a backend in the memory of this process that stores Versions. A Store that neither encrypts nor uses beego's
// layout calls these methods, so that no values are packed, checked or copied between a Session and the backend. The other
// methods of the backend see the same sessions.
//
// Times are as in millis.
type Keeper interface {
	driver.Backend
	driver.InProcess

	// LoadVersion is Load at the time now.
	LoadVersion(key string, now int64) (v *Version, expires int64, err error)

	// CreateVersion is Create. It stores a copy of v and returns it.
	CreateVersion(key string, v Version, expires int64) (stored *Version, err error)

	// SwapVersion is Save at the time at. It stores a copy of next in place of base, and reports whether it has done so. If
	// another version is stored, it changes nothing. Either way it returns the version that is stored now, and its idle
	// deadline.
	SwapVersion(key string, at int64, base *Version, next Version, expires int64, shorten bool) (
		swapped bool, now *Version, until int64, err error)
}

// keeps reports whether s stores Versions.
func (s *Store) keeps() bool { return s.Keeper != nil && s.Envelope.Seal == nil && !s.Envelope.Beego }

// loadKept is Load from the Keeper. It reports false if the version must be opened, or is too large to be read.
func (s *Store) loadKept(key string, now time.Time, d *Draft) (opened bool, err error) {
	v, expires, err := s.Keeper.LoadVersion(key, now.UnixMilli())
	if err != nil || v.isPacked() || len(v.values) > s.Envelope.MaxData() {
		return false, err
	}
	if v.ends != 0 {
		expires = min(expires, v.ends)
	}
	d.Version, d.expires = v, expires
	return true, nil
}

// createKept creates rec, with payload p, in the Keeper.
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

// share makes d use the Version that the Keeper has, after d was stored as a record.
func (s *Store) share(d *Draft) {
	if v, _, err := s.Keeper.LoadVersion(d.Key, time.Now().UnixMilli()); err == nil && v.Number == d.Number && !v.isPacked() {
		d.Version = v
	}
}

// A keptSave is a Save in the Keeper.
type keptSave struct {
	*Store
	d     *Draft
	fixed bool

	base    *Version // to be replaced next
	expires time.Time
	changes Changes // to be made on base
}

func (s *Store) keptSave(d *Draft, fixed bool) keptSave {
	return keptSave{s, d, fixed, d.Version, d.Expires(), d.Changes()}
}

// try makes the changes on base and stores the result. If another version is stored, it reports false, and that version is base.
func (k *keptSave) try(out *Outcome) (done bool, err error) {
	d := k.d
	p, err := k.Envelope.Apply(0, k.base.Contents(), k.changes, d.cookieSent())
	if err != nil {
		return true, err
	}
	rec := k.base.record(k.expires)
	at := time.Now()
	k.Envelope.Lifetimes.Extend(d, &rec, at, p.Life, k.fixed)
	rec.Version++
	next := versionOf(&rec, &p.Contents, k.base)
	swapped, now, until, err := k.Keeper.SwapVersion(d.Key, at.UnixMilli(), k.base, next, rec.Expires.UnixMilli(), rec.Shorten)
	switch {
	case err != nil:
		return true, fmt.Errorf("session: save: %w", out.failed(err))
	case swapped:
		if rec.Shorten {
			out.Sooner = rec.Expires
		}
		d.Version, d.expires = now, rec.Expires.UnixMilli()
		d.stored(d.Key)
		return true, nil
	}
	out.Conflicts++
	k.base, k.expires = now, millis.Time(until)
	if !now.isPacked() {
		k.changes, err = d.Changes().replayed(now.Codec(), k.Envelope.Codec, now.values)
	}
	return err != nil, err
}

// plain opens the records of any manager without encryption.
var plain = Envelope{Codec: defaultCodec, MaxBytes: math.MaxInt}

// VersionOf returns rec in the form that a Keeper stores. If Data is encrypted, in beego's layout or not readable, it stays
// packed, and each Load opens it or returns the error.
func VersionOf(rec *driver.Record) Version {
	if c, err := plain.Open("", rec); err == nil {
		return versionOf(rec, &c, &blank)
	}
	return newVersion(rec, &Contents{Values: codec.Frozen(rec.Data), Meta: &Meta{rec.Alias, rec.Meta}}, &blank, true)
}

// isPacked reports whether v contains the Data of a record that was not opened.
func (v *Version) isPacked() bool { return v.rare().packed }

// Head returns v as a record with this idle deadline, without Data.
func (v *Version) Head(expires time.Time) driver.Record {
	rec := v.record(expires)
	v.rare().meta.Into(&rec)
	return rec
}

// Data returns the Data that v has as a record.
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
