package session

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/seed1a8f7c28/session/driver"
)

// deferred is the reply of a request under Handler. Answers are kept until the headers are sent, because other goroutines,
// such as that of http.TimeoutHandler, may be writing to the header map. For the same reason it keeps the request's new sid
// itself and does not change the request. All Sessions of the request are the same one.
type deferred struct {
	r        request
	returned bool // the application has returned and did not panic
	unwaited bool // FromContext must not wait with its context: see Handled.Value

	ended     bool       // Destroy has ended a session of the request
	rewritten bool       // original replaces the sids that the request carries
	looked    bool       // the response depends on the cookie
	begun     bool       // first is used
	loading   sync.Mutex // guards these four, the next three, and the request's sid
	session   *Session   // nil before the first use, and after Destroy
	err       error      // why there is no session
	first     Session    // the memory of the first session

	mu      sync.Mutex // guards pending
	pending *answer    // nil if there is nothing to answer yet

	sent    atomic.Bool   // the answer is in the response header; set while mu is held
	verdict atomic.Uint32 // set once, when the response is committed

	committing sync.Mutex // held while the response is committed; guards unusual
	unusual    *unusual   // nil for most requests
}

// The verdicts on a response.
const (
	undecided uint32 = iota
	stands           // the application's response is sent
	rejected         // it is not sent: ErrorHandler has answered, or the stack must
)

// unusual has the fields of a deferred that few requests need.
type unusual struct {
	encoding   []string // Content-Encoding as a middleware further out has set it; not changed later
	unanswered error    // the error with which the stack must answer
	lost       *Session // the Session that could not be saved although the response stands
}

// An answer is what will be put into the response header.
type answer struct {
	cookies []string       // Set-Cookie lines
	waiting *driver.Record // to be sealed into lines that replace cookies; if that fails, cookies stays
	maxAge  int            // of these lines
	header  string         // the value of the sid's response header
	clear   string         // the value of Clear-Site-Data
}

// begin makes d, which is zero, the reply to a.
func (d *deferred) begin(m *Manager, a arrival) {
	d.r.init(m, &a)
	d.r.reply = d
	if encoding := d.r.x.ResponseHeader("Content-Encoding"); encoding != nil {
		d.unusual = &unusual{encoding: encoding}
	}
}

// addUnusual returns the unusual fields, for a change.
func (d *deferred) addUnusual() *unusual {
	if d.unusual == nil {
		d.unusual = new(unusual)
	}
	return d.unusual
}

// newSession returns a Session of the request.
func (d *deferred) newSession() *Session {
	s := &d.first
	if d.begun {
		s = new(Session)
	}
	d.begun = true
	s.init(d.r.m, &d.r)
	return s
}

func (d *deferred) promise() error {
	if d.isSent() {
		return ErrCommitted
	}
	return nil
}

func (*deferred) waits() bool { return true }

// change returns the answer to change. Once the answer is sent, it returns one that nobody reads. It locks d.mu, which the
// caller unlocks.
func (d *deferred) change() *answer {
	d.mu.Lock()
	switch {
	case d.isSent():
		return new(answer)
	case d.pending == nil:
		d.pending = new(answer)
	}
	return d.pending
}

func (d *deferred) cookies(lines []string) {
	a := d.change()
	a.cookies, a.waiting = lines, nil
	d.mu.Unlock()
}

func (d *deferred) await(rec *driver.Record, maxAge int) (before *driver.Record) {
	a := d.change()
	defer d.mu.Unlock()
	before, a.waiting, a.maxAge = a.waiting, rec, maxAge
	return before
}

func (d *deferred) awaiting() (rec *driver.Record, maxAge int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pending == nil {
		return nil, 0
	}
	return d.pending.waiting, d.pending.maxAge
}

func (d *deferred) header(sid string) {
	d.change().header = sid
	d.mu.Unlock()
}

func (d *deferred) clear(directives string) {
	d.change().clear = directives
	d.mu.Unlock()
}

// read is called while the session is loaded.
func (d *deferred) read() { d.looked = true }

func (d *deferred) retract() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a := d.pending; a != nil && !d.isSent() {
		a.cookies, a.waiting, a.header = nil, nil, ""
	}
}

func (d *deferred) gone() { d.retract() }

func (*deferred) answered(string) []string { return nil }

func (d *deferred) replaced() (string, bool) { return d.r.original, d.rewritten }

func (*deferred) moved() bool { return false }

func (*deferred) current() string { return "" }

func (d *deferred) rewrite(sid, _ string, _ note) { d.rewritten, d.r.original = true, sid }

func (*deferred) note() note { return note{} }

func (*deferred) annotate(note) {}

func (d *deferred) end(_ context.Context, s *Session) error { return d.destroy(s) }

// done is called when the application has returned or panicked.
func (d *deferred) done() {
	if d.returned {
		d.finish()
	} else {
		d.abandon()
	}
}

// load returns the request's one Session, which the first call loads under ctx. All later calls return the same error,
// unless the load failed because caller was done.
func (d *deferred) load(ctx, caller context.Context) (*Session, error) {
	d.loading.Lock()
	defer d.loading.Unlock()
	if d.session == nil && d.err == nil {
		s := d.newSession()
		switch err := s.arrive(ctx, &d.r); {
		case err == nil:
			d.session = s
		case caller.Err() != nil:
			return nil, err
		default:
			d.err = err
		}
	}
	return d.session, d.err
}

// destroy ends the request's session. If only is not nil, it does so only if that is the request's Session.
func (d *deferred) destroy(only *Session) (err error) {
	var events []func()
	defer func() { tell(events...) }()
	d.loading.Lock()
	defer d.loading.Unlock()
	s := d.session
	if only != nil && only != s { // it has ended before
		return nil
	}
	if s == nil {
		events, err = d.r.endAll("")
		if err == nil {
			d.err, d.ended = nil, true
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if events, err = d.r.endAll(s.storedSID()); err != nil {
		return err
	}
	d.session, d.ended = nil, true
	return s.endHere(d.r.context())
}

func (d *deferred) isSent() bool { return d.sent.Load() }

// commit saves the session and completes the response header, once. It returns false if the application's response must not
// be sent.
func (d *deferred) commit() bool {
	if v := d.verdict.Load(); v != undecided {
		return v == stands
	}
	d.committing.Lock()
	defer d.committing.Unlock()
	if d.isSent() { // by another goroutine, or after a panic
		return d.verdict.Load() != rejected
	}
	verdict := stands
	defer func() { d.verdict.Store(verdict) }() // also if ErrorHandler panics
	s, harmless, err := d.conclude()
	switch {
	case err == nil:
	case harmless:
		d.addUnusual().lost = s
		d.r.m.report(d.r.context(), d.r.x, "save failed", err)
	default:
		verdict = rejected
		d.fail(err)
	}
	return verdict == stands
}

// conclude stores what the request has changed so far, and publishes the answer. It holds the locks in between, because a
// later change might need a header that can no longer be sent.
//
// An error is harmless if the application's response is right all the same: others have destroyed the session, another site
// has caused the request, or nothing was changed and only the idle deadline could not be moved.
func (d *deferred) conclude() (s *Session, harmless bool, err error) {
	var events []func()
	defer func() { tell(events...) }()
	d.loading.Lock()
	defer d.loading.Unlock()
	if s = d.session; s != nil {
		s.mu.Lock()
		defer func() {
			events = s.takeEvents()
			s.mu.Unlock()
		}()
		rec, _ := d.awaiting()
		unchanged := !s.draft.IsChanged() && rec == nil
		if !s.told() {
			err = s.releaseLocked(d.r.context())
		}
		harmless = unchanged || errors.Is(err, ErrDestroyed) || errors.Is(err, ErrCrossSite)
	}
	if err != nil && !harmless {
		d.strip()
	}
	d.publish()
	return s, harmless, err
}

// loaded returns the Session, if there is one by now.
func (d *deferred) loaded() *Session {
	d.loading.Lock()
	defer d.loading.Unlock()
	return d.session
}

// publish puts the answer into the response header. The caller holds loading.
func (d *deferred) publish() {
	d.mu.Lock()
	a := d.pending
	d.sent.Store(true)
	d.mu.Unlock()
	now := atOnce{&d.r}
	if d.looked {
		now.read()
	}
	if a == nil {
		return
	}
	if len(a.cookies) > 0 {
		now.cookies(a.cookies)
	}
	if a.header != "" {
		now.header(a.header)
	}
	if a.clear != "" {
		now.clear(a.clear)
	}
}

// aboutContent are the headers that describe a response which is not sent when the save has failed.
var aboutContent = []string{
	"Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length",
	"Content-Location", "Content-Range", "Content-Type", "Etag", "Expires", "Last-Modified", "Location",
}

// strip removes the headers that describe the application's response.
func (d *deferred) strip() {
	for _, name := range aboutContent {
		d.r.x.SetResponseHeader(name, nil)
	}
	if d.unusual != nil && d.unusual.encoding != nil { // the middleware that set it encodes this response too
		d.r.x.SetResponseHeader("Content-Encoding", d.unusual.encoding)
	}
}

// fail writes an error response in place of the application's, if the Exchange is an Answerer.
func (d *deferred) fail(err error) {
	m, x := d.r.m, d.r.x
	a, ok := x.(Answerer)
	if !ok {
		d.addUnusual().unanswered = err
		m.report(context.WithoutCancel(d.r.context()), x, "save failed", err)
		return
	}
	answer, r := a.Answer()
	w := &answerWriter{ResponseWriter: answer}
	m.log.ErrorContext(d.r.context(), "session: save failed", "error", err)
	if m.cfg.ErrorHandler != nil {
		m.cfg.ErrorHandler(w, r, err)
	}
	if !w.begun {
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
	}
}

// finish is called when the application has returned.
func (d *deferred) finish() {
	if !d.commit() {
		return
	}
	s := d.loaded()
	if s == nil || d.unusual != nil && s == d.unusual.lost {
		return
	}
	refused, err := s.finish(d.r.context())
	if err != nil {
		d.r.m.report(d.r.context(), d.r.x, "save failed", err)
	}
	d.r.m.tellRefused(d.r.context(), refused)
}

// abandon is called when the application has panicked. If somebody answers the request, the client still learns what is
// already true in the store.
func (d *deferred) abandon() {
	d.committing.Lock()
	defer d.committing.Unlock()
	if s := d.loaded(); s != nil {
		d.r.m.engine.abandon(d, s)
	}
	d.loading.Lock()
	defer d.loading.Unlock()
	if !d.isSent() {
		d.publish()
	}
}
