package session_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// guarded is a ResponseWriter that counts who asks for its header.
type guarded struct {
	http.ResponseWriter
	asked int
}

func (w *guarded) Header() http.Header {
	w.asked++
	return w.ResponseWriter.Header()
}

// Outside Handler a save neither reads nor writes the response header: another goroutine may be writing to it. So the cookie
// that Start has answered stays, also when others have ended the session meanwhile.
func TestASaveLeavesTheResponseHeaderAlone(t *testing.T) {
	renewing := []session.ManagerConfigOpt{session.CfgTouchInterval(-1), session.CfgCookieLifeTime(600)}
	change := func(s *session.Session) { _ = s.Set(t.Context(), "a", 2) }
	for _, e := range engines() {
		for visitor, known := range map[string]bool{"new": false, "known": true} {
			for name, late := range map[string]func(s *session.Session){
				"Save":                    func(s *session.Session) { _ = s.Save(t.Context()) },
				"SaveAll":                 func(s *session.Session) { _ = session.SaveAll(t.Context(), s) },
				"SessionRelease":          func(s *session.Session) { s.SessionRelease(t.Context(), nil) },
				"SessionReleaseIfPresent": func(s *session.Session) { s.SessionReleaseIfPresent(t.Context(), nil) },
			} {
				for _, changed := range []bool{false, true} {
					for _, ended := range []bool{false, true} {
						m := e.open(t, renewing...)
						c := new(client)
						if known {
							c = seed(t, m, map[any]any{"a": 1})
							time.Sleep(time.Millisecond)
						}
						recorder := httptest.NewRecorder()
						w := &guarded{ResponseWriter: recorder}
						s := start(t, m, w, c.request())
						if changed {
							change(s)
						}
						if ended {
							_ = m.GetProvider().SessionDestroy(t.Context(), s.SessionID(t.Context())) // a sealed one lives on
						}
						before := maps.Clone(recorder.Header())
						w.asked = 0
						late(s)
						late(s)
						if w.asked > 0 || !maps.EqualFunc(before, recorder.Header(), slices.Equal) {
							t.Errorf("%s: a %s visitor's session, changed %v, ended %v: %s touches the header", e.name, visitor, changed, ended, name)
						}
					}
				}
			}
		}
	}
}
