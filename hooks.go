package session

import (
	"errors"
	"fmt"
	"strings"
)

// What an application may do itself about sids and cookies. These are settings that only Go code can make.

const (
	minGeneratedSID = 16
	maxGeneratedSID = 128
	sidAlphabet     = "_-" // beside letters and digits

	// maxDecodes is how many cookies of the session's name CookieDecode is asked about in one request. Others
	// can add cookies, and decoding may cost much.
	maxDecodes = 4 * maxCandidates
)

// validGenerated reports whether sid, without the prefix, is what a SessionIDGenerator may return.
func validGenerated(sid string) bool {
	return minGeneratedSID <= len(sid) && len(sid) <= maxGeneratedSID && onlyAlphanumericOr(sid, sidAlphabet)
}

// generate asks the SessionIDGenerator. Its errors are the application's, and may be shown.
func (m *Manager) generate() (string, error) {
	sid, err := m.cfg.SessionIDGenerator()
	if err != nil {
		return "", fmt.Errorf("session: SessionIDGenerator: %w", err)
	}
	if !validGenerated(sid) {
		return "", fmt.Errorf("session: SessionIDGenerator returned no %d to %d letters, digits, %q and %q",
			minGeneratedSID, maxGeneratedSID, "_", "-")
	}
	return sid, nil
}

var errCookieEncode = errors.New("session: CookieEncode returned what a cookie cannot hold")

// cookieValue returns what the cookie holds for sid.
func (m *Manager) cookieValue(sid string) (string, error) {
	if m.cfg.CookieEncode == nil || sid == "" {
		return sid, nil
	}
	value, err := m.cfg.CookieEncode(m.cfg.CookieName, sid)
	if err != nil {
		return "", fmt.Errorf("session: CookieEncode: %w", hideSID(err, sid))
	}
	if value == "" || len(m.cfg.CookieName)+len(value) > maxCookie || strings.ContainsFunc(value, notInCookie) {
		return "", errCookieEncode
	}
	return value, nil
}

// notInCookie reports whether r cannot be in the value of a cookie, by RFC 6265.
func notInCookie(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`",;\`, r)
}

// cookieSID returns the sid in a cookie, if it may be one. left is how many more may be decoded.
func (m *Manager) cookieSID(value string, left *int) (sid string, ok bool) {
	if m.cfg.CookieDecode == nil {
		return value, m.validSID(value)
	}
	if *left--; *left < 0 || len(value) > maxCookie {
		return "", false
	}
	return m.decodedSID(value)
}

// decodedSID has a sid of its own, which escapes: cookieSID costs nothing without CookieDecode.
func (m *Manager) decodedSID(value string) (string, bool) {
	var sid string
	err := m.cfg.CookieDecode(m.cfg.CookieName, value, &sid)
	return sid, err == nil && m.validSID(sid)
}

func (s *settings) checkHooks() error {
	switch {
	case s.CookieEncode != nil && s.CookieDecode == nil:
		return configErrorf("CookieDecode", "is not set, but CookieEncode is: no cookie would be understood")
	case s.CookieDecode != nil && s.CookieEncode == nil:
		return configErrorf("CookieEncode", "is not set, but CookieDecode is: no cookie would be understood")
	}
	return nil
}
