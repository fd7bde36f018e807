package nats_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// startOldLeader has somebody answer like a leader that was halted and does not know of a newer one: it gets all requests that
// the real one gets, and answers from what the bucket contains now under the subjects.
func startOldLeader(t testing.TB, url string, subjects ...string) {
	t.Helper()
	nc, err := natsgo.Connect(url)
	must(t, err)
	t.Cleanup(nc.Close)
	const get = "$JS.API.STREAM.MSG.GET.KV_sessions"
	entries, numbers := make(map[string][]byte), make(map[string]uint64) // the answers to reads, and the entries' numbers
	for _, subject := range subjects {
		m, err := nc.Request(get, fmt.Appendf(nil, `{"last_by_subj":%q}`, subject), time.Minute)
		must(t, err)
		var answer struct{ Message struct{ Seq uint64 } }
		must(t, json.Unmarshal(m.Data, &answer))
		entries[subject], numbers[subject] = m.Data, answer.Message.Seq
	}
	_, err = nc.Subscribe(get, func(m *natsgo.Msg) {
		var request struct {
			Subject string `json:"last_by_subj"`
		}
		if err := json.Unmarshal(m.Data, &request); err != nil {
			t.Error(err)
		}
		if answer, ok := entries[request.Subject]; ok {
			m.Respond(answer)
		}
	})
	must(t, err)
	refused := make(map[string]string) // by batch, because the last message of one is answered
	_, err = nc.Subscribe("$KV.sessions.>", func(m *natsgo.Msg) {
		subject, batch := m.Subject, m.Header.Get("Nats-Batch-Id")
		if of := m.Header.Get("Nats-Expected-Last-Subject-Sequence-Subject"); of != "" {
			subject = of
		}
		number, ok := numbers[subject]
		if expected := m.Header.Get("Nats-Expected-Last-Subject-Sequence"); ok && expected != "" && expected != fmt.Sprint(number) {
			refused[batch] = fmt.Sprintf(`{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: %d"}}`, number)
		}
		if answer := refused[batch]; answer != "" && m.Reply != "" {
			m.Respond([]byte(answer))
		}
		if batch == "" {
			delete(refused, batch)
		}
	})
	must(t, err)
	must(t, nc.Flush())
}

// TestTwoLeaders has an old leader answer before the real one does. No save is lost or made twice, and no node sees less than
// it has seen before.
func TestTwoLeaders(t *testing.T) {
	s := start(t, server.Options{})
	slow := servertest.NewProxy(t, s.Addr().String())
	var managers []*session.Manager
	for range 2 {
		m, err := nodes(slow.Addr)(session.CfgOpTimeout(20 * time.Second))
		must(t, err)
		t.Cleanup(func() { must(t, m.Close()) })
		managers = append(managers, m)
	}
	ctx, cookie := t.Context(), ""
	visit := func(m *session.Manager) (*session.Session, int64) {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", cookie)
		visitor, err := m.Start(w, r)
		if err != nil {
			t.Error(err)
			return nil, 0
		}
		if set := w.Header().Get("Set-Cookie"); cookie == "" {
			cookie, _, _ = strings.Cut(set, ";")
		} else if set != "" {
			t.Error("the visitor was logged out")
		}
		n, _ := visitor.Get(ctx, "n").(int64)
		return visitor, n
	}
	for range 3 { // so that both nodes know it
		for _, m := range managers {
			visitor, _ := visit(m)
			_, err := visitor.Increment(ctx, "n", 1)
			must(t, err)
			must(t, visitor.Save(ctx))
		}
	}
	startOldLeader(t, s.ClientURL(), subjects(t, stream(t, s), ".s.")...)
	var acked, maybe int64 = 6, 0
	var mu sync.Mutex
	var working sync.WaitGroup
	for i := range 6 {
		m := managers[i%2]
		working.Go(func() {
			seen := int64(0)
			for range 20 {
				visitor, n := visit(m)
				if visitor == nil {
					return
				}
				if n < seen {
					t.Errorf("a visit sees %d, an earlier one has seen %d", n, seen)
				}
				if _, err := visitor.Increment(ctx, "n", 1); err != nil {
					t.Error(err)
				}
				err := visitor.Save(ctx)
				seen, _ = visitor.Get(ctx, "n").(int64)
				mu.Lock()
				if err == nil {
					acked++
				} else {
					maybe, seen = maybe+1, n
				}
				mu.Unlock()
			}
		})
	}
	working.Wait()
	_, n := visit(managers[0])
	if n < acked || n > acked+maybe || maybe > acked/10 {
		t.Errorf("%d saves are stored; %d were acknowledged, and %d are unclear", n, acked, maybe)
	}
}

// TestOldLeaderRefuses has everything refused by an old leader that the real one stores: no call takes that for a conflict.
func TestOldLeaderRefuses(t *testing.T) {
	s := start(t, server.Options{})
	b, direct, ctx := node(t, s.ClientURL(), "app"), node(t, s.ClientURL(), "app"), t.Context()
	rec := newRecord("ann")
	must(t, b.Create(ctx, key(1), rec))
	startOldLeader(t, s.ClientURL(), subjects(t, stream(t, s), ".app.")...)
	for range 50 {
		version := rec.Version
		must(t, b.Save(ctx, key(1), rec))
		if rec.Version != version+1 {
			t.Fatalf("Save has made version %d of %d", rec.Version, version)
		}
		must(t, b.Touch(ctx, key(1), rec.Expires.Add(time.Second)))
	}
	startOldLeader(t, s.ClientURL(), subjects(t, stream(t, s), ".app.")...) // one that knows all but the end
	must(t, b.Delete(ctx, key(1), rec.Version))
	for i := range 40 {
		if err := b.Load(ctx, key(1), new(driver.Record)); !errors.Is(err, driver.ErrNotFound) {
			t.Fatalf("Load of what was deleted: %v", err)
		}
		if i != 20 {
			continue
		}
		if err := b.Touch(ctx, key(1), rec.Expires.Add(time.Hour)); !errors.Is(err, driver.ErrNotFound) {
			t.Errorf("Touch of what was deleted: %v", err)
		}
	}
	evicting := newRecord("eve")
	must(t, b.Create(ctx, key(2), evicting))
	startOldLeader(t, s.ClientURL(), subjects(t, stream(t, s), ".app.s.")...)
	for found := false; !found; { // an eviction
		evicted, err := b.Reserve(ctx, "eve", key(3), time.Now().Add(time.Minute), 1, true)
		must(t, err)
		found = len(evicted) == 1
	}
	for range 20 {
		if err := b.Load(ctx, key(2), new(driver.Record)); !errors.Is(err, driver.ErrNotFound) {
			t.Fatalf("Load of what was evicted: %v", err)
		}
	}
	must(t, direct.Clear(ctx))
	if err := b.Load(ctx, key(1), new(driver.Record)); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Load of what was purged: %v", err)
	}
}

// TestOldLeaderMisses has an old leader answer a node that has seen nothing so far: what others have begun since is not there,
// and the index of the user is an older one. The node acts on none of that.
func TestOldLeaderMisses(t *testing.T) {
	s := start(t, server.Options{})
	b, ctx := node(t, s.ClientURL(), "app"), t.Context()
	prefix := "$KV.sessions.app."
	var old []string
	for n := range 20 {
		old = append(old, prefix+"s."+key(n))
	}
	must(t, b.Create(ctx, key(100), newRecord("ann")))
	startOldLeader(t, s.ClientURL(), append(old, subjects(t, stream(t, s), ".app.u.")...)...)
	for n := range 20 {
		must(t, b.Create(ctx, key(n), newRecord("ann")))
	}
	other := node(t, s.ClientURL(), "app")
	for range 50 {
		found := 0
		for _, err := range other.ListUser(ctx, "ann") {
			must(t, err)
			found++
		}
		if found != 21 {
			t.Fatalf("%d sessions of the user are listed, want 21", found)
		}
	}
	for range 50 {
		other = node(t, s.ClientURL(), "app")
		_, err := other.Reserve(ctx, "ann", key(200), time.Now().Add(time.Minute), 100, false)
		must(t, err)
	}
	found := 0
	for _, err := range b.ListUser(ctx, "ann") {
		must(t, err)
		found++
	}
	if found != 21 {
		t.Fatalf("after a reservation %d sessions of the user are listed, want 21", found)
	}
	other = node(t, s.ClientURL(), "app")
	for n := range 10 {
		rec := newRecord("ann")
		rec.Version = 1
		must(t, other.Save(ctx, key(n), rec))
	}
	for n := range 20 {
		// The index that it reads may be the old leader's. Then nobody can tell what became of the step, which is an error.
		err := other.Delete(ctx, key(n), 0)
		for tries := 0; err != nil && tries < 20; tries++ {
			err = other.Delete(ctx, key(n), 0)
		}
		must(t, err)
	}
	if got := subjects(t, stream(t, s), ".app.e."); len(got) != 20 {
		t.Errorf("%d of 20 sessions were deleted", len(got))
	}
}

// TestDeadlineWhileConnecting has a server accept the client's next connection and say nothing: calls end with their contexts.
func TestDeadlineWhileConnecting(t *testing.T) {
	s := start(t, server.Options{})
	proxy := servertest.NewProxy(t, s.Addr().String())
	b := node(t, proxy.Addr, "app")
	must(t, b.Create(t.Context(), key(1), newRecord("")))
	accepted := proxy.Accepted()
	proxy.Blackhole(true)
	proxy.Reset()
	for proxy.Accepted() == accepted {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	loaded := make(chan error)
	go func() { loaded <- b.Load(ctx, key(1), new(driver.Record)) }()
	select {
	case err := <-loaded:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Load = %v", err)
		}
	case <-time.After(time.Second): // the client waits for two seconds
		t.Error("Load does not end with its context")
		<-loaded
	}
	proxy.Blackhole(false)
	proxy.Reset()
}
