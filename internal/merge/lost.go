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

// FateOf tells from is, which is stored now, what has become of a save on the version base that was to expire at expires. A
// save leads to the next version, so that what is stored there tells, as long as it is that one. same reports whether is has
// the values that were sent. hashed says that versions are hashes of the values, in no order.
func FateOf(is *driver.Record, base uint64, expires time.Time, hashed bool, same bool) Fate {
	switch next := base + 1; {
	case is.Version == base, is.Version < next && !hashed:
		return Pending
	case (is.Version == next || hashed) && same:
		if is.Expires.UnixMilli() == expires.UnixMilli() {
			return Made
		}
		return Alike
	case is.Version > next || hashed:
		return Unknown
	}
	return Refused
}

// A sent is what a save has sent, when its answer was lost: it was stored or not, or will be in a moment.
type sent struct {
	base         uint64 // the version that it was made on
	expires      time.Time
	shorten      bool
	data, values []byte
	changes      Changes // that are in it
	made         int     // how many changes there were until then
}

// ErrUnclear is returned when it cannot be found out what became of an earlier try.
var ErrUnclear = errors.New("not known whether an earlier try has stored the updates, and they are not made twice")

// unclear notes that rec with p was sent in place of the version base, if err leaves open whether it was stored.
func (d *Draft) unclear(base uint64, rec *driver.Record, p *payload, err error) {
	if isClear(err) {
		return
	}
	l := d.Edit()
	l.sent = append(l.sent, sent{base, rec.Expires, rec.Shorten, rec.Data, p.values, l.clone(), l.made})
}

// isClear reports whether an error says that nothing was stored.
func isClear(err error) bool {
	_, conflict := errors.AsType[*driver.ConflictError](err)
	return conflict || errors.Is(err, driver.ErrNotFound)
}

// resolve compares what is stored with what earlier tries have sent. If it is one of them it becomes the view, and the changes
// in it leave the log. Once others have saved it cannot tell, which is an error if the log has an update that may be in
// what is stored.
func (e *edit) resolve(is *driver.Record, out *Outcome) (mine bool, err error) {
	if e.until != nil || !e.d.isUnclear() {
		return false, nil
	}
	l := e.d.Log
	var open []sent
	for i := range l.sent {
		was := &l.sent[i]
		fate := FateOf(is, was.base, was.expires, e.Envelope.Beego, bytes.Equal(is.Data, was.data))
		switch repeats := l.repeats(was.changes); {
		case fate == Pending:
			open = append(open, *was)
		case repeats && (fate == Alike || fate == Unknown):
			return false, ErrUnclear
		case fate == Made || fate == Alike:
			e.adopt(is, was, out)
			return true, nil
		}
	}
	l.sent = open
	return false, nil
}

// adopt makes what was sent, and is stored, the view.
func (e *edit) adopt(is *driver.Record, was *sent, out *Outcome) {
	e.d.Take(is, e.Envelope.Codec, was.values, e.Envelope.Lifetimes.In(e.Envelope.Codec, was.values))
	e.t.last = *is
	if was.shorten {
		out.Sooner = is.Expires
	}
	if l := e.d.Log; l.made == was.made {
		l.stored()
	} else {
		l.Changes, l.sent = l.without(was.changes), nil
	}
}
