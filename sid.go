package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
)

// newSID makes a sid: the prefix, and then random bytes in lower-case hex or the result of SessionIDGenerator. It fails if
// a cookie cannot hold the sid.
func (r *request) newSID() (sid string, err error) {
	m := r.m
	if m.cfg.SessionIDGenerator != nil {
		sid, err = m.generate(r)
	} else {
		sid, err = m.randomSID()
	}
	if err != nil {
		return "", err
	}
	sid = m.cfg.SessionIDPrefix + sid
	if _, err := m.encodeSID(sid); err != nil {
		return "", err
	}
	return sid, nil
}

// unusedSID returns a sid that no session has, without calling SessionIDGenerator.
func (m *Manager) unusedSID() (string, error) {
	sid, err := m.randomSID()
	return m.cfg.SessionIDPrefix + sid, err
}

func (m *Manager) randomSID() (string, error) {
	n := m.cfg.sidBytes
	mem := scratch.Get().(*[]byte)
	defer scratch.Put(mem)
	*mem = slices.Grow((*mem)[:0], n+hex.EncodedLen(n))
	random := (*mem)[:n]
	if _, err := io.ReadFull(rand.Reader, random); err != nil {
		return "", fmt.Errorf("session: cannot read random bytes for a sid: %w", err)
	}
	return string(hex.AppendEncode(random, random)[n:]), nil
}

// validSID reports whether sid has the exact shape that newSID gives. Other texts never reach a store.
func (m *Manager) validSID(sid string) bool {
	n := len(m.cfg.SessionIDPrefix)
	if m.cfg.SessionIDGenerator != nil {
		return len(sid) >= n && sid[:n] == m.cfg.SessionIDPrefix && validGenerated(sid[n:])
	}
	if len(sid) != n+2*m.cfg.sidBytes || sid[:n] != m.cfg.SessionIDPrefix {
		return false
	}
	for i := n; i < len(sid); i++ {
		if c := sid[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// publicID names a session in logs and dashboards. Nobody can derive the sid from it, and it does not have the shape of a
// sid, unless sids are generated. It includes the namespace, so that two namespaces have no key in common even in a store
// that does not know about namespaces.
func (m *Manager) publicID(sid string) string {
	buf := make([]byte, 0, 256)
	if m.cfg.Namespace != "" {
		buf = append(append(buf, m.cfg.Namespace...), 0)
	}
	sum := sha256.Sum256(append(buf, sid...))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

const (
	minGeneratedSID = 16
	maxGeneratedSID = 128
	sidAlphabet     = "_-" // beside letters and digits
)

// validGenerated reports whether sid, without the prefix, is an allowed result of SessionIDGenerator.
func validGenerated(sid string) bool {
	return minGeneratedSID <= len(sid) && len(sid) <= maxGeneratedSID && onlyAlphanumericOr(sid, sidAlphabet)
}

// generate calls SessionIDGenerator. Its errors come from the application, and may be shown.
func (m *Manager) generate(r *request) (string, error) {
	x := r.x
	if r.isNone() {
		x = nil
	}
	sid, err := m.cfg.SessionIDGenerator(x)
	if err != nil {
		return "", fmt.Errorf("session: SessionIDGenerator: %w", err)
	}
	if !validGenerated(sid) {
		return "", fmt.Errorf("session: SessionIDGenerator: a sid must have %d to %d characters, only letters, digits, %q and %q",
			minGeneratedSID, maxGeneratedSID, "_", "-")
	}
	return sid, nil
}
