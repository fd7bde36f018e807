package kv_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/kvtest"
	"github.com/seed1a8f7c28/session/kv"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// A backend is all of what kv.Open returns.
type backend interface {
	driver.Backend
	driver.Renamer
	driver.Marker
	driver.Sweeper
	driver.UserLister
	driver.UserLimiter
	driver.Counter
	driver.Lister
	driver.Clearer
	driver.Pinger
	io.Closer
}

// opened opens a namespace until the test ends.
func opened(t testing.TB, open sessiontest.Open, namespace string) backend {
	t.Helper()
	b, err := open(t.Context(), driver.Config{Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.(io.Closer).Close() })
	return b.(backend)
}

func record(user string, lifetime time.Duration) *driver.Record {
	return &driver.Record{User: user, Expires: time.Now().Add(lifetime), Data: []byte("data")}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var update = flag.Bool("update", false, "write testdata/layout.1.txt")

// TestLayout compares what is stored with the bytes of testdata, which have to stay readable.
func TestLayout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(kvtest.Memory)
		open := inMemory(t, m)
		b := opened(t, open, "app")
		ctx := t.Context()
		rec := &driver.Record{
			User: "ann", Alias: "other", Created: time.UnixMilli(946684800001), AuthTime: time.UnixMilli(946684800002),
			Expires: time.UnixMilli(946688400003), Deadline: time.UnixMilli(946699200004), Meta: []byte("meta"), Data: []byte("data"),
		}
		ok(t, b.Create(ctx, sessiontest.Key("1"), rec))
		ok(t, b.Touch(ctx, sessiontest.Key("1"), time.UnixMilli(946688400005)))
		ok(t, b.Mark(ctx, sessiontest.Key("2"), 0, driver.Mark{Kind: 1, Target: []byte("to"), Expires: time.UnixMilli(946688400006)}))
		_, err := b.Reserve(ctx, "ann", sessiontest.Key("3"), time.UnixMilli(946688400007), 2, false)
		ok(t, err)
		other := opened(t, open, "")
		ok(t, other.Create(ctx, sessiontest.Key("1"), &driver.Record{Expires: time.UnixMilli(946688400008)}))
		var text strings.Builder
		keys, values := kvtest.Dump(t, m)
		for i, key := range keys {
			fmt.Fprintf(&text, "%s = %s\n", hex.EncodeToString(key), hex.EncodeToString(values[i]))
		}
		const file = "testdata/layout.1.txt"
		if *update {
			ok(t, os.WriteFile(file, []byte(text.String()), 0o600))
		}
		want, err := os.ReadFile(file)
		ok(t, err)
		if text.String() != string(want) {
			t.Errorf("stored:\n%swant:\n%s", &text, want)
		}
	})
}

// TestNamespaces has names that begin with each other: nothing is in common.
func TestNamespaces(t *testing.T) {
	open := inMemory(t, new(kvtest.Memory))
	names := []string{"", "a", "as", "aa", "\x01", strings.Repeat("a", 255)}
	var all []backend
	for _, name := range names {
		b := opened(t, open, name)
		all = append(all, b)
		ok(t, b.Create(t.Context(), sessiontest.Key("k"), record("ann", time.Hour)))
	}
	for i, b := range all {
		if n, err := b.Count(t.Context()); n != 1 || err != nil {
			t.Errorf("%q: Count = %d, %v", names[i], n, err)
		}
		ok(t, b.Clear(t.Context()))
		for j, other := range all {
			if err := other.Load(t.Context(), sessiontest.Key("k"), new(driver.Record)); (err == nil) != (j > i) {
				t.Errorf("after Clear of %q, Load of %q: %v", names[i], names[j], err)
			}
		}
	}
	_, err := open(t.Context(), driver.Config{Namespace: strings.Repeat("a", 256)})
	if c, ok := errors.AsType[*driver.ConfigError](err); !ok || c.Field != "namespace" {
		t.Errorf("a namespace of 256 bytes: %v", err)
	}
}

// TestUnreadable has a session of a later version: it stays, no list or sweep stumbles over it, and a logout removes it.
func TestUnreadable(t *testing.T) {
	for _, value := range []string{"x", "ses9 and more"} {
		synctest.Test(t, func(t *testing.T) { unreadable(t, value) })
	}
}

func unreadable(t *testing.T, value string) {
	m := new(kvtest.Memory)
	one, err := openAt(t.Context(), m, t.TempDir())
	ok(t, err)
	b := one.(backend)
	defer b.Close()
	ctx, key := t.Context(), sessiontest.Key("k")
	ok(t, b.Create(ctx, key, record("ann", time.Hour)))
	ok(t, b.Create(ctx, sessiontest.Key("other"), record("ann", time.Hour)))
	keys, values := kvtest.Dump(t, m)
	for i, stored := range keys {
		if stored[2] == 's' && bytes.Equal(stored[3:], id(key)) {
			if len(value) > 8 { // what a later version does with the time is its own affair; this one begins like ours
				value = string(values[i][:8]) + value
			}
			ok(t, m.Write([]kv.Change{{Key: stored, Value: []byte(value)}}))
		}
	}
	if err := b.Load(ctx, key, new(driver.Record)); !errors.Is(err, driver.ErrCorrupt) {
		t.Errorf("Load: %v", err)
	}
	if err := b.Create(ctx, key, record("", time.Hour)); !errors.Is(err, driver.ErrCorrupt) {
		t.Errorf("Create: %v", err)
	}
	if n, err := b.Count(ctx); n != 1 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
	for _, err := range b.ListUser(ctx, "ann") {
		ok(t, err)
	}
	if _, err := b.Reserve(ctx, "ann", sessiontest.Key("new"), time.Now().Add(time.Hour), 2, false); err != nil {
		t.Errorf("Reserve counts it: %v", err)
	}
	time.Sleep(2 * time.Hour)
	if n, err := b.Sweep(ctx, nil); n != 1 || err != nil {
		t.Errorf("Sweep = %d, %v; want the other one", n, err)
	}
	if err := b.Load(ctx, key, new(driver.Record)); !errors.Is(err, driver.ErrCorrupt) {
		t.Errorf("Load after a sweep: %v", err)
	}
	ok(t, b.Delete(ctx, key, 0))
	if err := b.Load(ctx, key, new(driver.Record)); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Load after Delete: %v", err)
	}
	if len(value) > 8 {
		ok(t, b.Create(ctx, key, record("ann", time.Hour))) // it takes over the user's entry that is left
		kvtest.CheckEntries(t, m)
	}
}

func id(key string) []byte {
	b, err := decodeKey(key)
	if err != nil {
		panic(err)
	}
	return b
}

// TestFailedWrite has every call fail to write: nothing has changed, the caller's record neither, and the call can be repeated.
func TestFailedWrite(t *testing.T) {
	errDisk := errors.New("no space")
	m := new(kvtest.Memory)
	b := opened(t, inMemory(t, m), "")
	ctx, old, next := t.Context(), sessiontest.Key("old"), sessiontest.Key("new")
	ok(t, b.Create(ctx, old, record("ann", time.Hour)))
	mark := driver.Mark{Kind: 1, Expires: time.Now().Add(time.Hour)}
	rec := record("bob", 2*time.Hour)
	for _, tt := range []struct {
		name string
		call func() error
	}{
		{"ping", func() error { return b.Ping(ctx) }},
		{"create", func() error { return b.Create(ctx, next, rec) }},
		{"delete", func() error { return b.Delete(ctx, next, 1) }},
		{"save", func() error { rec.Version = 1; return b.Save(ctx, old, rec) }},
		{"touch", func() error { return b.Touch(ctx, old, time.Now().Add(3*time.Hour)) }},
		{"rename", func() error { return b.Rename(ctx, old, 2, next, rec, mark) }},
		{"mark", func() error { return b.Mark(ctx, next, 1, mark) }},
		{"reserve", func() error {
			_, err := b.Reserve(ctx, "bob", sessiontest.Key("third"), time.Now().Add(time.Hour), 1, true)
			return err
		}},
		{"clear", func() error { return b.Clear(ctx) }},
	} {
		before, values := kvtest.Dump(t, m)
		version := rec.Version
		m.OnWrite = func([]kv.Change) error { return errDisk }
		err := tt.call()
		if !errors.Is(err, errDisk) || !strings.HasPrefix(err.Error(), "session/memory: "+tt.name+": ") {
			t.Errorf("%s: %v, want the error of the store, with the name of the call", tt.name, err)
		}
		if rec.Version != version && tt.name != "save" || tt.name == "save" && rec.Version != 1 {
			t.Errorf("%s has changed the version to %d", tt.name, rec.Version)
		}
		m.OnWrite = nil
		if after, now := kvtest.Dump(t, m); !slices.EqualFunc(before, after, bytes.Equal) || !slices.EqualFunc(values, now, bytes.Equal) {
			t.Errorf("%s has changed something", tt.name)
		}
		ok(t, tt.call())
		kvtest.CheckEntries(t, m)
	}
}

// TestReservedAgain reserves a place under the key of a session that has expired: neither a sweep nor the new session
// loses the entry.
func TestReservedAgain(t *testing.T) {
	for _, sweepFirst := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := new(kvtest.Memory)
			b := opened(t, inMemory(t, m), "")
			ctx, key := t.Context(), sessiontest.Key("k")
			ok(t, b.Create(ctx, key, record("ann", time.Minute)))
			time.Sleep(time.Hour)
			reserve := func(key string) error {
				_, err := b.Reserve(ctx, "ann", key, time.Now().Add(time.Minute), 1, false)
				return err
			}
			ok(t, reserve(key))
			if sweepFirst {
				if n, err := b.Sweep(ctx, nil); n != 1 || err != nil {
					t.Errorf("Sweep = %d, %v", n, err)
				}
				kvtest.CheckEntries(t, m)
				if err := reserve(sessiontest.Key("other")); !errors.Is(err, driver.ErrTooManySessions) {
					t.Errorf("a sweep of the expired session has given its place away: %v", err)
				}
			}
			ok(t, b.Create(ctx, key, record("ann", time.Hour)))
			kvtest.CheckEntries(t, m)
			time.Sleep(2 * time.Minute) // the reservation would have lapsed
			if n, err := b.Sweep(ctx, nil); n != 0 || err != nil {
				t.Errorf("Sweep = %d, %v", n, err)
			}
			kvtest.CheckEntries(t, m)
			if err := reserve(sessiontest.Key("other")); !errors.Is(err, driver.ErrTooManySessions) {
				t.Errorf("the session is not counted: %v", err)
			}
		})
	}
}

// TestSweepIsBounded sweeps many sessions, some of which were extended: no step makes more than a few changes for each
// session of a batch, nothing waits for the sweep, and a second sweep has nothing to do.
func TestSweepIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(kvtest.Memory)
		b := opened(t, inMemory(t, m), "")
		ctx := t.Context()
		const n = 1000
		for i := range n {
			ok(t, b.Create(ctx, sessiontest.Key(fmt.Sprint(i)), record("ann", time.Minute)))
			if i%2 == 0 {
				ok(t, b.Touch(ctx, sessiontest.Key(fmt.Sprint(i)), time.Now().Add(time.Hour)))
			}
		}
		_, err := b.Reserve(ctx, "ann", sessiontest.Key("reserved"), time.Now().Add(time.Minute), 2*n, false)
		ok(t, err)
		time.Sleep(2 * time.Minute)
		var steps atomic.Int32
		m.OnWrite = func(changes []kv.Change) error {
			steps.Add(1)
			if len(changes) > 400 {
				t.Errorf("%d changes in one step", len(changes))
			}
			return nil
		}
		told := make(map[string]bool)
		removed, err := b.Sweep(ctx, func(key, user string) {
			if told[key] || user != "ann" {
				t.Errorf("told of a session twice, or as one of %q", user)
			}
			told[key] = true
		})
		if err != nil || removed != n/2 || len(told) != n/2 {
			t.Errorf("Sweep = %d, %v, and told of %d; want %d", removed, err, len(told), n/2)
		}
		kvtest.CheckEntries(t, m)
		steps.Store(0)
		if removed, err = b.Sweep(ctx, nil); removed != 0 || err != nil || steps.Load() != 0 {
			t.Errorf("a second sweep removes %d (%v), in %d steps", removed, err, steps.Load())
		}
		if left, err := b.Count(ctx); left != n/2 || err != nil {
			t.Errorf("Count = %d, %v", left, err)
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		time.Sleep(2 * time.Hour)
		if removed, err := b.Sweep(cancelled, nil); !errors.Is(err, context.Canceled) || removed > 100 {
			t.Errorf("Sweep with a context that has ended = %d, %v", removed, err)
		}
	})
}

// TestSweepOfLargeSessions sweeps past large sessions that were extended: no step writes more than one of them and a megabyte.
func TestSweepOfLargeSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(kvtest.Memory)
		b := opened(t, inMemory(t, m), "")
		for i := range 20 {
			rec := record("ann", time.Minute)
			rec.Data = make([]byte, 700<<10)
			ok(t, b.Create(t.Context(), sessiontest.Key(fmt.Sprint(i)), rec))
			if i < 15 {
				ok(t, b.Touch(t.Context(), sessiontest.Key(fmt.Sprint(i)), time.Now().Add(time.Hour)))
			}
		}
		time.Sleep(2 * time.Minute)
		m.OnWrite = func(changes []kv.Change) error {
			size := 0
			for _, c := range changes {
				size += len(c.Value)
			}
			if size > 2<<20 {
				t.Errorf("%d bytes in one step", size)
			}
			return nil
		}
		if removed, err := b.Sweep(t.Context(), nil); removed != 5 || err != nil {
			t.Errorf("Sweep = %d, %v; want 5", removed, err)
		}
		kvtest.CheckEntries(t, m)
	})
}

// TestNoRoom has a disk with less room than the store needs: what needs room fails before the store is asked, and removals work.
func TestNoRoom(t *testing.T) {
	m, asked := new(kvtest.Memory), false
	e := kv.Engine{Name: "memory", Folder: true, Open: m.Open, FreeBytes: 1}
	dir := t.TempDir()
	open := func(free int64) backend {
		e.FreeBytes = free
		b, err := kv.Open(t.Context(), driver.Config{Config: dir}, e)
		ok(t, err)
		return b.(backend)
	}
	b := open(1)
	ok(t, b.Create(t.Context(), sessiontest.Key("k"), record("ann", time.Hour)))
	ok(t, b.Close())
	b = open(math.MaxInt64)
	defer b.Close()
	m.OnWrite = func([]kv.Change) error { asked = true; return nil }
	err := b.Create(t.Context(), sessiontest.Key("other"), record("ann", time.Hour))
	if runtime.GOOS == "linux" && (!errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), dir) || asked) {
		t.Errorf("Create: %v, want ENOSPC and the path; the store was asked: %t", err, asked)
	}
	ok(t, b.Load(t.Context(), sessiontest.Key("k"), new(driver.Record)))
	ok(t, b.Ping(t.Context()))
	ok(t, b.Delete(t.Context(), sessiontest.Key("k"), 1))
}

// TestWritesOfSessionsMeet has writers of different sessions be in DB.Write at the same time, so that the store can make their
// changes durable together, and those of one session one after the other.
func TestWritesOfSessionsMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(kvtest.Memory)
		b := opened(t, inMemory(t, m), "")
		ctx := t.Context()
		for i := range 10 {
			ok(t, b.Create(ctx, sessiontest.Key(fmt.Sprint(i)), record("ann", time.Hour)))
		}
		var writing, most atomic.Int32
		m.OnWrite = func([]kv.Change) error {
			n := writing.Add(1)
			for is := most.Load(); n > is && !most.CompareAndSwap(is, n); is = most.Load() {
			}
			time.Sleep(time.Second)
			writing.Add(-1)
			return nil
		}
		save := func(key string) {
			rec := record("ann", time.Hour)
			rec.Version = 1
			if err := b.Save(ctx, key, rec); err != nil {
				if _, conflict := errors.AsType[*driver.ConflictError](err); !conflict {
					t.Errorf("Save: %v", err)
				}
			}
		}
		begin := time.Now()
		for i := range 10 {
			go save(sessiontest.Key(fmt.Sprint(i)))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if most.Load() != 10 || writing.Load() != 0 || time.Since(begin) != time.Second {
			t.Errorf("%d of 10 writers were in Write at the same time", most.Load())
		}
		most.Store(0)
		for range 10 {
			go save(sessiontest.Key("0"))
			go b.Touch(ctx, sessiontest.Key("0"), time.Now().Add(2*time.Hour))
		}
		time.Sleep(time.Minute)
		if most.Load() > 1 {
			t.Errorf("%d writers of one session were in Write at the same time", most.Load())
		}
		m.OnWrite = nil
	})
}

// TestContextEnds has a call wait for another one that holds its session's lock: it ends with its context, which is no miss.
func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(kvtest.Memory)
		b := opened(t, inMemory(t, m), "")
		m.OnWrite = func([]kv.Change) error { time.Sleep(time.Minute); return nil }
		key := sessiontest.Key("k")
		go b.Create(t.Context(), key, record("", time.Hour))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for call, err := range map[string]error{
			"Touch":  b.Touch(ctx, key, time.Now()),
			"Rename": b.Rename(ctx, sessiontest.Key("a"), 1, key, record("", time.Hour), driver.Mark{}),
		} {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, want that of its context", call, err)
			}
		}
		time.Sleep(2 * time.Minute)
		m.OnWrite = nil
		ok(t, b.Touch(t.Context(), key, time.Now()))
	})
}

// TestEvictionWaits has a login end a session that is just being saved: the save, which is made later, does not bring it back.
func TestEvictionWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(kvtest.Memory)
		b := opened(t, inMemory(t, m), "")
		ctx, old := t.Context(), sessiontest.Key("old")
		ok(t, b.Create(ctx, old, record("ann", time.Hour)))
		var writes atomic.Int32
		m.OnWrite = func([]kv.Change) error {
			if writes.Add(1) == 1 {
				time.Sleep(time.Minute)
			}
			return nil
		}
		saved := make(chan error, 1)
		go func() {
			rec := record("ann", time.Hour)
			rec.Version = 1
			saved <- b.Save(ctx, old, rec)
		}()
		synctest.Wait()
		evicted, err := b.Reserve(ctx, "ann", sessiontest.Key("new"), time.Now().Add(time.Hour), 1, true)
		if err != nil || !slices.Equal(evicted, []string{old}) {
			t.Errorf("Reserve = %d evicted, %v", len(evicted), err)
		}
		ok(t, <-saved)
		if err := b.Load(ctx, old, new(driver.Record)); !errors.Is(err, driver.ErrNotFound) {
			t.Errorf("Load of the session that was ended: %v", err)
		}
	})
}
