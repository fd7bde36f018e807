package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/cookies"
	"github.com/seed1a8f7c28/session/internal/merge"
)

// A Sealer's sessions are sealed into the client's cookie. There is no store to merge with: each change is sealed into the
// response header at once, and the last response that reaches the client wins. Under Handler a record waits until the response
// is committed and is then sealed once, if the Sealer is a driver.SealSizer. The sid is part of the data, which the seal
// authenticates:
//
//	0  1  envelope version, 2
//	1  1  codec
//	2  1  length of sid
//	3     sid, then the values
const (
	sealedVersion = 2
	sealedHeader  = 3
)

// usual stands for the Max-Age that follows from a lifetime.
const usual = -1

// sealedEngine is the engine of sessions in the client's cookie.
type sealedEngine struct {
	drafted
	sealer driver.Sealer
	sizer  driver.SealSizer // the sealer, nil if it cannot tell lengths
}

func (e *sealedEngine) find(_ context.Context, s *Session, token string) error {
	if len(token) > e.m.parts*cookies.MaxSize {
		return ErrNotFound
	}
	rec := merge.NewRecord()
	defer merge.FreeRecord(rec)
	if err := e.sealer.Open(e.m.cfg.CookieName, token, rec); err != nil { // whatever is wrong with it, there is no session
		return err
	}
	return e.take(time.Now(), s, rec)
}

// take fills s with the session in rec, which was just opened.
func (e *sealedEngine) take(now time.Time, s *Session, rec *driver.Record) error {
	data := rec.Data
	if rec.Version == 0 && e.m.cfg.Beego {
		return e.takeBeego(now, s, rec)
	}
	if !rec.Live(now) || len(data) < sealedHeader || data[0] != sealedVersion || len(data) < sealedHeader+int(data[2]) {
		return ErrNotFound
	}
	sid, values := string(data[sealedHeader:sealedHeader+int(data[2])]), data[sealedHeader+int(data[2]):]
	c := merge.Contents{Values: codec.Frozen(values)}
	ok := false
	if c.Codec, ok = codec.ByID(data[1]); !ok || !e.m.validSID(sid) {
		return ErrNotFound
	}
	if err := e.m.envelope.Read(rec, &c); err != nil {
		return unreadSealed(err)
	}
	s.draft.Take(rec, &c)
	s.setDue(e.m.envelope.Lifetimes.Due(now, &s.draft))
	s.named(sid)
	return nil
}

// unreadSealed returns the error of find for a cookie that was opened and not read. An answer to the request must not replace
// the cookie if another build can read it.
func unreadSealed(err error) error {
	if errors.Is(err, codec.ErrUndecodable) {
		return err
	}
	return ErrNotFound
}

// takeBeego is take for a cookie that beego has sealed, which has values but no sid. Such a session lives as long from its
// last use as any other, and is to be sealed in this package's form.
func (e *sealedEngine) takeBeego(now time.Time, s *Session, rec *driver.Record) error {
	if e.m.cfg.absolute > 0 {
		rec.Deadline = rec.Created.Add(e.m.cfg.absolute)
	}
	life := e.m.envelope.Lifetimes.Usual()
	rec.Expires = life.Until(rec.Created, rec.Deadline)
	if !rec.Live(now) {
		return ErrNotFound
	}
	if err := e.m.codec.Check(codec.Frozen(rec.Data)); err != nil {
		return unreadSealed(err)
	}
	sid, err := s.r.newSID()
	if err != nil {
		return err
	}
	s.draft.Take(rec, &merge.Contents{Codec: e.m.codec, Values: codec.Frozen(rec.Data)})
	s.setDue(true)
	s.named(sid)
	return nil
}

// arrived moves the idle deadline, if that is due. A session that can no longer be sealed, because limits or the codec have
// changed, keeps its deadline: its visitor must be able to read it and to end it.
func (e *sealedEngine) arrived(s *Session, _ candidate) error {
	if s.idle != due {
		return nil
	}
	err := e.seal(s, s.sid, "", usual)
	for _, harmless := range []error{ErrTooLarge, ErrUnencodable, ErrCorrupt, ErrDestroyed} {
		if errors.Is(err, harmless) {
			return nil
		}
	}
	return err
}

func (e *sealedEngine) begin(ctx context.Context, s *Session) error {
	if err := e.catchUp(ctx, s); err != nil {
		return err
	}
	return e.reseal(s)
}

// reload sees what other Sessions of this request have sealed. Nobody else can change the cookie of this request.
func (e *sealedEngine) reload(ctx context.Context, s *Session) error {
	switch {
	case s.r.reply.moved():
		return e.join(ctx, s)
	case !s.isStored():
		return nil
	}
	if rec := s.draft.Record(); !rec.Live(time.Now()) {
		s.lose()
		return ErrDestroyed
	}
	return nil
}

// change makes a change and puts the session into the client's cookie. After an error nothing has changed. A new session is
// sealed only if it has values.
func (e *sealedEngine) change(ctx context.Context, s *Session, ed edit) error {
	if nothing, err := e.changesNothing(ctx, s, ed); nothing || err != nil {
		return err
	}
	if s.isOver() {
		return ErrDestroyed
	}
	refused := e.catchUp(ctx, s)
	if refused != nil && s.state != withheld { // then there is nowhere to keep a change, but removing nothing is no error
		return refused
	}
	log := s.draft.WriteLog()
	defer s.draft.FreeLog() // by then the view has a copy, or nothing has changed
	if err := e.apply(ctx, s, ed); err != nil {
		return err
	}
	if !s.isStored() {
		if log.Simplify(); log.Empty() {
			return nil
		}
	}
	if refused != nil {
		return refused
	}
	return e.reseal(s)
}

// reseal seals the session under its sid, or under a first one if it has none.
func (e *sealedEngine) reseal(s *Session) error {
	if s.sid != "" {
		return e.seal(s, s.sid, "", usual)
	}
	sid, err := s.r.newSID()
	if err != nil {
		return err
	}
	return e.seal(s, sid, "", usual)
}

// catchUp makes s see what other Sessions of this request have sealed. It returns an error if the session can no longer be
// put into the cookie.
func (e *sealedEngine) catchUp(ctx context.Context, s *Session) error {
	if err := s.promisable(); err != nil || !s.r.reply.moved() {
		return err
	}
	return e.join(ctx, s)
}

// join makes s see what another Session of this request has sealed.
func (e *sealedEngine) join(ctx context.Context, s *Session) error {
	value, was := s.r.reply.current(), s.sid
	if value == "" {
		s.dismiss()
		return ErrDestroyed
	}
	switch err := e.find(ctx, s, value); {
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
	return nil
}

// save seals the record that waits. All other changes were sealed at once.
func (e *sealedEngine) save(_ context.Context, s *Session) error {
	if s.state == dismissed { // a record that waits is another Session's
		return nil
	}
	if rec, maxAge := s.r.reply.awaiting(); rec != nil {
		if err := s.promisable(); err != nil {
			return err
		}
		if _, err := e.answer(s.r, rec, maxAge); err != nil {
			return err
		}
		merge.FreeRecord(rec)
	}
	if s.state == gone {
		return ErrDestroyed
	}
	return nil
}

// move gives the session a new sid. The old seal cannot be revoked: it opens until its deadline.
func (e *sealedEngine) move(ctx context.Context, s *Session, sid, user string) error {
	if err := e.catchUp(ctx, s); err != nil || s.state == unstored && user == "" {
		return err
	}
	if user != "" && s.isStored() && s.draft.User() != "" && s.draft.User() != user { // another one's values
		log := s.draft.WriteLog()
		defer log.Reset()
		log.Wipe()
	}
	return e.seal(s, sid, user, usual)
}

func (e *sealedEngine) shift(ctx context.Context, s *Session) error {
	if err := e.catchUp(ctx, s); err != nil {
		return err
	}
	expires := s.storedLife().Extended(time.Now(), s.draft.Expires(), s.draft.Deadline())
	return e.sealUntil(s, expires, usual)
}

func (e *sealedEngine) fix(ctx context.Context, s *Session, life merge.Lifetime) error {
	if err := e.catchUp(ctx, s); err != nil {
		return err
	}
	age := e.m.maxAge(s.storedLife())
	if age > 0 {
		age = cookieAge(life.Idle)
	}
	return e.sealUntil(s, life.Until(time.Now(), s.draft.Deadline()), age)
}

// sealUntil seals the session with this deadline, in a cookie with this Max-Age.
func (e *sealedEngine) sealUntil(s *Session, expires time.Time, age int) error {
	before, idle := s.draft.Expires(), s.idle
	s.draft.SetExpires(expires)
	s.idle = fixed
	err := e.seal(s, s.sid, "", age)
	if s.idle = idle; err != nil {
		s.draft.SetExpires(before)
		return err
	}
	e.m.watched.sooner(s.sid, expires)
	return nil
}

// renew has nothing to do: the cookie is answered with each change.
func (*sealedEngine) renew(*Session, int) {}

func (e *sealedEngine) resend(ctx context.Context, s *Session) error { return e.begin(ctx, s) }

// seal sends the session, with its log applied, under sid, and logs user in unless it is "". The cookie gets the Max-Age
// age, or the one that follows from the session's lifetime if age is usual.
func (e *sealedEngine) seal(s *Session, sid, user string, age int) error {
	was, begins := s.sid, s.state == unstored
	rec := merge.NewRecord()
	defer func() { merge.FreeRecord(rec) }() // this one, or the one that await returns
	p, err := e.pack(rec, s, sid, user)
	if err != nil {
		return err
	}
	if age == usual {
		age = e.m.maxAgeUntil(rec.Expires, p.Life, s.isFixed())
	}
	waits, sealed := e.sizer != nil && s.r.reply.waits(), ""
	if waits {
		err = e.check(rec)
	} else {
		sealed, err = e.answer(s.r, rec, age)
	}
	if err != nil {
		return err
	}
	s.isNew = s.isNew || begins
	s.draft.Take(rec, &p.Contents)
	s.setDue(false)
	s.named(sid)
	if rec.Shorten {
		e.m.watched.sooner(sid, rec.Expires)
	}
	if waits {
		rec = e.await(s, rec, age)
	} else {
		n := s.r.reply.note()
		if was != "" && was != sid {
			n = s.r.movedFrom(was)
		}
		n.begun = s.isNew
		s.r.reply.rewrite(sealed, "", n)
	}
	switch {
	case begins:
		s.begun(s.r.context())
	case was != sid:
		e.m.watched.end(was)
		s.regenerated(s.r.context(), was)
	}
	return nil
}

// pack fills rec with what is to be sealed, and returns its payload.
func (e *sealedEngine) pack(rec *driver.Record, s *Session, sid, user string) (p merge.Payload, err error) {
	now := time.Now()
	if s.state != unstored {
		if *rec = s.draft.Record(); !rec.Live(now) {
			s.lose()
			return p, ErrDestroyed
		}
	}
	head := sealedHeader + len(sid)
	if p, err = e.m.envelope.Apply(head, s.draft.Contents(), s.draft.Changes(), 0); err != nil {
		return p, err
	}
	if s.state == unstored {
		*rec = p.Life.Begin(now)
	}
	rec.Data = p.Buf
	rec.Data[0], rec.Data[1], rec.Data[2] = sealedVersion, p.Codec.ID(), byte(len(sid))
	copy(rec.Data[sealedHeader:], sid)
	p.Meta.Into(rec)
	rec.Version++
	e.m.envelope.Lifetimes.Extend(&s.draft, rec, now, p.Life, s.isFixed())
	if user != "" {
		p.Life.LogIn(rec, user)
	}
	return p, nil
}

// check returns an error if rec, sealed, does not fit into the cookies.
func (e *sealedEngine) check(rec *driver.Record) error {
	name := e.m.cfg.CookieName
	return cookies.Check(name, e.sizer.SealedSize(name, rec), e.m.parts)
}

// await keeps rec until save seals it. It returns the record that rec replaces, or nil.
func (e *sealedEngine) await(s *Session, rec *driver.Record, maxAge int) (before *driver.Record) {
	if s.draft.Log != nil { // rec also contains the changes that Save could not seal
		s.draft.Log.Told = false
	}
	return s.r.reply.await(rec, maxAge)
}

// answer seals rec and sends it, and removes the cookies of parts that no longer exist.
func (e *sealedEngine) answer(r *request, rec *driver.Record, maxAge int) (sealed string, err error) {
	name := e.m.cfg.CookieName
	c := r.cookie(maxAge)
	mem := scratch.Get().(*[]byte)
	defer scratch.Put(mem)
	*mem, err = e.sealer.Seal(append(append((*mem)[:0], name...), '='), name, rec)
	if err != nil {
		return "", fmt.Errorf("session: seal: %w", err)
	}
	var lines []string
	if begin, end := len(name)+len("="), len(*mem); end-len("=") <= cookies.MaxSize {
		*mem = c.AppendAttributes(*mem, c.secure, c.maxAge)
		line := string(*mem)
		lines, sealed = []string{line}, line[begin:end]
	} else {
		sealed = string((*mem)[begin:])
		values, err := cookies.Cut(name, sealed, e.m.parts)
		if err != nil {
			return "", err
		}
		for part, value := range values {
			lines = append(lines, c.line(part, value))
		}
	}
	r.reply.cookies(r.deletions(lines, len(lines)))
	return sealed, nil
}

// remove does nothing: a session in a cookie cannot be ended; the client can only be asked to forget it.
func (*sealedEngine) remove(context.Context, string) ([]func(), error) { return nil, nil }

func (e *sealedEngine) leave(_ context.Context, s *Session) error {
	e.m.watched.end(s.sid)
	return nil
}

// abandon takes back the cookie that contains unsaved changes. A logout stays.
func (e *sealedEngine) abandon(d *deferred, _ *Session) {
	d.loading.Lock()
	defer d.loading.Unlock()
	if d.ended {
		d.r.answerNothing()
		return
	}
	d.retract()
}

func (*sealedEngine) sweep(context.Context) (int, error) { return 0, nil }

func (*sealedEngine) ping(context.Context) error { return nil }

func (*sealedEngine) watched(s *Session) string { return s.sid }

// deadline is asked when a deadline has come, so that the session has ended.
func (*sealedEngine) deadline(context.Context, string) (time.Time, error) {
	return time.Time{}, ErrNotFound
}
