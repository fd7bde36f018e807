package sessiontest

import (
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

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
