package session

import (
	"bytes"
	"errors"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
)

// A sent is what a save has sent, when its answer was lost: it was stored or not, or will be in a moment. A save is
// made on one version, so that what is stored at the next one tells, as long as it is that one.
type sent struct {
	base    uint64 // the version that it was made on
	expires time.Time
	shorten bool
	values  []byte
	log     changeLog // the changes that are in it
	made    int       // how many changes there were until then
}

// errUnclear is what Save returns when it cannot find out what became of an earlier try.
var errUnclear = errors.New("not known whether an earlier try has stored the updates, and they are not made twice")

// unclear notes what a save of log on a version has sent, if err leaves open whether it was stored.
func (s *Session) unclear(base uint64, values []byte, log *changeLog, err error) {
	if _, conflict := errors.AsType[*driver.ConflictError](err); conflict || errors.Is(err, ErrNotFound) {
		return
	}
	a := s.setAside()
	a.sent = append(a.sent, sent{base, s.rec.Expires, s.rec.Shorten, values, log.clone(), s.made})
}

// resolve compares what is stored with what earlier tries have sent. If it is one of them it becomes the view, and
// the changes in it leave the log. Once others have saved it cannot tell, which is an error if the log has an
// update that may be in what is stored.
func (s *Session) resolve(is *driver.Record) (mine bool, err error) {
	var open []sent
	hashed := s.m.cfg.Beego // versions are hashes of the values, in no order
	tries := s.besides().sent
	for i := range tries {
		was := &tries[i]
		switch next := was.base + 1; {
		case is.Version == was.base, is.Version < next && !hashed:
			open = append(open, *was)
		case (is.Version == next || hashed) && s.has(is, was):
			if !is.Expires.Equal(was.expires) && s.log.repeats(&was.log) { // a touch came after it, or it is another's
				return false, errUnclear
			}
			s.adopt(is, was)
			return true, nil
		case is.Version > next || hashed:
			if s.log.repeats(&was.log) {
				return false, errUnclear
			}
		}
	}
	if s.aside != nil {
		s.aside.sent = open
	}
	return false, nil
}

// has reports whether the values that are stored are those that were sent.
func (s *Session) has(is *driver.Record, was *sent) bool {
	_, values, err := s.m.openData(s.key, is.Data)
	return err == nil && bytes.Equal(values, was.values)
}

// adopt makes what was sent, and is stored, the view.
func (s *Session) adopt(is *driver.Record, was *sent) {
	s.rec, s.codec, s.values, s.aside.sent = *is, s.m.codec, was.values, nil
	s.rec.Shorten, s.life = was.shorten, s.m.lifetimeIn(s.codec, s.values)
	if s.made == was.made {
		s.log.reset()
		return
	}
	s.log.without(&was.log)
}

// without removes the changes that were made in before, an earlier state of l.
func (l *changeLog) without(before *changeLog) {
	if l.flush { // a second Flush may have come after it, and it does no harm to flush twice
		return
	}
	var rest []codec.Change
	for _, c := range l.changes {
		if was := before.find(c.Key); was != nil {
			if len(c.Updates) == len(was.Updates) && bytes.Equal(c.Value, was.Value) {
				continue
			}
			if c.Updates != nil { // those of before come first
				c.Updates = c.Updates[len(was.Updates):]
			}
		}
		rest = append(rest, c)
	}
	l.changes = rest
}

// repeats reports whether to make the changes of l, after those of before, an earlier state of l, runs an update
// twice.
func (l *changeLog) repeats(before *changeLog) bool {
	for _, was := range before.changes {
		if c := l.find(was.Key); was.Updates != nil && c != nil && c.Updates != nil {
			return true
		}
	}
	return false
}
