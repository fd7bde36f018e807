package merge

import (
	"bytes"
	"errors"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A Fate says what has become of a save whose answer was lost.
type Fate int

const (
	Pending Fate = iota // not made so far, but may still be
	Refused             // not made, and never will be
	Made                // it is what is stored now
	Alike               // the stored record has its values: it was made and touched since, or is another save
	Unknown             // others have saved since
)

// FateOf returns the fate of a save on version base with the idle deadline expires. found is the record stored now, and
// same reports whether it has the values that were sent. The save would have led to version base+1, and the record at that
// version shows what happened, until others save again. hashed says that versions are hashes of the values, without an
// order.
func FateOf(found *driver.Record, base uint64, expires time.Time, hashed, same bool) Fate {
	switch next := base + 1; {
	case found.Version == base, found.Version < next && !hashed:
		return Pending
	case (found.Version == next || hashed) && same:
		if found.Expires.UnixMilli() == expires.UnixMilli() {
			return Made
		}
		return Alike
	case found.Version > next || hashed:
		return Unknown
	}
	return Refused
}

// An attempt is a save whose answer was lost: it was stored, was not, or will be in a moment.
type attempt struct {
	base     uint64 // the version on which it was made
	expires  time.Time
	shorten  bool
	data     []byte
	contents Contents
	changes  Changes // the changes in it
	count    int     // number of the log's changes until then
}

// errUnclear says that the fate of an earlier try cannot be found out.
var errUnclear = errors.New("an earlier try may have stored the updates, so they are not made again")

// unclear records that p was sent in place of version base, if err leaves open whether it was stored.
func (j *job) unclear(base uint64, p *Payload, err error) {
	if isClear(err) {
		return
	}
	l := j.d.WriteLog()
	l.sent = append(l.sent, attempt{base, j.expires, j.shorten, p.data, p.Contents, l.clone(), l.count})
}

// isClear reports whether an error proves that nothing was stored.
func isClear(err error) bool {
	_, conflict := errors.AsType[*driver.ConflictError](err)
	return conflict || errors.Is(err, driver.ErrNotFound)
}

// resolve compares the stored record with the earlier tries. If it is one of them, it becomes the view, and the changes in
// it leave the log. When others have saved since, resolve cannot tell. That is an error if the log has an update that may
// already be stored.
func (j *job) resolve(is *driver.Record, out *Outcome) (mine bool, err error) {
	if j.apart || !j.d.isUnclear() {
		return false, nil
	}
	l := j.d.Log
	fateOf := func(try *attempt) Fate {
		return FateOf(is, try.base, try.expires, j.Envelope.Beego, bytes.Equal(is.Data, try.data))
	}
	for i := range l.sent { // first one that is certain, because tries with the same values look alike
		if try := &l.sent[i]; fateOf(try) == Made {
			return j.adopt(is, try, out)
		}
	}
	var open []attempt
	for i := range l.sent {
		try := &l.sent[i]
		fate := fateOf(try)
		switch repeats := l.repeats(try.changes); {
		case fate == Pending:
			open = append(open, *try)
		case repeats && fate != Refused:
			return false, errUnclear
		case fate == Alike:
			return j.adopt(is, try, out)
		}
	}
	l.sent = open
	return false, nil
}

// adopt makes is, which an earlier attempt has stored, the view. Equal values prove nothing about the rest of the record:
// it must open.
func (j *job) adopt(is *driver.Record, was *attempt, out *Outcome) (mine bool, err error) {
	if _, err := j.Envelope.Open(j.d.Key, is); err != nil {
		return false, out.failed(err)
	}
	j.d.Take(is, &was.contents)
	j.t.last = *is
	if was.shorten {
		out.Sooner = is.Expires
	}
	if l := j.d.Log; l.count == was.count {
		j.d.stored(j.d.Key)
	} else {
		l.Changes, l.sent = l.without(was.changes), nil
	}
	return true, nil
}
