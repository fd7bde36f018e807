package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/cookies"
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
)

// unseal fills s with the session in a cookie. Whatever is wrong with it, there is none.
func (s *Session) unseal(value string) error {
	if len(value) > s.m.parts*cookies.MaxSize {
		return ErrNotFound
	}
	before := s.rec
	err := s.m.sealer.Open(s.m.cfg.CookieName, []byte(value), &s.rec)
	if err == nil {
		err = s.unsealed(time.Now())
	}
	if err != nil {
		s.rec = before
	}
	return err
}

// unsealed fills s with what is in s.rec, which was just opened.
func (s *Session) unsealed(now time.Time) error {
	rec, data := &s.rec, s.rec.Data
	if rec.Version == 0 && s.m.cfg.Beego {
		return s.unsealedBeego(now)
	}
	if !rec.Live(now) || len(data) < sealedHeader || data[0] != sealedVersion || len(data) < sealedHeader+int(data[2]) {
		return ErrNotFound
	}
	sid, values := string(data[sealedHeader:sealedHeader+int(data[2])]), data[sealedHeader+int(data[2]):]
	c, ok := codec.ByID(data[1])
	if !ok || c.Check(values) != nil || !s.m.validSID(sid) {
		return ErrNotFound
	}
	s.codec, s.values, s.life = c, values, s.m.lifetimeIn(c, values)
	s.setDue(s.m.due(now, rec, s.life))
	s.named(sid, "")
	return nil
}

// unsealedBeego is unsealed for what beego has sealed: values, and no sid. It lives as long from its last use
// as any session, and is due to be sealed in this package's form.
func (s *Session) unsealedBeego(now time.Time) error {
	rec := &s.rec
	if s.m.cfg.absolute > 0 {
		rec.Deadline = rec.Created.Add(s.m.cfg.absolute)
	}
	s.life = s.m.usualLifetime()
	rec.Expires = s.m.idleUntil(rec.Created, rec.Deadline, s.life)
	if !rec.Live(now) || s.m.codec.Check(rec.Data) != nil {
		return ErrNotFound
	}
	sid, err := s.m.newSID()
	if err != nil {
		return err
	}
	s.codec, s.values = s.m.codec, rec.Data
	s.setDue(true)
	s.named(sid, "")
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
		if s.state == unstored {
			if s.log.simplify(); s.log.empty() {
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
	if s.r.reply.moved() {
		value, was := s.r.reply.current(), s.sid
		if value == "" {
			s.dismiss()
			return ErrDestroyed
		}
		switch err := s.unseal(value); {
		case errors.Is(err, ErrNotFound):
			s.lose()
			return ErrDestroyed
		case err != nil:
			return err
		case was != "" && s.sid != was && !s.r.leadsFrom(was): // what came later is another session
			s.dismiss()
			return ErrDestroyed
		}
		s.r.original = value
	}
	return nil
}

// resealAs gives the session a new sid. The old seal cannot be revoked: it opens until its deadline.
func (s *Session) resealAs(sid, user string) error {
	if err := s.resealable(); err != nil || s.state == unstored && user == "" {
		return err
	}
	defer s.log.reset()
	s.log.flush = s.isOthers(user)
	return s.seal(sid)
}

// renewSealed moves the idle deadline, if that is due. A session that cannot be sealed any more, because limits
// or the codec have changed since, keeps the deadline that it has: its visitor must be able to read it, and to
// get rid of it.
func (s *Session) renewSealed() error {
	if s.idle != due {
		return nil
	}
	err := s.seal(s.sid)
	for _, harmless := range []error{ErrTooLarge, ErrUnencodable, ErrCorrupt, ErrDestroyed} {
		if errors.Is(err, harmless) {
			return nil
		}
	}
	return err
}

// seal sends the session, with its log applied, under sid.
func (s *Session) seal(sid string) error {
	before, was := s.rec, s.sid
	p, err := s.sealable(sid)
	var sealed string
	if err == nil {
		sealed, err = s.r.answerSealed(&s.rec, s.m.maxAge(p.life))
	}
	if err != nil {
		s.rec = before
		return err
	}
	begins := s.state == unstored
	s.isNew = s.isNew || begins
	s.codec, s.values, s.life = s.m.codec, p.values, p.life
	s.setDue(false)
	s.named(sid, "")
	n := s.r.reply.note()
	if was != "" && was != sid {
		n = s.r.movedFrom(was)
	}
	s.r.reply.rewrite(sealed, "", n)
	if s.rec.Shorten {
		s.m.watched.sooner(sid, s.rec.Expires)
	}
	switch {
	case begins:
		s.begun(s.r.context())
	case was != sid:
		s.m.watched.end(was)
		s.regenerated(s.r.context(), was)
	}
	return nil
}

// sealable makes s.rec what is to be sealed, and returns what is in it.
func (s *Session) sealable(sid string) (p payload, err error) {
	m, rec, now, values := s.m, &s.rec, time.Now(), []byte(nil)
	switch {
	case s.state == unstored:
		*rec = m.newRecord(now, nil, s.life)
	case !rec.Live(now):
		s.lose()
		return p, ErrDestroyed
	}
	if !s.log.flush {
		values = s.values
	}
	if s.codec.ID() != m.codec.ID() {
		if values, err = codec.Transcode(s.codec, m.codec, values); err != nil {
			return p, err
		}
	}
	head := sealedHeader + len(sid)
	if rec.Data, err = m.codec.Apply(head, values, s.log.changes); err != nil {
		return p, err
	}
	if n := len(rec.Data) - head; n > m.cfg.maxBytes {
		return p, fmt.Errorf("%w: %d bytes of values, %d allowed (maxBytes)", ErrTooLarge, n, m.cfg.maxBytes)
	}
	rec.Data[0], rec.Data[1], rec.Data[2] = sealedVersion, m.codec.ID(), byte(len(sid))
	copy(rec.Data[sealedHeader:], sid)
	rec.Version++
	p = payload{rec.Data, rec.Data[head:], m.lifetimeIn(m.codec, rec.Data[head:])}
	rec.Expires, rec.Shorten = s.deadline(now, rec, p.life)
	s.logIn(rec, p.life)
	return p, nil
}
