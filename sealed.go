package session

import (
	"errors"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/cookies"
	"github.com/seed1a8f7c28/session/internal/merge"
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
	rec := merge.NewRecord()
	defer merge.FreeRecord(rec)
	if err := s.m.sealer.Open(s.m.cfg.CookieName, []byte(value), rec); err != nil {
		return err
	}
	return s.unsealed(time.Now(), rec)
}

// unsealed fills s with what is in rec, which was just opened.
func (s *Session) unsealed(now time.Time, rec *driver.Record) error {
	data := rec.Data
	if rec.Version == 0 && s.m.cfg.Beego {
		return s.unsealedBeego(now, rec)
	}
	if !rec.Live(now) || len(data) < sealedHeader || data[0] != sealedVersion || len(data) < sealedHeader+int(data[2]) {
		return ErrNotFound
	}
	sid, values := string(data[sealedHeader:sealedHeader+int(data[2])]), data[sealedHeader+int(data[2]):]
	c, ok := codec.ByID(data[1])
	if !ok || c.Check(values) != nil || !s.m.validSID(sid) {
		return ErrNotFound
	}
	s.draft.Take(rec, c, values, s.m.envelope.Lifetimes.In(c, values))
	s.setDue(s.m.envelope.Lifetimes.Due(now, &s.draft.View))
	s.named(sid)
	return nil
}

// unsealedBeego is unsealed for what beego has sealed: values, and no sid. It lives as long from its last use
// as any session, and is due to be sealed in this package's form.
func (s *Session) unsealedBeego(now time.Time, rec *driver.Record) error {
	if s.m.cfg.absolute > 0 {
		rec.Deadline = rec.Created.Add(s.m.cfg.absolute)
	}
	life := s.m.envelope.Lifetimes.Usual()
	rec.Expires = life.Until(rec.Created, rec.Deadline)
	if !rec.Live(now) || s.m.codec.Check(rec.Data) != nil {
		return ErrNotFound
	}
	sid, err := s.m.newSID()
	if err != nil {
		return err
	}
	s.draft.Take(rec, s.m.codec, rec.Data, life)
	s.setDue(true)
	s.named(sid)
	return nil
}

// reseal makes a change and puts the session into the client's cookie. If that fails nothing has changed. A
// nil change seals the session as it is; with one, a new session is sealed only if it has values.
func (s *Session) reseal(do func(log *merge.Log) error) error {
	if err := s.resealable(); err != nil {
		return err
	}
	if do != nil {
		log := s.draft.Edit()
		defer log.Reset()
		if err := do(log); err != nil {
			return err
		}
		if s.state == unstored {
			if log.Simplify(); log.Empty() {
				return nil
			}
		}
	}
	if s.sid != "" {
		return s.seal(s.sid, "")
	}
	sid, err := s.m.newSID()
	if err != nil {
		return err
	}
	return s.seal(sid, "")
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
	if user != "" && s.isStored() && s.draft.User != "" && s.draft.User != user { // another one's values
		log := s.draft.Edit()
		defer log.Reset()
		log.Clear()
	}
	return s.seal(sid, user)
}

// renewSealed moves the idle deadline, if that is due. A session that cannot be sealed any more, because limits
// or the codec have changed since, keeps the deadline that it has: its visitor must be able to read it, and to
// get rid of it.
func (s *Session) renewSealed() error {
	if s.idle != due {
		return nil
	}
	err := s.seal(s.sid, "")
	for _, harmless := range []error{ErrTooLarge, ErrUnencodable, ErrCorrupt, ErrDestroyed} {
		if errors.Is(err, harmless) {
			return nil
		}
	}
	return err
}

// seal sends the session, with its log applied, under sid, and for user, who logs in unless it is "".
func (s *Session) seal(sid, user string) error {
	was, begins := s.sid, s.state == unstored
	rec := merge.NewRecord()
	defer merge.FreeRecord(rec)
	values, err := s.sealable(rec, sid, user)
	if err != nil {
		return err
	}
	life := s.m.envelope.Lifetimes.In(s.m.codec, values)
	sealed, err := s.r.answerSealed(rec, s.m.maxAge(life))
	if err != nil {
		return err
	}
	s.isNew = s.isNew || begins
	s.draft.Take(rec, s.m.codec, values, life)
	s.setDue(false)
	s.named(sid)
	n := s.r.reply.note()
	if was != "" && was != sid {
		n = s.r.movedFrom(was)
	}
	s.r.reply.rewrite(sealed, "", n)
	if rec.Shorten {
		s.m.watched.sooner(sid, rec.Expires)
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

// sealable makes rec what is to be sealed, and returns the values in it.
func (s *Session) sealable(rec *driver.Record, sid, user string) (values []byte, err error) {
	e, now := &s.m.envelope, time.Now()
	if s.state == unstored {
		*rec = e.Lifetimes.Begin(now, s.draft.Life)
	} else if *rec = s.draft.Record(); !rec.Live(now) {
		s.lose()
		return nil, ErrDestroyed
	}
	head := sealedHeader + len(sid)
	if rec.Data, err = e.Apply(head, s.draft.Codec, s.draft.Values, s.draft.Changes()); err != nil {
		return nil, err
	}
	rec.Data[0], rec.Data[1], rec.Data[2] = sealedVersion, s.m.codec.ID(), byte(len(sid))
	copy(rec.Data[sealedHeader:], sid)
	rec.Version++
	values = rec.Data[head:]
	life := e.Lifetimes.In(s.m.codec, values)
	rec.Expires, rec.Shorten = s.draft.NextExpires(now, rec, life, s.isFixed())
	e.Lifetimes.LogIn(rec, user, life)
	return values, nil
}
