package session_test

import (
	"net/http"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

// However the sid travels, and with a provider of somebody else, each Session of a request says whether the session was stored
// when the request arrived.
func TestIsNew(t *testing.T) {
	for name, tt := range map[string]struct {
		provider session.Provider
		opts     []session.ManagerConfigOpt
		arrive   func(r *http.Request, sid string)
	}{
		"third party": {newShelf(), nil, func(r *http.Request, sid string) { r.Header.Set("Cookie", "gosessionid="+sid) }},
		"header": {
			memory.New(),
			[]session.ManagerConfigOpt{session.CfgSessionIdInHTTPHeader(true), session.CfgSetSessionNameInHTTPHeader("X-Session")},
			func(r *http.Request, sid string) { r.Header.Set("X-Session", sid) },
		},
		"query": {
			memory.New(),
			[]session.ManagerConfigOpt{session.CfgEnableSidInURLQuery(true)},
			func(r *http.Request, sid string) { r.URL.RawQuery = "gosessionid=" + sid },
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, sid := newNode(t, tt.provider, tt.opts...), ""
			for _, want := range []bool{true, false} {
				new(client).do(func(w http.ResponseWriter, r *http.Request) {
					if sid != "" {
						tt.arrive(r, sid)
					}
					for n := range 3 {
						s := start(t, m, w, r)
						if s.IsNew() != want || n > 0 && s.SessionID(r.Context()) != sid {
							t.Errorf("Start %d: IsNew = %t, want %t; same sid: %t", n, s.IsNew(), want, s.SessionID(r.Context()) == sid)
						}
						sid = s.SessionID(r.Context())
						save(t, s)
					}
				})
			}
		})
	}
}
