package sessiontest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

func TestCorrect(t *testing.T) {
	for _, tt := range []struct {
		name       string
		alter      func(n *node) driver.Backend
		resolution time.Duration
		skips      bool // for want of optional interfaces
	}{
		{name: "reference", alter: func(n *node) driver.Backend { return n }},
		{name: "odd", alter: func(n *node) driver.Backend { return odd{n} }},
		{name: "wrapped", alter: func(n *node) driver.Backend { return wrapped{plain{n}, n} }},
		{name: "plain", alter: func(n *node) driver.Backend { return plain{n} }, skips: true},
		{name: "seconds", alter: func(n *node) driver.Backend { return seconds(n) }, resolution: time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := Harness{Resolution: tt.resolution}
			for _, c := range cases {
				r := runCase(t, h, c, tt.alter)
				if r.Failed() || r.skipped && !tt.skips {
					t.Errorf("%s failed or was skipped:\n%s", c.name, &r.log)
				}
			}
		})
	}
}

// TestRun runs the kit as a provider does, on one store and the real clock.
func TestRun(t *testing.T) {
	Run(t, Harness{Store: func(testing.TB) Open { return newWorld().open }})
}

func TestBroken(t *testing.T) {
	for _, b := range broken {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			allowed := slices.Clone(b.related)
			for _, name := range b.caught {
				allowed = append(allowed, caseNamed(t, name).sentence)
			}
			for _, c := range cases {
				if b.racy && c.sentence == "S14" || apart(c) && !b.apart() {
					continue
				}
				r := runCase(t, Harness{}, c, b.alter)
				caught := slices.Contains(b.caught, c.name)
				switch {
				case caught && !r.Failed():
					t.Errorf("%s passed", c.name)
				case r.Failed() && !slices.Contains(allowed, c.sentence):
					t.Errorf("%s failed, of the unrelated sentence %s:\n%s", c.name, c.sentence, &r.log)
				}
			}
		})
	}
}

// apart reports whether a case is for those of brokenApart alone.
func apart(c testCase) bool {
	cases := slices.Concat(userCases, aliasCases, reserveCases, markCases, watchCases)
	return slices.ContainsFunc(cases, func(of testCase) bool { return of.name == c.name })
}

// TestCasesSeenFailing checks that each case has a backend that it catches.
func TestCasesSeenFailing(t *testing.T) {
	caught := make(map[string]bool)
	for _, b := range broken {
		for _, name := range b.caught {
			caught[name] = true
		}
	}
	for _, c := range cases {
		if !caught[c.name] {
			t.Errorf("no broken backend is caught by %s", c.name)
		}
	}
}

func TestCases(t *testing.T) {
	serverSide := []string{"S3", "S4", "S7"} // what the contract says of client-side stores
	names, namespaces := make(map[string]bool), make(map[string]bool)
	for _, c := range cases {
		ns := Harness{}.env(c, nil).namespace
		if names[c.name] || namespaces[ns] {
			t.Errorf("%s: there are two of the name or the namespace", c.name)
		}
		names[c.name], namespaces[ns] = true, true
		if c.sentence == "" || c.rule == "" || c.check == nil {
			t.Errorf("%s: incomplete", c.name)
		}
		if c.clientSide && slices.Contains(serverSide, c.sentence) {
			t.Errorf("%s: a client-side store cannot keep %s", c.name, c.sentence)
		}
	}
}

func TestFailureShowsRule(t *testing.T) {
	c := testCase{sentence: "S99", rule: "Something is so.", check: func(t testing.TB, _ *env) { t.Fatal("it is not") }}
	r := record(t, func(t testing.TB) { c.run(t, nil) })
	if got, want := r.log.String(), "it is not\nThe rule: Something is so.\n"; !r.failed || got != want {
		t.Errorf("failed %t, log %q, want true, %q", r.failed, got, want)
	}
}

// TestOpenedTwice has a store that its opener locks fail the first case alone, with the rule in the output.
func TestOpenedTwice(t *testing.T) {
	for name, tt := range map[string]struct {
		second func(w *world) error // what the second open does before it returns
		fails  bool
	}{
		"shared":          {func(*world) error { return nil }, false},
		"locked":          {func(*world) error { return errors.New("timeout") }, true},
		"locked, waiting": {func(w *world) error { <-w.over; return nil }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, opens := newWorld(), 0
				defer close(w.over)
				open := func(_ context.Context, cfg driver.Config) (driver.Backend, error) {
					if opens++; opens > 1 {
						if err := tt.second(w); err != nil {
							return nil, err
						}
					}
					return w.node(cfg.Namespace), nil
				}
				r := record(t, func(t testing.TB) { openCase.run(t, Harness{}.env(openCase, open)) })
				if r.Failed() != tt.fails || tt.fails != strings.Contains(r.log.String(), "shares one handle") {
					t.Errorf("failed: %t\n%s", r.Failed(), &r.log)
				}
			})
		})
	}
}

func TestMissingInterfacesAreLogged(t *testing.T) {
	r := record(t, func(t testing.TB) { logMissing(t, []string{"Counter", "InProcess", "Lister"}) })
	if got := r.log.String(); r.Failed() || !strings.HasPrefix(got, "not implemented: Counter, Lister. ") {
		t.Errorf("failed: %t, log %q", r.Failed(), got)
	}
	if r := record(t, func(t testing.TB) { logMissing(t, []string{"KeyLimiter"}) }); r.log.String() != "" {
		t.Errorf("with nothing to miss: %q", &r.log)
	}
}

func TestKey(t *testing.T) {
	a, b := Key("a"), Key("b")
	if a == b || a != Key("a") {
		t.Errorf("Key is no function of the sid")
	}
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(a) {
		t.Errorf("Key = %q, want 43 characters of base64url", a)
	}
}

// runCase runs one case on a store of its own, in fake time, and returns what became of it.
func runCase(t *testing.T, h Harness, c testCase, alter func(n *node) driver.Backend) (r *recorder) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer close(w.over)
		open := func(_ context.Context, cfg driver.Config) (driver.Backend, error) {
			return alter(w.node(cfg.Namespace)), nil
		}
		r = record(t, func(t testing.TB) { c.run(t, h.env(c, open)) })
	})
	return r
}

func caseNamed(t *testing.T, name string) testCase {
	t.Helper()
	i := slices.IndexFunc(cases, func(c testCase) bool { return c.name == name })
	if i < 0 {
		t.Fatalf("there is no case %q", name)
	}
	return cases[i]
}

// plain has nothing that is optional.
type plain struct{ driver.Backend }

// wrapped has what is optional by way of what it wraps.
type wrapped struct {
	plain
	inner driver.Backend
}

func (w wrapped) Unwrap() driver.Backend { return w.inner }

// odd does what is unusual but allowed: it takes its time, copies what it is given, makes nil data empty,
// wraps errors twice, and refuses a cancelled context only here and there.
type odd struct{ *node }

func (o odd) do(err error) error {
	time.Sleep(rand.N(100 * time.Microsecond))
	if err != nil {
		return fmt.Errorf("odd: %w", fmt.Errorf("backend: %w", err))
	}
	return nil
}

func (o odd) Create(ctx context.Context, key string, rec *driver.Record) error {
	mine := *rec
	mine.Data = append(make([]byte, 0, 2*len(rec.Data)+1), rec.Data...)
	mine.Meta = bytes.Clone(rec.Meta)
	err := o.do(o.node.Create(ctx, key, &mine))
	rec.Version = mine.Version
	return err
}

func (o odd) Load(ctx context.Context, key string, rec *driver.Record) error {
	if err := o.do(o.node.Load(ctx, key, rec)); err != nil {
		return err
	}
	rec.Data, rec.Meta = append([]byte{}, rec.Data...), append([]byte{}, rec.Meta...)
	return nil
}

func (o odd) Save(ctx context.Context, key string, rec *driver.Record) error {
	return o.do(o.node.Save(ctx, key, rec))
}

func (o odd) Touch(ctx context.Context, key string, expires time.Time) error {
	return o.do(o.node.Touch(ctx, key, expires))
}

func (o odd) Mark(ctx context.Context, key string, version uint64, mark driver.Mark) error {
	mark.Target = append(make([]byte, 0, 2*len(mark.Target)+1), mark.Target...)
	return o.do(o.node.Mark(ctx, key, version, mark))
}

func (o odd) Delete(ctx context.Context, key string, version uint64) error {
	if ctx.Err() != nil {
		return o.do(ctx.Err())
	}
	return o.do(o.node.Delete(ctx, key, version))
}

// seconds keeps times in seconds.
func seconds(n *node) driver.Backend {
	cut := func(rec *driver.Record) driver.Record {
		mine := *rec
		for _, t := range []*time.Time{&mine.Created, &mine.AuthTime, &mine.Expires, &mine.Deadline} {
			*t = t.Truncate(time.Second)
		}
		return mine
	}
	stored := func(f func(context.Context, string, *driver.Record) error) func(context.Context, string, *driver.Record) error {
		return func(ctx context.Context, key string, rec *driver.Record) error {
			mine := cut(rec)
			err := f(ctx, key, &mine)
			rec.Version = mine.Version
			return err
		}
	}
	return &altered{
		node:   n,
		create: stored(n.Create),
		save:   stored(n.Save),
		touch: func(ctx context.Context, key string, expires time.Time) error {
			return n.Touch(ctx, key, expires.Truncate(time.Second))
		},
		rename: func(ctx context.Context, c renameCall) error {
			mine := cut(c.rec)
			c.rec, c.mark.Expires = &mine, c.mark.Expires.Truncate(time.Second)
			return c.on(ctx, n)
		},
		mark: func(ctx context.Context, c markCall) error {
			c.mark.Expires = c.mark.Expires.Truncate(time.Second)
			return c.on(ctx, n)
		},
	}
}
