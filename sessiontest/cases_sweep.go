package sessiontest

import (
	"maps"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Sweeping, clearing and Ping.
var sweepCases = []testCase{
	{
		name:     "sweep/expired ones",
		sentence: "Sweeper",
		rule:     "Sweep removes the expired records, reports how many and which, holds no lock meanwhile, and leaves the others.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			s := optional[driver.Sweeper](t, b)
			if _, err := s.Sweep(t.Context(), nil); err != nil { // what earlier cases left behind
				t.Fatalf("Sweep: %v", err)
			}
			for i := range 5 {
				create(t, b, e.key("live "+strconv.Itoa(i)), newRecord("x"))
			}
			expires := e.soon()
			want := make(map[string]string)
			for i := range 4 {
				key, rec := e.key(strconv.Itoa(i)), expiring(expires)
				if i > 1 {
					rec.User = "Ann " + strconv.Itoa(i)
				}
				create(t, b, key, rec)
				want[key] = rec.User
			}
			e.waitFor(expires)
			got := make(map[string]string)
			var used sync.WaitGroup
			removed, err := s.Sweep(t.Context(), func(key, user string) {
				if _, twice := got[key]; twice {
					t.Error("Sweep tells of a record twice")
				}
				got[key] = user
				wantGone(t, b, key) // it is removed, and the backend can be used
				if len(got) > 1 {
					return
				}
				finished := make(chan struct{})
				used.Go(func() { // what these calls return is the subject of other cases
					defer close(finished)
					rec, key := newRecord("x"), e.key("during")
					b.Create(t.Context(), key, rec)
					b.Save(t.Context(), key, rec)
					b.Delete(t.Context(), key, 0)
				})
				select {
				case <-finished:
				case <-time.After(10 * time.Second):
					t.Error("expired cannot use the backend: a Create, Save or Delete has not returned within ten seconds")
				}
			})
			used.Wait()
			if err != nil || removed != len(want) || !maps.Equal(got, want) {
				t.Errorf("Sweep = %d, %v, and tells of %d records; want %d, with their users", removed, err, len(got), len(want))
			}
			expires = e.soon()
			create(t, b, e.key("0"), expiring(expires))
			e.waitFor(expires)
			for _, want := range []int{1, 0} {
				if removed, err := s.Sweep(t.Context(), nil); err != nil || removed != want {
					t.Errorf("Sweep = %d, %v; want %d", removed, err, want)
				}
			}
			for i := range 5 {
				wantStored(t, b, e.key("live "+strconv.Itoa(i)), 1, "x")
			}
			wantGone(t, b, e.key("0"))
		},
	},
	{
		name:     "sweep/extended ones",
		sentence: "Sweeper",
		rule:     "Sweep leaves a record whose Expires has been moved later.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			s := optional[driver.Sweeper](t, b)
			e.inTime(t, func(key string, expires time.Time) error {
				create(t, b, key, expiring(expires))
				if err := b.Touch(t.Context(), key, time.Now().Add(time.Hour)); err != nil {
					return err
				}
				e.waitFor(expires)
				if _, err := s.Sweep(t.Context(), nil); err != nil {
					t.Errorf("Sweep: %v", err)
				}
				wantStored(t, b, key, 1, "brief")
				return nil
			})
		},
	},
	{
		name:     "sweep/cancelled",
		sentence: "Sweeper",
		rule:     "Sweep with a cancelled context ends, and removes no live record.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			s := optional[driver.Sweeper](t, b)
			create(t, b, e.key("k"), newRecord("x"))
			if removed, _ := s.Sweep(cancelled(t), nil); removed < 0 {
				t.Errorf("Sweep removed %d records", removed)
			}
			wantStored(t, b, e.key("k"), 1, "x")
		},
	},
	{
		name:     "clear/all",
		sentence: "Clearer",
		rule:     "Clear removes every record. None comes back, and new ones can be created.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			c := optional[driver.Clearer](t, b)
			rec := newRecord("x")
			for i := range 300 {
				create(t, b, e.key(strconv.Itoa(i)), newRecord("x"))
			}
			if err := c.Clear(t.Context()); err != nil {
				t.Fatalf("Clear: %v", err)
			}
			for i := range 300 {
				wantGone(t, b, e.key(strconv.Itoa(i)))
			}
			rec.Version = 1
			wantErr(t, "a late Save", b.Save(t.Context(), e.key("0"), rec), session.ErrNotFound)
			wantErr(t, "a late Touch", b.Touch(t.Context(), e.key("1"), rec.Expires), session.ErrNotFound)
			create(t, b, e.key("0"), newRecord("again"))
			wantStored(t, b, e.key("0"), 1, "again")
		},
	},
	{
		name:     "clear/own namespace",
		sentence: "S12",
		rule:     "Clear leaves other namespaces alone, even those whose name begins with its own.",
		check: func(t testing.TB, e *env) {
			for _, cleared := range []string{"", e.namespace} {
				b, other := e.nodeOf(t, cleared), e.nodeOf(t, e.namespace+"x")
				c := optional[driver.Clearer](t, b)
				key := e.key("k" + cleared)
				create(t, b, key, newRecord("x"))
				create(t, other, key, newRecord("other"))
				if err := c.Clear(t.Context()); err != nil {
					t.Fatalf("Clear: %v", err)
				}
				wantGone(t, b, key)
				wantStored(t, other, key, 1, "other")
			}
		},
	},
	{
		name:     "ping",
		sentence: "Pinger",
		rule:     "Ping of a working store returns no error.",
		check: func(t testing.TB, e *env) {
			wantOK(t, "Ping", optional[driver.Pinger](t, e.node(t)).Ping(t.Context()))
		},
	},
}
