package session

import (
	"context"
	"errors"
)

// Save stores the changes: it applies them to the session as it is stored at that moment. Changes of different keys all
// stay, also those of other requests. For the same key the last Save wins, while Update and Increment compose. Without
// changes Save only moves the idle deadline, if that is due. Save goes on when ctx is cancelled, for as long as opTimeout,
// so that a client that hangs up does not lose its changes.
//
// Save returns [ErrDestroyed] if the session has ended in the meantime, [ErrTooLarge] if it would exceed maxBytes,
// [ErrCrossSite] if the request may not begin a session (see [Manager.Start]), or the store's error. The changes are then
// kept for another Save. After an error of the store they may be stored nevertheless, if only the answer was lost. The next
// Save detects that and applies nothing twice. It cannot detect it once other requests have saved: it then sets and removes
// again, but returns an error if the changes include updates or increments.
//
// Outside Handler, Save does not touch the response header, because other goroutines of the handler may be writing to it. A
// cookie that Start has set therefore stays, even if the session turns out to have ended.
//
// After an error of Save the application must answer the request. Handler does not save again by itself.
func (s *Session) Save(ctx context.Context) error {
	s.mu.Lock()
	defer s.unlock()
	err := s.save(orBackground(ctx))
	if err != nil || s.draft.Log != nil {
		s.draft.WriteLog().Told = err != nil
	}
	return err
}

// told reports whether Save has told the application that its changes are not stored. The caller holds mu.
func (s *Session) told() bool { return s.draft.Log != nil && s.draft.Log.Told }

func (s *Session) save(ctx context.Context) error { return s.m.engine.save(ctx, s) }

// begun counts a new session, and queues the event for OnCreate.
func (s *Session) begun(ctx context.Context) {
	s.m.stats.count(started)
	if h := s.m.cfg.OnCreate; h != nil {
		s.later(ctx, h, Event{ID: s.m.publicID(s.sid), User: s.m.userName(s.draft.User())})
	}
}

// answer sends the sid to the client, and puts it into the request for later readers.
func (s *Session) answer(n note) {
	n.begun = s.isNew
	s.r.answerSID(s.sid, s.maxAge())
	s.r.reply.rewrite(s.sid, "", n)
}

// SendCookie puts the session's cookie into the response again, with a Max-Age from now. It is meant for responses whose
// Set-Cookie lines something else has removed, and for giving the browser a cookie with other attributes. If the request's
// sid came in a header, SendCookie sends it in the header; if it came in the URL, in the cookie. If another Session of the
// request has given the session a new sid, it sends the new one.
//
// It returns [ErrNotFound] while nothing is stored, [ErrDestroyed] once the session has ended, [ErrCommitted] under Handler
// once the response headers are sent, and an error wrapping [errors.ErrUnsupported] on a Session that belongs to no
// request.
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

// SaveAll saves several sessions of one request one after another, for example those of several managers. If one save
// fails, the others are saved all the same. The errors are joined with [errors.Join]. A nil Session is skipped.
func SaveAll(ctx context.Context, sessions ...*Session) error {
	var errs []error
	for _, s := range sessions {
		if s != nil {
			errs = append(errs, s.Save(ctx))
		}
	}
	return errors.Join(errs...)
}
