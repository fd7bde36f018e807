package session

// A state is what a Session knows of its record.
//
//	unstored → stored ⇄ held
//	              ↓
//	      gone or dismissed
type state uint8

const (
	unstored  state = iota // nothing is in the store yet
	stored                 // there was a record when the store was last asked
	held                   // the same, but a Regenerate has failed: changes wait for one that does not
	gone                   // destroyed, regenerated away or expired, by others
	dismissed              // destroyed by this very request
)

// isStored reports whether there was a record when the store was last asked.
func (s *Session) isStored() bool { return s.state == stored || s.state == held }

// isOver reports whether the session is known to have ended.
func (s *Session) isOver() bool { return s.state == gone || s.state == dismissed }

// storedSID returns the sid under which there is a record, "" if there is none.
func (s *Session) storedSID() string {
	if s.isStored() {
		return s.sid
	}
	return ""
}

// named notes under which sid the session is stored.
func (s *Session) named(sid string) { s.sid, s.state = sid, stored }

// hold keeps what is stored as it is after a Regenerate that has failed with err, which it returns.
func (s *Session) hold(err error) error {
	if s.isStored() {
		s.state = held
		if !s.r.reply.moved() {
			s.r.hold()
		}
	}
	return err
}

// lose notes that others have ended the session.
func (s *Session) lose() { s.state = gone }

// dismiss notes that this request has ended the session.
func (s *Session) dismiss() { s.state = dismissed }

// An idleDeadline is what is to become of a Session's idle deadline when it is released.
type idleDeadline uint8

const (
	asItIs idleDeadline = iota
	due                 // to be moved
	fixed               // UpdateExpiration has set it: this Session moves it no more
)

// setDue notes whether the idle deadline is to be moved.
func (s *Session) setDue(is bool) {
	switch {
	case s.idle == fixed:
	case is:
		s.idle = due
	default:
		s.idle = asItIs
	}
}
