package session_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/build"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// formats returns what a session shows in all the ways in which one is printed.
func formats(t *testing.T, s session.Store) map[string]string {
	t.Helper()
	shown := make(map[string]string)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%q", "%x"} {
		shown[verb] = fmt.Sprintf(verb, s)
	}
	shown["in a struct"] = fmt.Sprintf("%+v", struct{ S session.Store }{s})
	shown["in a slice"] = fmt.Sprintf("%#v", []session.Store{s})
	var text, asJSON bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "session", s, slog.Group("g", "s", []any{s}))
	slog.New(slog.NewJSONHandler(&asJSON, nil)).Info("m", "session", s, slog.Group("g", "s", []any{s}))
	shown["slog text"], shown["slog JSON"] = text.String(), asJSON.String()
	encoded, err := json.Marshal(map[string]any{"session": s})
	if err != nil {
		t.Error(err)
	}
	shown["JSON"] = string(encoded)
	return shown
}

func TestASessionShowsNothing(t *testing.T) {
	for name, m := range map[string]*session.Manager{
		"memory": newManager(t), "tap": newNode(t, newTap(t).provider()), "sealer": newNode(t, newSealerProvider()),
		"prefix": newManager(t, session.CfgSessionIdPrefix("shop-")), "lazy": newManager(t, session.CfgLazy(true)),
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, m, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			unset := formats(t, s)
			set(t, s, "secretname", "secretvalue")
			set(t, s, "secretbytes", []byte("secretvalue"))
			sid := s.SessionID(t.Context())
			stored := formats(t, s)
			save(t, s)
			for _, shown := range []map[string]string{unset, stored, formats(t, s)} {
				for how, text := range shown {
					for _, secret := range []string{sid, "secretname", "secretvalue", "secretbytes"} {
						if secret == "" || strings.Contains(text, secret) {
							t.Errorf("%s shows %q: %s", how, secret, text)
						}
					}
					if !strings.Contains(text, "session(") {
						t.Errorf("%s does not show the public id: %s", how, text)
					}
				}
			}
		})
	}
	if got := fmt.Sprint((*session.Session)(nil)); got != "session(nil)" {
		t.Errorf("nil is %q", got)
	}
}

// A witness notes every error and log line of a run.
type witness struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *witness) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *witness) saw(err error) {
	if err != nil {
		fmt.Fprintf(w, "%v\n%+v\n%#v\n", err, err, err)
	}
}

func (w *witness) handler(_ http.ResponseWriter, _ *http.Request, err error) { w.saw(err) }

// A moody backend returns errors in turn.
type moody struct {
	driver.Backend
	mu   sync.Mutex
	errs []error // none while it is nil
	next int
}

func (b *moody) mood() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.errs == nil {
		return nil
	}
	b.next++
	return b.errs[b.next%len(b.errs)]
}

func (b *moody) Create(ctx context.Context, key string, rec *driver.Record) error {
	return cmp.Or(b.mood(), b.Backend.Create(ctx, key, rec))
}

func (b *moody) Load(ctx context.Context, key string, rec *driver.Record) error {
	return cmp.Or(b.mood(), b.Backend.Load(ctx, key, rec))
}

func (b *moody) Save(ctx context.Context, key string, rec *driver.Record) error {
	return cmp.Or(b.mood(), b.Backend.Save(ctx, key, rec))
}

func (b *moody) Touch(ctx context.Context, key string, expires time.Time) error {
	return cmp.Or(b.mood(), b.Backend.Touch(ctx, key, expires))
}

func (b *moody) Delete(ctx context.Context, key string, version uint64) error {
	return cmp.Or(b.mood(), b.Backend.Delete(ctx, key, version))
}

type unregistered struct{ Text string }

// TestNoSecretInErrorsAndLogs runs requests against all kinds of faults, and looks for what must not be
// shown.
func TestNoSecretInErrorsAndLogs(t *testing.T) {
	saw := new(witness)
	backend := &moody{Backend: newFaulty(t)}
	p := session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return backend, nil })
	m := newNode(t, p, session.CfgMaxBytes(2000), session.CfgTouchInterval(-1), session.CfgErrorHandler(saw.handler),
		session.CfgSessionIdPrefix("shop-"),
		session.CfgLogger(slog.New(slog.NewJSONHandler(saw, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))))
	secrets := []string{"secretname", "secretvalue", "c2VjcmV0", "736563726574"}
	c := seed(t, m, map[any]any{"secretname": "secretvalue"})
	remember := func(s *session.Session) {
		if sid := s.SessionID(t.Context()); sid != "" {
			secrets = append(secrets, sid)
		}
	}
	backend.mu.Lock()
	backend.errs = []error{
		nil, errDown, nil, nil, session.ErrNotFound, nil, &driver.ConflictError{Record: new(driver.Record)},
		nil, nil, nil, session.ErrCorrupt, context.DeadlineExceeded, session.ErrExists, nil, context.Canceled,
	}
	backend.mu.Unlock()
	use := func(ctx context.Context, s *session.Session) {
		remember(s)
		saw.saw(s.Set(ctx, "secretname", "secretvalue2"))
		saw.saw(s.Set(ctx, "secretname", strings.Repeat("secretvalue", 200)))
		saw.saw(s.Set(ctx, "secretname1", strings.Repeat("secretvalue", 100)))
		saw.saw(s.Set(ctx, "secretname2", func() string { return "secretvalue" }))
		saw.saw(s.Set(ctx, []string{"secretname"}, "secretvalue"))
		saw.saw(s.Set(ctx, "secretname3", map[string]any{"secretname": make(chan int)}))
		saw.saw(s.Update(ctx, "secretname4", func(any) (any, error) { return unregistered{"secretvalue"}, nil }))
		_, err := s.Increment(ctx, "secretname", 1)
		saw.saw(err)
		s.Get(ctx, []string{"secretname"})
		saw.saw(s.Save(ctx))
		saw.saw(s.Regenerate(ctx))
		remember(s)
		saw.saw(s.Delete(ctx, "secretname1"))
		s.SessionRelease(ctx, nil)
	}
	for i := range 400 {
		w, r := httptest.NewRecorder(), c.request()
		switch i % 4 {
		case 0, 1:
			s, err := m.Start(w, r)
			if saw.saw(err); err == nil {
				use(r.Context(), s)
			}
		case 2:
			m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, err := m.FromContext(r.Context())
				if saw.saw(err); err == nil {
					use(r.Context(), s)
				}
			})).ServeHTTP(w, r)
		case 3:
			_, err := m.GetSessionStore(c.sid())
			saw.saw(err)
			_, err = m.GetProvider().SessionRegenerate(r.Context(), c.sid(), "shop-0123")
			saw.saw(err)
			m.GetProvider().SessionGC(r.Context())
			m.GetActiveSession()
			if i%20 == 3 {
				m.SessionDestroy(w, r)
			}
		}
		c.take(w.Result())
	}
	saw.mu.Lock()
	text := saw.text.String()
	saw.mu.Unlock()
	for _, wanted := range []error{errDown, session.ErrCorrupt, session.ErrTooLarge, session.ErrUnencodable, session.ErrDestroyed} {
		if !strings.Contains(text, wanted.Error()) {
			t.Errorf("the run did not meet %q", wanted)
		}
	}
	if !strings.Contains(text, `"level":"ERROR"`) || len(secrets) < 50 {
		t.Errorf("%d bytes seen, %d sids", len(text), len(secrets))
	}
	for _, secret := range secrets {
		if i := strings.Index(text, secret); i >= 0 {
			t.Fatalf("%q is shown: %s", secret, text[max(0, i-200):min(len(text), i+200)])
		}
	}
}

func TestStoredKeysAreNoSIDs(t *testing.T) {
	for name, opts := range map[string][]session.ManagerConfigOpt{
		"default": nil, "prefix": {session.CfgSessionIdPrefix("p_")}, "namespace": {session.CfgNamespace("shop")},
		"long": {session.CfgSessionIdLength(64)},
	} {
		t.Run(name, func(t *testing.T) {
			backend := newTap(t)
			m := newNode(t, backend.provider(), opts...)
			sids := make(map[string]bool)
			for range 100 {
				c := seed(t, m, map[any]any{"user": "ann"})
				sids[c.sid()] = true
				c.do(func(w http.ResponseWriter, r *http.Request) {
					if _, err := m.Regenerate(w, r); err != nil {
						t.Fatal(err)
					}
				})
				sids[c.sid()] = true
			}
			keys := backend.keys()
			if len(sids) != 200 || len(keys) != 200 {
				t.Errorf("%d sids, %d keys", len(sids), len(keys))
			}
			shape := regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
			for _, key := range keys {
				if !shape.MatchString(key) || sids[key] {
					t.Errorf("key %q", key)
				}
				for sid := range sids {
					if strings.Contains(key, sid) || strings.Contains(sid, key) {
						t.Errorf("key %q shows a sid", key)
					}
				}
			}
			for _, key := range keys {
				c := &client{cookie: "gosessionid=" + key}
				c.do(func(w http.ResponseWriter, r *http.Request) {
					if s := start(t, m, w, r); !s.IsNew() || s.Get(r.Context(), "user") != nil {
						t.Error("a stored key is a sid")
					}
				})
				if _, err := m.GetSessionStore(key); !errors.Is(err, session.ErrNotFound) {
					t.Errorf("GetSessionStore of a stored key: %v", err)
				}
			}
		})
	}
}

func TestRootImportsTheStandardLibraryAlone(t *testing.T) {
	seen := map[string]bool{".": true}
	for dirs := []string{"."}; len(dirs) > 0; dirs = dirs[1:] {
		for _, system := range []string{"linux", "windows", "darwin"} {
			c := build.Default
			c.GOOS = system
			p, err := c.ImportDir(dirs[0], 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range p.Imports {
				// What else of the module comes along is held to the same.
				if dir, ok := strings.CutPrefix(path, "github.com/seed1a8f7c28/session/"); ok {
					if !seen[dir] {
						seen[dir], dirs = true, append(dirs, dir)
					}
					continue
				}
				if imported, err := build.Import(path, "", build.FindOnly); err != nil || !imported.Goroot {
					t.Errorf("%s imports %s, which is not in the standard library (%v)", dirs[0], path, err)
				}
			}
		}
	}
	if !seen["internal/sealing"] {
		t.Errorf("looked into %v alone", seen)
	}
}

func TestWhereTheLogGoes(t *testing.T) {
	before := session.SLogger
	defer func() { session.SLogger = before }()
	var old, chosen bytes.Buffer
	fail := func(opts ...session.ManagerConfigOpt) {
		t.Helper()
		backend := newTap(t)
		m := newNode(t, backend.provider(), opts...)
		s := start(t, m, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		set(t, s, "a", 1)
		session.SLogger = session.NewSessionLog(&old) // also for managers that exist already
		backend.down(refused)
		s.SessionRelease(t.Context(), nil)
		backend.heal()
	}
	fail()
	if text := old.String(); !strings.HasPrefix(text, "[SESSION] ") || !strings.Contains(text, errDown.Error()) ||
		strings.Count(text, "\n") != 1 || strings.Contains(text, "time=") {
		t.Errorf("SLogger got %q", text)
	}
	old.Reset()
	fail(session.CfgLogger(slog.New(slog.NewTextHandler(&chosen, nil))))
	if old.Len() != 0 || !strings.Contains(chosen.String(), errDown.Error()) {
		t.Errorf("SLogger got %q, Logger %q", old.String(), chosen.String())
	}
	chosen.Reset()
	backend := newTap(t)
	m := newNode(t, backend.provider())
	s := start(t, m, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	set(t, s, "a", 1)
	session.SLogger = nil
	backend.down(refused)
	s.SessionRelease(t.Context(), nil)
	backend.heal()
}

// TestManagersWithoutALogger checks that a provider can see that two managers write to the same place.
func TestManagersWithoutALogger(t *testing.T) {
	b, _ := sharedMemory(t)
	var given []*slog.Logger
	for range 2 {
		newNode(t, session.NewProvider(func(_ context.Context, c driver.Config) (driver.Backend, error) {
			given = append(given, c.Logger)
			return notInProcess{b.(optionals)}, nil
		}))
	}
	if len(given) != 2 || given[0] == nil || given[0] != given[1] {
		t.Errorf("the providers got %v, want the same Logger twice", given)
	}
}

// quiet is for tests that provoke errors.
var quiet = slog.New(slog.DiscardHandler)
