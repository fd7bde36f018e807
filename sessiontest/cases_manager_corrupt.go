package sessiontest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// Unreadable stored bytes.
var corruptCases = []testCase{
	{
		name:     "corrupt/record",
		notBeego: true,
		sentence: "S11",
		rule:     "A corrupt, truncated or foreign record leads to an error or a fresh session. Destroy still works on it.",
		check: func(t testing.TB, e *env) {
			m, b := e.manager(t), e.node(t)
			v := visitor(t, m, values{"user": "ann", "roles": []string{"reader"}, "since": time.Now()})
			whole := e.stored(t, v.value()).Data
			for _, data := range damaged(whole) {
				key := e.storageKey(b, v.value())
				rec := load(t, b, key)
				rec.Data = data
				save(t, b, key, rec)
				s, err := m.Start(httptest.NewRecorder(), v.request())
				switch {
				case err == nil && !s.IsNew() && len(data) > 0:
					t.Errorf("a record of %d bytes instead of %d was accepted", len(data), len(whole))
				case err != nil && !errors.Is(err, session.ErrCorrupt):
					t.Errorf("Start = %v, want an error wrapping %q", err, session.ErrCorrupt)
				}
				if _, err := m.GetSessionStore(v.value()); err != nil && errors.Is(err, session.ErrNotFound) {
					t.Errorf("GetSessionStore = %v, though something is stored", err)
				}
			}
			v.destroy(t, m)
			e.wantRecordless(t, v.value())
		},
	},
	{
		name:     "corrupt/meanwhile",
		sentence: "S11",
		rule:     "A record that is damaged while a request is under way stays as it is: Save and Regenerate return errors.",
		check: func(t testing.TB, e *env) {
			m, b := e.manager(t), e.node(t)
			v := visitor(t, m, values{"user": "ann"})
			key := e.storageKey(b, v.value())
			s := v.start(t, m)
			rec := load(t, b, key)
			rec.Data = []byte("damaged")
			save(t, b, key, rec)
			s.set(t, values{"user": "bob"})
			wantErr(t, "Save", s.Save(t.Context()), session.ErrCorrupt)
			wantErr(t, "Regenerate", s.Regenerate(t.Context()), session.ErrCorrupt)
			wantNoCookie(t, "the response", s.w.Header())
			wantStored(t, b, key, rec.Version, "damaged")
		},
	},
}

// damaged returns what may become of data: each bit flipped, each beginning, and more. It is never data.
func damaged(data []byte) [][]byte {
	var all [][]byte
	for i := range data {
		for bit := range 8 {
			flipped := bytes.Clone(data)
			flipped[i] ^= 1 << bit
			all = append(all, flipped)
		}
		if i > 0 {
			all = append(all, data[:i])
		}
	}
	random := rand.New(rand.NewPCG(1, uint64(len(data))))
	for _, size := range []int{1, 2, 6, 7, 50, 5000} {
		noise := make([]byte, size)
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		all = append(all, noise, make([]byte, size), bytes.Repeat([]byte{0xff}, size))
	}
	return append(all, slices.Concat(data, data), append(bytes.Clone(data), 0), []byte(`{"user":"ann"}`), []byte("ses1"))
}
