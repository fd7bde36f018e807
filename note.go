package session

import (
	"strings"

	"github.com/seed1a8f7c28/session/internal/cookies"
)

// A note says what this request has done to its session so far. It is kept in the request, next to the sid, where another
// Session of the same request finds it. It is a cookie that no client can have sent, because it begins with a random word
// of the manager.
//
//	name.was=<word>.new.fixed.<public id>.<public id>.held
type note struct {
	begun bool   // the session was not stored when the request arrived
	from  string // the public ids of the sids that the session had before, each behind a dot
	held  bool   // a Regenerate has failed: changes wait for one that does not
	fixed bool   // UpdateExpiration has set the deadline
}

const (
	begunNote = ".new"
	fixedNote = ".fixed"
	heldNote  = ".held"
)

// nameNotes sets the names that depend on the cookie's name.
func (m *Manager) nameNotes() {
	m.noteName = m.cfg.CookieName + ".was"
	m.begun = "; " + m.noteName + "=" + m.word + begunNote
}

// noteCookie returns the cookie of n after "; ", or "" for the zero note. The cookie of a new visitor is prepared in
// advance.
func (m *Manager) noteCookie(n note) string {
	switch text := n.String(); text {
	case "":
		return ""
	case begunNote:
		return m.begun
	default:
		return "; " + m.noteName + "=" + m.word + text
	}
}

// String returns the text after the word, or "" for the zero note.
func (n note) String() string {
	text := n.from
	if n.fixed {
		text = fixedNote + text
	}
	if n.begun {
		text = begunNote + text
	}
	if n.held {
		text += heldNote
	}
	return text
}

// parseNote is the opposite of String.
func parseNote(text string) (n note) {
	n.begun, text = cutNote(text, begunNote)
	n.fixed, text = cutNote(text, fixedNote)
	n.from, n.held = strings.CutSuffix(text, heldNote)
	return n
}

// cutNote reports whether text begins with this note, and returns the rest. A public id may begin with the same letters.
func cutNote(text, note string) (is bool, rest string) {
	rest, is = strings.CutPrefix(text, note)
	if is && (rest == "" || rest[0] == '.') {
		return true, rest
	}
	return false, text
}

// note returns the note in the request.
func (r *request) note() note {
	rewriting.Lock()
	defer rewriting.Unlock()
	return r.readNote()
}

// hasBegun reports whether an earlier Session of the request has begun the session. lines are those of the Cookie header.
func (r *request) hasBegun(lines []string) bool {
	for _, line := range lines {
		if strings.Contains(line, r.m.noteName) {
			return r.readNote().begun
		}
	}
	return false
}

func (r *request) readNote() note {
	scan := cookies.NewScan(r.x.RequestHeader("Cookie"), r.m.noteName)
	for value, ok := scan.Next(); ok; value, ok = scan.Next() {
		if text, ours := strings.CutPrefix(value, r.m.word); ours {
			return parseNote(text)
		}
	}
	return note{}
}

// leadsFrom reports whether this request's session had sid before.
func (r *request) leadsFrom(sid string) bool {
	return sid != "" && strings.Contains(r.reply.note().from+".", "."+r.m.publicID(sid)+".")
}

// sidNow returns the session's current sid, which another Session of this request may have changed. It returns "" if that
// one has ended the session.
func (s *Session) sidNow() string {
	switch {
	case !s.r.reply.moved():
		return s.sid
	case s.r.leadsFrom(s.sid):
		return s.r.reply.current()
	}
	return ""
}

// movedFrom returns the note of this request after its session has changed from this sid to another.
func (r *request) movedFrom(sid string) note {
	if sid == "" {
		return note{}
	}
	n := r.reply.note()
	n.from, n.held = n.from+"."+r.m.publicID(sid), false
	return n
}

// hold notes that a Regenerate has failed: an older Session of the request must not store a login under the old sid.
func (r *request) hold() {
	n := r.reply.note()
	n.held = true
	r.reply.annotate(n)
}

// isHeld reports whether changes must wait for a Regenerate that succeeds.
func (s *Session) isHeld() bool {
	return s.state == held && !s.r.reply.moved() || s.m.held.Load() && s.r.reply.note().held
}

// fix notes that the deadline is set: older Sessions of the request must not move it.
func (r *request) fix() {
	if n := r.reply.note(); !n.fixed {
		n.fixed = true
		r.reply.annotate(n)
	}
}
