package sessiontest

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Who shares sessions, and many requests at once.
var shareCases = []testCase{
	{
		name:     "share/one namespace",
		sentence: "S12",
		rule:     "Managers of one namespace share its sessions.",
		check: func(t testing.TB, e *env) {
			a, b := e.manager(t), e.manager(t)
			v := visitor(t, a, values{"user": "ann"})
			v.wantValues(t, b, values{"user": "ann"})
			v.visit(t, b, func(s *flight) { s.set(t, values{"user": "bob"}) })
			v.wantValues(t, a, values{"user": "bob"})
			v.destroy(t, b)
			wantSID(t, a, v.value(), false)
		},
	},
	{
		name:       "share/namespaces",
		notBeego:   true,
		sentence:   "S12",
		rule:       "Managers of different namespaces never share a session, even on the same store and with the same sid.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			a := e.manager(t)
			v := visitor(t, a, values{"user": "ann"})
			for _, namespace := range []string{"", e.namespace + "x", e.namespace[:5], "x" + e.namespace} {
				b := e.manager(t, session.CfgNamespace(namespace))
				v.wantFresh(t, b, "of another namespace")
				v.destroy(t, b)
				v.wantValues(t, a, values{"user": "ann"})
			}
		},
	},
	{
		name:     "share/count",
		notBeego: true,
		sentence: "S12",
		rule:     "GetActiveSession counts the sessions of the manager's namespace.",
		check: func(t testing.TB, e *env) {
			if _, ok := driver.As[driver.Counter](e.node(t)); !ok {
				t.Skip("the store does not count")
			}
			a, b := e.manager(t), e.manager(t, session.CfgNamespace(e.namespace+"x"))
			v := visitor(t, a, nil)
			visitor(t, a, nil)
			visitor(t, b, nil)
			v.destroy(t, a)
			if got := [2]int{a.GetActiveSession(), b.GetActiveSession()}; got != [2]int{1, 1} {
				t.Errorf("GetActiveSession = %v in two namespaces, want [1 1]", got)
			}
		},
	},
	{
		name:       "share/closed",
		sentence:   "S12",
		rule:       "After Close requests get ErrClosed. Another manager of the same provider keeps working until its own Close.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			p := e.provider(nil)
			var managers [2]*session.Manager
			for i := range managers {
				m, err := session.New(p, e.config())
				if err != nil {
					t.Fatalf("New: %v", err)
				}
				managers[i] = m
			}
			v := visitor(t, managers[0], values{"user": "ann"})
			v.wantValues(t, managers[1], values{"user": "ann"})
			for range 2 {
				wantOK(t, "Close", managers[0].Close())
			}
			_, err := managers[0].Start(httptest.NewRecorder(), v.request())
			wantErr(t, "Start", err, session.ErrClosed)
			wantErr(t, "Destroy", managers[0].Destroy(httptest.NewRecorder(), v.request()), session.ErrClosed)
			v.wantValues(t, managers[1], values{"user": "ann"})
			wantOK(t, "the last Close", managers[1].Close())
		},
	},
	{
		name:       "share/ping",
		sentence:   "Ping",
		rule:       "Ping of a working manager returns nil, wherever its sessions are kept. After Close it returns ErrClosed.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m, err := session.New(e.provider(nil), e.config())
			if err != nil {
				t.Fatalf("New: %v", err)
			}
			wantOK(t, "Ping", m.Ping(t.Context()))
			wantOK(t, "Close", m.Close())
			wantErr(t, "Ping of a manager that was closed", m.Ping(t.Context()), session.ErrClosed)
		},
	},
	{
		name:     "share/many requests",
		notBeego: true,
		sentence: "S14",
		rule:     "32 workers make 30 requests each to one session, on two nodes: no change is lost and every Increment takes effect.",
		check: func(t testing.TB, e *env) {
			const workers, each = 32, 30
			const names = 10 // of each worker, which sets them in turn: with thousands the codec would take most of the time
			// Each waits for 15 others, on a slow machine for long.
			patience := session.CfgOpTimeout(time.Minute)
			nodes := []*session.Manager{e.manager(t, patience), e.manager(t, patience)}
			b := visitor(t, nodes[0], nil)
			together(workers, func(i int) {
				for n := range each {
					s, err := nodes[(i+n)%2].Start(httptest.NewRecorder(), b.request())
					if err != nil {
						t.Errorf("Start: %v", err)
						return
					}
					own := fmt.Sprint("own ", i, " ", n%names)
					if was := s.Get(t.Context(), own); n >= names && was != n-names {
						t.Errorf("a value is %v, want %d: a change is lost", was, n-names)
					}
					err = s.Set(t.Context(), own, n)
					if err == nil {
						_, err = s.Increment(t.Context(), "n", 1)
					}
					if err == nil {
						err = s.Save(t.Context())
					}
					if err != nil {
						t.Errorf("a request failed: %v", err)
						return
					}
				}
			})
			s := b.start(t, nodes[1])
			for i := range workers {
				for n := each - names; n < each; n++ {
					if got := s.Get(t.Context(), fmt.Sprint("own ", i, " ", n%names)); got != n {
						t.Errorf("a value is %v in the end, want %d: a change is lost", got, n)
					}
				}
			}
			if n := s.Get(t.Context(), "n"); n != int64(workers*each) {
				t.Errorf("the count is %v, want %d", n, workers*each)
			}
		},
	},
}
