package session

// An aside is what few Sessions have. It stands apart because a Session is allocated with each request, and with more than
// 512 bytes that takes half as long again.
type aside struct {
	was    string   // the dead sid that this session takes the place of, if a Regenerate found one
	events []func() // what is to be told of when mu is given up

	done   <-chan struct{} // of the key doneOf, once Done was called
	doneOf string

	raw        Store // a third-party provider's, instead of record, values and log
	unreleased bool  // raw waits for its SessionRelease
}

// nothingAside stands for the aside of a Session that needs none. It is never changed.
var nothingAside aside

// besides returns what s has aside, for reading. The caller holds mu.
func (s *Session) besides() *aside {
	if s.aside == nil {
		return &nothingAside
	}
	return s.aside
}

// setAside returns what s has aside, for a change. The caller holds mu.
func (s *Session) setAside() *aside {
	if s.aside == nil {
		s.aside = new(aside)
	}
	return s.aside
}
