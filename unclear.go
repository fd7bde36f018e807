package session

import (
	"bytes"
	"errors"
	"time"
)

// unclear notes what a save at this version has sent, if err leaves open whether it was stored: the answer may
// have been lost. The next try must not apply it twice.
func (s *Session) unclear(version uint64, values []byte, err error) {
	if _, conflict := errors.AsType[*ConflictError](err); conflict || errors.Is(err, ErrNotFound) {
		return
	}
	s.sent = &sent{version: version + 1, expires: s.rec.Expires, values: values, made: s.made}
}

// sent is a record that may have been stored.
type sent struct {
	version uint64
	expires time.Time
	values  []byte
	made    int // how many changes are in it
}

// wasSaved reports whether err is a conflict with what this very Session had sent, with the log as it is.
func (s *Session) wasSaved(err error) bool {
	if s.sent == nil {
		return false
	}
	conflict, ok := errors.AsType[*ConflictError](err)
	if !ok || conflict.Record == nil {
		return false
	}
	is, was := conflict.Record, s.sent
	s.sent = nil
	if is.Version != was.version || !is.Expires.Equal(was.expires) || was.made != s.made {
		return false
	}
	if _, values, err := s.m.openData(s.key, is.Data); err != nil || !bytes.Equal(values, was.values) {
		return false
	}
	s.rec = *is
	return true
}
