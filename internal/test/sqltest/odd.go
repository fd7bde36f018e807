package sqltest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// tableGone renames the table and back again. It checks that meanwhile each call returns an error that names the table, and
// that nobody is logged out.
func (e Engine) tableGone(t *testing.T) {
	dsn := e.Empty(t)
	db := e.DB(t, dsn)
	m := Manager(t, e.app(t, dsn, 0).Provider())
	cookie := visitor(t, m)
	s, err := start(m, cookie)
	if err != nil {
		t.Fatal(err)
	}
	Exec(t, db, "ALTER TABLE sessions RENAME TO sessions_away")
	if err := s.Set(t.Context(), "n", 1); err != nil {
		t.Fatal(err)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", cookie)
	_, startErr := m.Start(w, r)
	for call, err := range map[string]error{"Save": s.Save(t.Context()), "Start": startErr} {
		if err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrDestroyed) || !strings.Contains(err.Error(), "sessions") {
			t.Errorf("%s without the table: %v, want an error that names it", call, err)
		}
	}
	if got := w.Header()["Set-Cookie"]; got != nil {
		t.Errorf("without the table the cookie is taken: %d Set-Cookie", len(got))
	}
	Exec(t, db, "ALTER TABLE sessions_away RENAME TO sessions")
	if err := s.Save(t.Context()); err != nil {
		t.Errorf("Save when it is back: %v", err)
	}
	if s, err = start(m, cookie); err != nil || s.Get(t.Context(), "n") != 1 {
		t.Errorf("Start when it is back: %v", err)
	}
}

// sameAgain stores what is already stored, which some servers count as no row. It checks that this is neither a miss nor a
// conflict.
func (e Engine) sameAgain(t *testing.T) {
	for _, param := range append([]string{""}, e.params()...) {
		b := e.own(t, e.Empty(t)+param, 0)
		key := sessiontest.Key("k")
		rec := &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour), Data: []byte("a")}
		err := errors.Join(b.Create(t.Context(), key, rec), b.Touch(t.Context(), key, rec.Expires), b.Touch(t.Context(), key, rec.Expires))
		for range 3 {
			err = errors.Join(err, b.Save(t.Context(), key, rec))
		}
		if err == nil {
			_, err = b.(driver.UserLimiter).Reserve(t.Context(), "ann", sessiontest.Key("r"), rec.Expires, 1, false)
		}
		if err == nil { // again, to the same time
			_, err = b.(driver.UserLimiter).Reserve(t.Context(), "ann", sessiontest.Key("r"), rec.Expires, 1, false)
		}
		if err != nil || rec.Version != 4 {
			t.Errorf("%q: version %d, want 4; %v", param, rec.Version, err)
		}
		if err := b.Touch(t.Context(), sessiontest.Key("other"), rec.Expires); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%q: Touch of none = %v, want ErrNotFound", param, err)
		}
		rec.Version = 3
		err = b.Save(t.Context(), key, rec)
		if conflict, ok := errors.AsType[*driver.ConflictError](err); !ok || conflict.Record.Version != 4 {
			t.Errorf("%q: Save of what is stored at another version = %v, want a conflict", param, err)
		}
	}
}

// foreignRow gives a row a version that no session has. It checks that a row that cannot be listed, ended or counted cannot
// be loaded either, and that nobody waits for it to disappear.
func (e Engine) foreignRow(t *testing.T) {
	dsn := e.Empty(t)
	db := e.DB(t, dsn)
	b, key := e.own(t, dsn, 0), sessiontest.Key("k")
	rec := &driver.Record{User: "ann", Created: time.Now(), AuthTime: time.Now(), Expires: time.Now().Add(time.Hour), Data: []byte("a")}
	if err := b.Create(t.Context(), key, rec); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"-1", "-2", "-9223372036854775808"} {
		Exec(t, db, "UPDATE sessions SET version = "+version)
		if err := b.Load(t.Context(), key, new(driver.Record)); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("version %s: Load = %v, want ErrNotFound", version, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := b.(driver.UserLimiter).Reserve(ctx, "ann", sessiontest.Key("r"+version), time.Now(), 1, true)
		if cancel(); err != nil {
			t.Errorf("version %s: Reserve = %v", version, err)
		}
	}
}

func (e Engine) params() []string {
	if e.Server == nil {
		return nil
	}
	return e.Server.Params
}

// zones uses nodes whose connections have different time zones and read times differently. It checks that they store and
// load the same times, and that sessions end at the same time.
func (e Engine) zones(t *testing.T) {
	dsn := e.Empty(t)
	var nodes []driver.Backend
	for _, param := range append([]string{""}, e.Server.Zones...) {
		nodes = append(nodes, e.own(t, dsn+param, 0))
	}
	at := time.UnixMilli(time.Now().UnixMilli())
	for i, b := range nodes {
		key, short := sessiontest.Key("k"+string(rune('a'+i))), sessiontest.Key("s"+string(rune('a'+i)))
		stored := driver.Record{Created: at, AuthTime: at.Add(time.Second), Expires: at.Add(time.Hour), Deadline: at.Add(48 * time.Hour)}
		rec := stored
		ends := driver.Record{Created: at, Expires: time.Now().Add(300 * time.Millisecond)}
		if err := errors.Join(b.Create(t.Context(), key, &rec), b.Create(t.Context(), short, &ends)); err != nil {
			t.Fatal(err)
		}
		for j, other := range nodes {
			var is driver.Record
			if err := other.Load(t.Context(), key, &is); err != nil {
				t.Errorf("node %d does not find what node %d has stored: %v", j, i, err)
			}
			if !is.Created.Equal(stored.Created) || !is.AuthTime.Equal(stored.AuthTime) || !is.Expires.Equal(stored.Expires) || !is.Deadline.Equal(stored.Deadline) {
				t.Errorf("node %d reads other times than node %d has stored: %v, want %v", j, i, is, stored)
			}
		}
		time.Sleep(time.Until(ends.Expires) + 10*time.Millisecond)
		for j, other := range nodes {
			if err := other.Load(t.Context(), short, new(driver.Record)); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("node %d finds what has expired on node %d: %v", j, i, err)
			}
		}
	}
	if n, err := nodes[0].(driver.Sweeper).Sweep(t.Context(), nil); n != len(nodes) || err != nil {
		t.Errorf("Sweep = %d, %v, want %d", n, err, len(nodes))
	}
}

// listMany lists a user with more sessions than a page holds, while sessions at the end get new keys. It checks that all
// are listed.
func (e Engine) listMany(t *testing.T) {
	b, ctx := e.own(t, e.Empty(t), 0), t.Context()
	const sessions, renamed = 520, 20
	newRecord := func() *driver.Record {
		return &driver.Record{User: "Ann", Created: time.Now(), AuthTime: time.Now(), Expires: time.Now().Add(time.Hour)}
	}
	for i := range sessions {
		if err := b.Create(ctx, sessiontest.Key(strconv.Itoa(i)), newRecord()); err != nil {
			t.Fatal(err)
		}
	}
	var last []string // by the bytes of their keys
	for entry, err := range b.(driver.Lister).List(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		last = append(last, entry.Key)
	}
	last = last[len(last)-renamed:]
	listed := 0
	for _, err := range b.(driver.UserLister).ListUser(ctx, "Ann") {
		if err != nil {
			t.Fatal(err)
		}
		if listed++; listed > 1 {
			continue
		}
		for _, key := range last {
			if err := b.(driver.Renamer).Rename(ctx, key, 1, sessiontest.Key("new "+key), newRecord(), driver.Mark{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if listed < sessions {
		t.Errorf("%d of %d sessions were listed", listed, sessions)
	}
}
