package session

import (
	"context"
	"errors"
)

// Save stores the changes: it applies them to the session as it is stored at that moment. On different keys the changes
// of all requests stay; on one key the last Save wins, while Update and Increment compose. Without changes Save only moves
// the idle deadline, if that is due. It goes on when ctx is cancelled, for as long as opTimeout: a client that hung up
// does not lose its changes.
//
// It returns [ErrDestroyed] if the session is gone meanwhile, [ErrTooLarge] if it would pass maxBytes, and the store's
// error. The changes are kept for another Save. After the store's error they may be stored nevertheless, if only its
// answer was lost. The next Save finds that out, and makes nothing twice. It cannot find out once others have saved: then
// it sets and removes again, but returns an error if there are updates or increments.
//
// Outside Handler it leaves the response header alone, to which other goroutines of the handler may be writing: a cookie that
// Start has answered stays, also when the session turns out to be gone.
//
// After an error of Save the application answers: Handler does not save once more by itself.
func (s *Session) Save(ctx context.Context) error {
	s.mu.Lock()
	defer s.unlock()
	err := s.save(orBackground(ctx))
	if err != nil || s.draft.Log != nil {
		s.draft.WriteLog().Told = err != nil
	}
	return err
}

// told reports whether the application knows from Save that its changes are not stored. The caller holds mu.
func (s *Session) told() bool { return s.draft.Log != nil && s.draft.Log.Told }

// isTold is told for who does not hold mu.
func (s *Session) isTold() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told()
}

func (s *Session) save(ctx context.Context) error { return s.m.engine.save(ctx, s) }

// begun counts a new session, and tells of it.
func (s *Session) begun(ctx context.Context) {
	s.m.stats.count(started)
	if h := s.m.cfg.OnCreate; h != nil {
		s.later(ctx, h, Event{ID: s.m.publicID(s.sid), User: s.m.userName(s.draft.User)})
	}
}

// answer promises the sid to the client and to later readers of the request.
func (s *Session) answer(n note) {
	n.begun = s.isNew
	s.r.answerSID(s.sid, s.maxAge())
	s.r.reply.rewrite(s.sid, "", n)
}

// SendCookie puts the session's cookie into the response once more, with a Max-Age from now: where something else has removed the
// response's Set-Cookie lines, or the browser is to get it with other attributes. A sid that came in a header is answered there, one
// from the URL in the cookie. If another Session of the request has given the session another sid, that is sent. It returns
// [ErrNotFound] while nothing is stored, [ErrDestroyed] once the session has ended, [ErrCommitted] under Handler once the response
// headers are sent, and an error wrapping [errors.ErrUnsupported] on a Session that belongs to no request.
func (s *Session) SendCookie(ctx context.Context) error {
	s.mu.Lock()
	defer s.unlock()
	switch {
	case s.r.isNone():
		return unsupported("SendCookie needs a request")
	case s.isOver():
		return ErrDestroyed
	case !s.isStored():
		return ErrNotFound
	}
	if err := s.promisable(); err != nil {
		return err
	}
	return s.m.engine.resend(orBackground(ctx), s)
}

// SaveAll saves several sessions of one request, such as those of several managers, one after another: the failure
// of one keeps none of the others from being saved. Errors are joined. A nil Session is left out.
func SaveAll(ctx context.Context, sessions ...*Session) error {
	var errs []error
	for _, s := range sessions {
		if s != nil {
			errs = append(errs, s.Save(ctx))
		}
	}
	return errors.Join(errs...)
}
