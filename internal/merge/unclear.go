package merge

import (
	"bytes"
	"errors"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A Fate is what has become of a save whose answer was lost.
type Fate int

const (
	Pending Fate = iota // it is not made so far, and may still be
	Refused             // it is not made, and never will be
	Made                // it is what is stored
	Alike               // what is stored has its values: it was made and touched since, or is another's
	Unknown             // others have saved since
)

// FateOf returns what has become of a save on the version base, with the idle deadline expires. found is stored now, and same
// reports whether it has the values that were sent. A save leads to the next version: what is stored there tells, until others
// save after it. hashed says that versions are hashes of the values, in no order.
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

// An attempt is a save whose answer was lost: it was stored or not, or will be in a moment.
type attempt struct {
	base     uint64 // the version that it was made on
	expires  time.Time
	shorten  bool
	data     []byte
	contents Contents
	changes  Changes // that are in it
	count    int     // how many changes there were until then
}

// errUnclear is returned when it cannot be found out what became of an earlier try.
var errUnclear = errors.New("not known whether an earlier try has stored the updates, and they are not made twice")

// unclear notes that p was sent in place of the version base, if err leaves open whether it was stored.
func (j *job) unclear(base uint64, p *Payload, err error) {
	if isClear(err) {
		return
	}
	l := j.d.WriteLog()
	l.sent = append(l.sent, attempt{base, j.expires, j.shorten, p.data, p.Contents, l.clone(), l.count})
}

// isClear reports whether an error says that nothing was stored.
func isClear(err error) bool {
	_, conflict := errors.AsType[*driver.ConflictError](err)
	return conflict || errors.Is(err, driver.ErrNotFound)
}

// resolve compares what is stored with what earlier tries have sent. If it is one of them it becomes the view, and the changes
// in it leave the log. Once others have saved it cannot tell, which is an error if the log has an update that may be in
// what is stored.
func (j *job) resolve(is *driver.Record, out *Outcome) (mine bool, err error) {
	if j.apart || !j.d.isUnclear() {
		return false, nil
	}
	l := j.d.Log
	fateOf := func(try *attempt) Fate {
		return FateOf(is, try.base, try.expires, j.Envelope.Beego, bytes.Equal(is.Data, try.data))
	}
	for i := range l.sent { // first the one that is sure: tries with the same values are alike
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

// adopt makes is, which an earlier attempt has stored, the view. That it has the values which were sent says nothing of the
// rest of it: it must open.
func (j *job) adopt(is *driver.Record, was *attempt, out *Outcome) (mine bool, err error) {
	if _, err := j.Envelope.Open(j.d.Key, is); err != nil {
		return false, out.failed(err)
	}
	j.d.Take(is, &was.contents, j.Envelope.Lifetimes.Of(was.contents.Meta))
	j.t.last = *is
	if was.shorten {
		out.Sooner = is.Expires
	}
	if l := j.d.Log; l.count == was.count {
		l.stored()
	} else {
		l.Changes, l.sent = l.without(was.changes), nil
	}
	return true, nil
}
