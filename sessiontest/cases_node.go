package sessiontest

import (
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// openCase comes before the others, which it spares from failing for the same reason.
var openCase = testCase{
	name:     "node/opened twice",
	sentence: "S12",
	rule: "The store can be opened again in the same process while it is open, as each Manager does. " +
		"An engine whose store is locked by its opener shares one handle among its backends.",
	check: func(t testing.TB, e *env) {
		e.node(t)
		second := make(chan error, 1)
		go func() {
			b, err := e.opened(t.Context(), e.namespace)
			if err == nil {
				err = closeNode(b)
			}
			second <- err
		}()
		select {
		case err := <-second:
			wantOK(t, "open and Close, while it is open", err)
		case <-time.After(time.Minute):
			t.Error("open, while it is open, has not returned within a minute")
		}
	},
}

// Who shares sessions, and who does not.
var nodeCases = []testCase{
	{
		name:     "node/two share",
		sentence: "S12",
		rule:     "Two nodes of one namespace share its sessions: each sees at once what the other has done.",
		check: func(t testing.TB, e *env) {
			a, b, key := e.node(t), e.node(t), e.key("k")
			create(t, a, key, newRecord("a"))
			wantErr(t, "Create on the other node", b.Create(t.Context(), key, newRecord("b")), session.ErrExists)
			rec := load(t, b, key)
			rec.Data = []byte("b")
			save(t, b, key, rec)
			wantStored(t, a, key, 2, "b")
			later := rec.Expires.Add(time.Minute)
			touch(t, a, key, later)
			e.wantExpires(t, b, key, later)
			wantOK(t, "Delete on the other node", b.Delete(t.Context(), key, 2))
			wantGone(t, a, key)
		},
	},
	{
		name:     "node/closing one",
		sentence: "S12",
		rule:     "Closing one node leaves the sessions in place and the other nodes working.",
		check: func(t testing.TB, e *env) {
			a, closeA := e.closingNode(t, e.namespace)
			b, key := e.node(t), e.key("k")
			rec := newRecord("x")
			create(t, a, key, rec)
			closeA()
			wantStored(t, b, key, 1, "x")
			save(t, b, key, rec)
			wantStored(t, e.node(t), key, 2, "x")
		},
	},
	{
		name:     "node/after Close",
		sentence: "S12",
		rule:     "A call after Close returns an error, such as ErrClosed, or still works. It never reports a miss or a conflict.",
		check: func(t testing.TB, e *env) {
			a, closeA := e.closingNode(t, e.namespace)
			b, key := e.node(t), e.key("k")
			create(t, b, key, newRecord("x"))
			rec := load(t, b, key)
			closeA()
			wantNoMiss(t, "Load after Close", a.Load(t.Context(), key, new(driver.Record)))
			wantNoMiss(t, "Touch after Close", a.Touch(t.Context(), key, rec.Expires.Add(time.Minute)))
			wantNoMiss(t, "Save after Close", a.Save(t.Context(), key, rec))
			wantNoMiss(t, "Delete after Close", a.Delete(t.Context(), key, rec.Version))
		},
	},
	{
		name:     "node/namespaces never meet",
		sentence: "S12",
		rule:     "The same key in two namespaces belongs to two sessions, even if one namespace is a prefix of the other.",
		check: func(t testing.TB, e *env) {
			key := e.key("k")
			namespaces := []string{"", e.namespace, e.namespace + "x"}
			nodes := make(map[string]driver.Backend)
			for _, ns := range namespaces {
				nodes[ns] = e.nodeOf(t, ns)
				wantGone(t, nodes[ns], key)
				create(t, nodes[ns], key, newRecord("of <"+ns+">"))
			}
			for _, ns := range namespaces {
				b := nodes[ns]
				wantStored(t, b, key, 1, "of <"+ns+">")
				rec := load(t, b, key)
				rec.Data = []byte("again of <" + ns + ">")
				save(t, b, key, rec)
				touch(t, b, key, rec.Expires.Add(time.Minute))
			}
			for _, ns := range namespaces {
				wantStored(t, nodes[ns], key, 2, "again of <"+ns+">")
				wantOK(t, "Delete", nodes[ns].Delete(t.Context(), key, 0))
				wantGone(t, nodes[ns], key)
			}
		},
	},
}
