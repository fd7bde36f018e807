package session

import (
	"errors"
	"fmt"
	"time"
)

// A Sealer's sessions live in the client's cookie, sealed. There is no store to merge with: each change is
// sealed into the response header at once, and the last response that reaches the client wins. Data, which
// the seal authenticates, has the sid inside:
//
//	0  1  envelope version, 2
//	1  1  codec
//	2  1  length of sid
//	3     sid, then the values
const (
	sealedVersion = 2
	sealedHeader  = 3

	maxCookie = 4096 // name and value together; RFC 6265bis section 5.6
)

// unseal fills s with the session in a cookie. Whatever is wrong with it, there is none.
func (s *Session) unseal(value string) error {
	if len(s.m.cfg.CookieName)+len(value) > maxCookie {
		return ErrNotFound
	}
	var rec Record
	if err := s.m.sealer.Open(s.m.cfg.CookieName, []byte(value), &rec); err != nil {
		return err
	}
	now, data := time.Now(), rec.Data
	if !rec.Live(now) || len(data) < sealedHeader || data[0] != sealedVersion || len(data) < sealedHeader+int(data[2]) {
		return ErrNotFound
	}
	sid, values := string(data[sealedHeader:sealedHeader+int(data[2])]), data[sealedHeader+int(data[2]):]
	c, ok := codecByID(data[1])
	if !ok || c.check(values) != nil || !s.m.validSID(sid) {
		return ErrNotFound
	}
	s.rec, s.codec, s.values = rec, c, values
	s.named(sid, "")
	s.due = s.m.due(now, &rec)
	return nil
}

// reseal makes a change and puts the session into the client's cookie. If that fails nothing has changed. A
// nil change seals the session as it is; with one, a new session is sealed only if it has values.
func (s *Session) reseal(do func() error) error {
	if err := s.resealable(); err != nil {
		return err
	}
	defer s.log.reset()
	if do != nil {
		if err := do(); err != nil {
			return err
		}
		if s.status == unstored {
			if s.log.settle(); s.log.empty() {
				return nil
			}
		}
	}
	if s.sid != "" {
		return s.seal(s.sid)
	}
	sid, err := s.m.newSID()
	if err != nil {
		return err
	}
	return s.seal(sid)
}

// resealable returns an error if the session cannot be put into the cookie any more. It catches up with what
// other Sessions of this request have sealed.
func (s *Session) resealable() error {
	if err := s.promisable(); err != nil {
		return err
	}
	if s.v.handled == nil && s.v.moved() {
		value, was := s.v.current(), s.sid
		if value == "" {
			s.status = dismissed
			return ErrDestroyed
		}
		switch err := s.unseal(value); {
		case errors.Is(err, ErrNotFound):
			s.status = gone
			return ErrDestroyed
		case err != nil:
			return err
		case was != "" && s.sid != was && !s.v.leadsFrom(was): // what came later is another session
			s.status = dismissed
			return ErrDestroyed
		}
		s.v.original = value
	}
	return nil
}

// resealAs gives the session a new sid. The old seal cannot be revoked: it opens until its deadline.
func (s *Session) resealAs(sid string) error {
	if err := s.resealable(); err != nil || s.status == unstored {
		return err
	}
	return s.seal(sid)
}

// renewSealed moves the idle deadline, if that is due.
func (s *Session) renewSealed() error {
	if !s.due {
		return nil
	}
	return s.seal(s.sid)
}

// seal sends the session, with its log applied, under sid.
func (s *Session) seal(sid string) error {
	m, was := s.m, s.sid
	now, rec := time.Now(), s.rec
	switch {
	case s.status == unstored:
		rec = m.newRecord(now, nil)
	case !rec.Live(now):
		s.status = gone
		return ErrDestroyed
	}
	values := s.values
	if s.log.flush {
		values = nil
	}
	var err error
	if s.codec.id() != m.codec.id() {
		if values, err = transcode(s.codec, m.codec, values); err != nil {
			return err
		}
	}
	head := sealedHeader + len(sid)
	if rec.Data, err = m.codec.apply(head, values, s.log.changes); err != nil {
		return err
	}
	if n := len(rec.Data) - head; n > m.cfg.maxBytes {
		return fmt.Errorf("%w: %d bytes of values, %d allowed (maxBytes)", ErrTooLarge, n, m.cfg.maxBytes)
	}
	rec.Data[0], rec.Data[1], rec.Data[2] = sealedVersion, m.codec.id(), byte(len(sid))
	copy(rec.Data[sealedHeader:], sid)
	rec.Version++
	rec.Expires = m.extended(now, &rec)
	sealed, err := m.sealer.Seal(nil, m.cfg.CookieName, &rec)
	if err != nil {
		return fmt.Errorf("session: seal: %w", err)
	}
	if n := len(m.cfg.CookieName) + len(sealed); n > maxCookie {
		return fmt.Errorf("%w: the cookie would have %d bytes, a browser keeps %d", ErrTooLarge, n, maxCookie)
	}
	s.isNew = s.isNew || s.status == unstored
	s.rec, s.codec, s.values, s.due = rec, m.codec, rec.Data[head:], false
	s.named(sid, "")
	s.v.answerSID(string(sealed))
	trace := s.v.trace()
	if was != "" && was != sid {
		trace = s.tracedFrom(was)
	}
	s.v.rewrite(string(sealed), trace)
	return nil
}
