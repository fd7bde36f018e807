package memory_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/merge"
	"github.com/seed1a8f7c28/session/memory"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestContract(t *testing.T) {
	for name, config := range map[string]string{"unlimited": "", "capped": `{"maxSessions": 10000}`} {
		t.Run(name, func(t *testing.T) {
			sessiontest.Run(t, sessiontest.Harness{Store: func(testing.TB) sessiontest.Open {
				// Nodes in one process share a backend; namespaces do not.
				var mu sync.Mutex
				backends := make(map[string]driver.Backend)
				return func(ctx context.Context, c driver.Config) (b driver.Backend, err error) {
					mu.Lock()
					defer mu.Unlock()
					if backends[c.Namespace] == nil {
						c.Config = config
						backends[c.Namespace], err = memory.Open(ctx, c)
					}
					return backends[c.Namespace], err
				}
			}})
		})
	}
}

func TestOpenConfig(t *testing.T) {
	for _, tt := range []struct {
		config, field string // field "" means that the config is right
	}{
		{"", ""},
		{"{}", ""},
		{`{"maxSessions": 0}`, ""},
		{`{"maxSessions": 100}`, ""},
		{"./tmp", "providerConfig"},
		{"100", "providerConfig"},
		{`{"maxSessions": -1}`, "providerConfig.maxSessions"},
		{`{"maxSessions": "100"}`, "providerConfig"},
		{`{"maxsession": 100}`, "providerConfig"},
	} {
		b, err := memory.Open(t.Context(), driver.Config{Config: tt.config})
		if tt.field == "" {
			if err != nil {
				t.Errorf("Open(%q): %v", tt.config, err)
			}
			continue
		}
		c, ok := errors.AsType[*session.ConfigError](err)
		if b != nil || !ok || !strings.HasPrefix(c.Field, tt.field) {
			t.Errorf("Open(%q) = %v, %v; want a ConfigError of %s", tt.config, b, err, tt.field)
		}
	}
}

func TestOptional(t *testing.T) {
	for _, config := range []string{"", `{"maxSessions": 10}`} {
		b := open(t, config)
		if _, ok := b.(interface {
			driver.InProcess
			driver.Counter
			driver.Lister
			driver.UserLister
			driver.UserLimiter
			driver.Renamer
			driver.Sweeper
			driver.Clearer
		}); !ok {
			t.Errorf("Open(%q) lacks an interface that is promised", config)
		}
	}
}

func TestStoresAreSeparate(t *testing.T) {
	a, b := open(t, ""), open(t, "")
	key := fill(t, a, 1, "", time.Hour)[0]
	if err := b.Load(t.Context(), key, new(driver.Record)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Load from another store = %v, want ErrNotFound", err)
	}
}

func TestLoadDoesNotAllocate(t *testing.T) {
	b := open(t, "")
	key, now := fill(t, b, 1, "someone", time.Hour)[0], time.Now().UnixMilli()
	k := b.(merge.Keeper)
	if v, _, err := k.LoadVersion(key, now); err != nil || v.Number != 1 {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() { k.LoadVersion(key, now) }); n != 0 {
		t.Errorf("LoadVersion allocates %v times, want 0", n)
	}
	if n := testing.AllocsPerRun(1000, func() { k.LoadVersion("no such key", now) }); n != 0 {
		t.Errorf("LoadVersion of nothing allocates %v times, want 0", n)
	}
}

// The caller's key and user may be parts of a whole request.
func TestWhatIsKept(t *testing.T) {
	for _, config := range []string{"", `{"maxSessions": 10}`} {
		b := open(t, config)
		key, user := newSID(), newSID()
		rec := &driver.Record{User: user, Expires: time.Now().Add(time.Hour), Data: []byte("data")}
		if err := b.Create(t.Context(), key, rec); err != nil {
			t.Fatal(err)
		}
		for entry := range b.(driver.Lister).List(t.Context()) {
			if unsafe.StringData(entry.Key) == unsafe.StringData(key) || unsafe.StringData(entry.User) == unsafe.StringData(user) {
				t.Error("the key or the user is kept, want a copy")
			}
		}
	}
}

func TestExpiresToTheMillisecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, ctx := open(t, ""), t.Context()
		idle := time.Now().Add(time.Hour)
		for _, tt := range []struct {
			name              string
			expires, deadline time.Time
		}{
			{"idle", idle, time.Time{}},
			{"idle before absolute", idle, idle.Add(time.Hour)},
			{"absolute before idle", idle.Add(time.Hour), idle},
		} {
			rec := &driver.Record{Expires: tt.expires, Deadline: tt.deadline}
			if err := b.Create(ctx, tt.name, rec); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour - 1)
		if n, err := b.(driver.Counter).Count(ctx); err != nil || n != 3 {
			t.Errorf("a nanosecond before: Count = %d, %v; want 3", n, err)
		}
		time.Sleep(time.Nanosecond)
		if n, err := b.(driver.Counter).Count(ctx); err != nil || n != 0 {
			t.Errorf("at the time: Count = %d, %v; want 0", n, err)
		}
		for entry := range b.(driver.Lister).List(ctx) {
			t.Errorf("at the time: List yields %q", entry.Key)
		}
		if err := b.Touch(ctx, "absolute before idle", idle.Add(2*time.Hour)); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("at the time: Touch = %v, want ErrNotFound", err)
		}
		if n, err := b.(driver.Sweeper).Sweep(ctx, nil); err != nil || n != 3 {
			t.Errorf("Sweep = %d, %v; want 3", n, err)
		}
	})
}

// All methods at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	for _, config := range []string{"", `{"maxSessions": 100}`} {
		b, ctx := open(t, config), t.Context()
		keys := make([]string, 300)
		for i := range keys {
			keys[i] = newSID()
		}
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				rec := new(driver.Record)
				for i := range 3000 {
					key := keys[(i*(worker+1)+worker)%len(keys)]
					switch i % 7 {
					case 0, 1:
						b.Create(ctx, key, &driver.Record{Expires: time.Now().Add(time.Duration(i%3) * time.Millisecond)})
					case 2:
						b.Touch(ctx, key, time.Now().Add(time.Second))
					case 3:
						b.Delete(ctx, key, uint64(worker%2))
					default:
						if b.Load(ctx, key, rec) == nil {
							b.Save(ctx, key, rec)
						}
					}
					switch i {
					case 1000 + 100*worker:
						b.(driver.Clearer).Clear(ctx)
					case 200 * worker, 300 * worker:
						b.(driver.Sweeper).Sweep(ctx, nil)
						b.(driver.Counter).Count(ctx)
						for range b.(driver.Lister).List(ctx) {
						}
					}
				}
			})
		}
		wg.Wait()
	}
}

// A manager that reads only small sessions shares the store with one that stores larger ones.
func TestLargerThanTheManagerReads(t *testing.T) {
	p := memory.New()
	open := func(most int) *session.Manager {
		m, err := session.New(p, session.NewManagerConfig(session.CfgMaxBytes(most)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
	large, small := open(1<<20), open(1<<10)
	w := httptest.NewRecorder()
	s, err := large.Start(w, httptest.NewRequest("GET", "/", nil))
	if err == nil {
		err = errors.Join(s.Set(t.Context(), "a", strings.Repeat("a", 5<<10)), s.Save(t.Context()))
	}
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(w.Result().Cookies()[0])
	if _, err := small.Start(httptest.NewRecorder(), r); !errors.Is(err, session.ErrTooLarge) {
		t.Errorf("Start = %v, want ErrTooLarge", err)
	}
}
