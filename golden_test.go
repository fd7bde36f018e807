package session_test

import (
	"encoding/hex"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// What was stored before there was metadata is still a session, with its label and its lifetime, and is stored in today's form with
// the next change: those are metadata then, and a seal covers who and when.
func TestRecordsOfBefore(t *testing.T) {
	const sid = "00000000000000000000000000000002"
	for name, opt := range map[string]session.ManagerConfigOpt{
		"compact": session.CfgCodec("compact"), "gob": session.CfgCodec("gob"), "json": session.CfgCodec("json"),
		"sealed": session.CfgEncryptionKeys(newKey, oldKey),
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("testdata/golden/session-" + name + ".hex")
			if err != nil {
				t.Fatal(err)
			}
			golden, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
			if err != nil {
				t.Fatal(err)
			}
			var rec driver.Record
			if err := rec.UnmarshalBinary(golden); err != nil {
				t.Fatal(err)
			}
			b, node := sharedMemory(t)
			m := newNode(t, node(), opt)
			rec.Expires = time.Now().Add(10 * time.Minute) // it was stored long ago
			if err := b.Create(t.Context(), sid, &rec); err != nil {
				t.Fatal(err)
			}
			c := &client{cookie: "gosessionid=" + sid}
			check := func(cart any) {
				t.Helper()
				c.do(func(w http.ResponseWriter, r *http.Request) {
					s := start(t, m, w, r)
					all, err := s.GetAll(r.Context())
					if err != nil || s.IsNew() || s.User() != "ann" || s.Label(r.Context()) != "phone" || all["cart"] != cart || len(all) != 1 {
						t.Errorf("new: %t, user %q, label %q, values %v, %v", s.IsNew(), s.User(), s.Label(r.Context()), all, err)
					}
				})
			}
			check("book")
			if infos, err := m.SessionsOf(t.Context(), "ann"); err != nil || len(infos) != 1 || infos[0].Label != "phone" {
				t.Errorf("SessionsOf: %+v, %v", infos, err)
			}
			c.do(func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				set(t, s, "cart", "pen")
				save(t, s)
			})
			check("pen")
			var now driver.Record
			if err := b.Load(t.Context(), sid, &now); err != nil {
				t.Fatal(err)
			}
			if left := time.Until(now.Expires); len(now.Meta) == 0 || left < 19*time.Minute || left > 20*time.Minute {
				t.Errorf("%d bytes of metadata, it expires in %v, want its own lifetime of 20 minutes", len(now.Meta), left)
			}
			if strings.Contains(string(now.Data), "session.l") {
				t.Error("what is metadata now is still among the values")
			}
			for info, err := range m.List(t.Context()) {
				if err != nil || info.Label != "phone" || info.User != "ann" || time.Since(info.LastSeen) > time.Minute {
					t.Errorf("List: %+v, %v", info, err)
				}
			}
			if name != "sealed" {
				return
			}
			now.AuthTime = now.AuthTime.Add(time.Hour)
			if err := b.Save(t.Context(), sid, &now); err != nil {
				t.Fatal(err)
			}
			if alive(t, m, sid) {
				t.Error("the seal does not cover the login yet")
			}
		})
	}
}
