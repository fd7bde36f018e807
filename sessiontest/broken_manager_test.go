package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A managerBreakage is one thing wrong with a store or a manager, and the manager cases that it makes fail.
type managerBreakage struct {
	name     string // of a breakage, unless something else is given
	alter    func(n *node) driver.Backend
	provider func(Open) session.Provider
	opts     []session.ManagerConfigOpt
	caught   []string
}

var brokenManagers = []managerBreakage{
	{
		name:   "Save creates what is not there",
		caught: []string{"gone/save", "gone/increment", "gone/under Handler", "gone/between load and save", "regenerate/older session"},
	},
	{
		name: "Save ignores the version",
		caught: []string{
			"values/different keys", "values/increments", "values/increment after set", "values/flush", "values/update refuses",
			"values/after save", "flash/added meanwhile", "corrupt/meanwhile", "share/many requests",
		},
	},
	{name: "Save's conflict carries no record", caught: []string{"values/same key"}},
	{name: "Save stores Expires as it comes", caught: []string{"deadline/never earlier"}},
	{name: "Save never shortens", caught: []string{"lifetime/shorter"}},
	{name: "Save leaves Expires alone", caught: []string{"lifetime/of its own"}},
	{
		name:   "Touch does nothing",
		caught: []string{"deadline/moved", "deadline/moved when due", "deadline/absolute bounds idle", "lifetime/of its own", "lifetime/shift"},
	},
	{name: "Touch loses the data", caught: []string{"outage/touch"}},
	{name: "Touch creates what is not there", caught: []string{"gone/touch", "gone/between load and save"}},
	{name: "Delete ignores the version", caught: []string{"regenerate/acknowledged saves"}},
	{
		name:   "Delete at a version of nothing is no error",
		caught: []string{"gone/regenerate", "regenerate/destroyed in between", "regenerate/one wins"},
	},
	{
		name:   "Delete removes only what was never saved",
		caught: []string{"outage/destroy", "regenerate/dead sid", "share/one namespace", "by id/changed", "by id/damaged"},
	},
	{name: "Delete leaves the key taken", caught: []string{"regenerate/evicted in between"}},
	{
		name: "Delete finds no version",
		caught: []string{
			"regenerate/keeps values", "regenerate/privileges", "regenerate/fails halfway", "outage/client hangs up", "secret/stored keys",
		},
	},
	{name: "Create overwrites", caught: []string{"regenerate/taken"}},
	{name: "Rename to a sid of another's", alter: renameOverwrites, caught: []string{"regenerate/taken"}},
	{name: "Load does not look at the time", caught: []string{"start/dead sid", "deadline/idle on every call"}},
	{name: "Load leaves Shorten of a used record", caught: []string{"deadline/reads store nothing"}},
	{name: "deadline is not stored", caught: []string{"deadline/absolute"}},
	{name: "user is not stored", caught: []string{"login/new sid"}},
	{name: "metadata is not stored", caught: []string{"deadline/reads answer nothing"}},
	{name: "Reserve looks, then reserves", caught: []string{"login/limit"}},
	{name: "ListUser goes by the beginning of the name", caught: []string{"login/users"}},
	{name: "data ends at a NUL", caught: []string{"values/kinds", "corrupt/record"}},
	{name: "data is cut at 65535 bytes", caught: []string{"limit/large"}},
	{name: "Load cuts data that is longer than wanted", caught: []string{"limit/lowered", "by id/too large"}},
	{
		name:   "a miss is an empty record",
		caught: []string{"start/nothing under an unknown sid", "regenerate/old sid is dead", "gone/at the same time"},
	},
	{
		name:   "a miss is an error of its own",
		caught: []string{"start/unknown cookie", "start/several cookies", "deadline/moved", "share/namespaces"},
	},
	{name: "each node has a store of its own", caught: []string{"start/finds the session", "start/new", "values/as loaded"}},
	{
		name:   "sessions are counted twice",
		alter:  func(n *node) driver.Backend { return countingTwice{n} },
		caught: []string{"share/count"},
	},
	{
		name:   "a node remembers what it has loaded",
		alter:  remembering,
		caught: []string{"gone/second start", "values/after save"},
	},
	{
		name:     "beego's way",
		provider: func(open Open) session.Provider { return &lax{open: open, stores: make(map[string]*laxStore)} },
		caught: []string{
			"values/own changes", "values/copies", "values/refused", "flash/next request", "outage/start", "outage/lookup", "outage/save", "outage/regenerate",
			"outage/lazy", "outage/under Handler", "limit/one value", "limit/all values", "secret/shown",
		},
	},
	{
		name:   "each request moves the deadline",
		opts:   []session.ManagerConfigOpt{session.CfgTouchInterval(-1)},
		caught: []string{"deadline/reads store nothing"},
	},
	{
		name:   "nothing is encrypted",
		opts:   []session.ManagerConfigOpt{session.CfgEncryptionKeys()},
		caught: []string{"encryption/altered record", "encryption/older key"},
	},
	{
		name:   "no marks are left",
		alter:  func(n *node) driver.Backend { return n },
		opts:   []session.ManagerConfigOpt{session.CfgMarkLifetime(-1)},
		caught: []string{"late/after a login", "late/after Regenerate", "late/dead sid"},
	},
	{
		name:   "marks stay for a minute",
		alter:  func(n *node) driver.Backend { return n },
		opts:   []session.ManagerConfigOpt{session.CfgMarkLifetime(time.Minute)},
		caught: []string{"late/too late"},
	},
	{name: "Reserve evicts who logged in last", caught: []string{"encryption/users of older keys"}},
	{
		name:   "sids are longer",
		opts:   []session.ManagerConfigOpt{session.CfgSessionIdLength(17)},
		caught: []string{"start/malformed sid", "start/sids"},
	},
	{
		name:   "nothing is hashed",
		opts:   []session.ManagerConfigOpt{session.CfgBeego(true)},
		caught: []string{"secret/stored key is no sid", "secret/stored keys"},
	},
	{
		name:   "the store may take an hour",
		opts:   []session.ManagerConfigOpt{session.CfgOpTimeout(time.Hour)},
		caught: []string{"outage/time limit"},
	},
	{
		name: "a goroutine outlives Close",
		alter: func(n *node) driver.Backend {
			go func() { <-n.over }()
			return n
		},
		caught: []string{"share/goroutines"},
	},
	{
		name: "a store's Ping fails",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, ping: func(context.Context) error { return errors.ErrUnsupported }}
		},
		caught: []string{"share/ping"},
	},
	{
		name:   "each manager has a namespace of its own",
		opts:   []session.ManagerConfigOpt{ownNamespace},
		caught: []string{"share/closed"},
	},
}

var managersMade atomic.Int64

func ownNamespace(c *session.ManagerConfig) {
	c.Namespace += strconv.FormatInt(managersMade.Add(1), 10)
}

// countingTwice counts every record twice.
type countingTwice struct{ *node }

func (c countingTwice) Count(ctx context.Context) (int, error) {
	n, err := c.node.Count(ctx)
	return 2 * n, err
}

func remembering(n *node) driver.Backend {
	var known sync.Map
	return plain{&altered{node: n, load: func(ctx context.Context, key string, rec *driver.Record) error {
		if old, ok := known.Load(key); ok {
			*rec = old.(driver.Record)
			return nil
		}
		err := n.Load(ctx, key, rec)
		if err == nil {
			known.Store(key, *rec)
		}
		return err
	}}}
}

func TestManagersCorrect(t *testing.T) {
	for _, tt := range []struct {
		name       string
		alter      func(n *node) driver.Backend
		resolution time.Duration
		skips      bool // for want of optional interfaces, or of what cannot be in this process
	}{
		{name: "reference", alter: func(n *node) driver.Backend { return n }},
		{name: "odd", alter: func(n *node) driver.Backend { return odd{n} }},
		{name: "wrapped", alter: func(n *node) driver.Backend { return wrapped{plain{n}, n} }},
		{name: "plain", alter: func(n *node) driver.Backend { return plain{n} }, skips: true},
		{name: "in process", alter: func(n *node) driver.Backend { return inProcess{n} }, skips: true},
		{name: "seconds", alter: func(n *node) driver.Backend { return seconds(n) }, resolution: time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range managerCases {
				if c.name == "share/many requests" && tt.name != "odd" { // one is long enough
					continue
				}
				r := runCase(t, Harness{Resolution: tt.resolution}, c, tt.alter)
				if r.Failed() || r.skipped && !tt.skips {
					t.Errorf("%s failed or was skipped:\n%s", c.name, &r.log)
				}
			}
		})
	}
}

// inProcess is given bare sids, and no timeouts.
type inProcess struct{ *node }

func (inProcess) InProcess() {}

func TestManagersBroken(t *testing.T) {
	for _, b := range brokenManagers {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			alter := b.alter
			if i := slices.IndexFunc(broken, func(known breakage) bool { return known.name == b.name }); i >= 0 {
				alter = func(n *node) driver.Backend { return plain{broken[i].alter(n)} }
				if broken[i].apart() {
					alter = broken[i].alter
				}
			} else if alter == nil && b.provider == nil && b.opts == nil {
				t.Fatal("there is no such breakage")
			} else if alter == nil {
				alter = func(n *node) driver.Backend { return plain{n} }
			}
			for _, name := range b.caught {
				c := caseOf(t, managerCases, name)
				check := c.check
				c.check = func(t testing.TB, e *env) {
					e.newProvider, e.opts = b.provider, b.opts
					check(t, e)
				}
				if r := runCase(t, Harness{}, c, alter); !r.Failed() {
					t.Errorf("%s passed", name)
				}
			}
		})
	}
}

// TestManagerCases checks that each case is complete, and has something that it catches.
func TestManagerCases(t *testing.T) {
	caught := make(map[string]bool)
	for _, b := range brokenManagers {
		for _, name := range b.caught {
			caught[name] = true
		}
	}
	for _, b := range brokenSealers {
		for _, name := range b.caught {
			caught[name] = true
		}
	}
	all := slices.Concat(cases, managerCases, sealerCases)
	names := make(map[string]bool)
	for i, c := range all {
		if names[c.name] || c.sentence == "" || c.rule == "" || c.check == nil {
			t.Errorf("%s: there are two of the name, or it is incomplete", c.name)
		}
		names[c.name] = true
		if i >= len(cases) && !caught[c.name] {
			t.Errorf("nothing broken is caught by %s", c.name)
		}
		if c.clientSide && slices.Contains([]string{"S3", "S4", "S7"}, c.sentence) {
			t.Errorf("%s: a client-side store cannot keep %s", c.name, c.sentence)
		}
	}
}

func caseOf(t *testing.T, cases []testCase, name string) testCase {
	t.Helper()
	i := slices.IndexFunc(cases, func(c testCase) bool { return c.name == name })
	if i < 0 {
		t.Fatalf("there is no case %q", name)
	}
	return cases[i]
}

// A sealerBreakage is a sealer with one thing wrong.
type sealerBreakage struct {
	name   string
	alter  func(s *sealer) driver.Sealer
	caught []string
}

var brokenSealers = []sealerBreakage{
	{
		name:   "the name of the cookie is not bound",
		alter:  func(s *sealer) driver.Sealer { return nameless{s} },
		caught: []string{"sealed/another cookie"},
	},
	{
		name:   "the namespace is not bound",
		alter:  func(s *sealer) driver.Sealer { return &sealer{aead: s.aead} },
		caught: []string{"share/namespaces"},
	},
	{
		name:   "nothing is authenticated",
		alter:  func(s *sealer) driver.Sealer { return &sealer{aead: open{}, namespace: s.namespace} },
		caught: []string{"sealed/changed cookie"},
	},
	{
		name:   "a reference is the cookie",
		alter:  func(*sealer) driver.Sealer { return &referring{kept: make(map[string]driver.Record)} },
		caught: []string{"sealed/large values"},
	},
	{
		name: "nothing is authenticated, in several cookies",
		alter: func(s *sealer) driver.Sealer {
			return parted{&sealer{aead: open{}, namespace: s.namespace}, 4}
		},
		caught: []string{"sealed/parts"},
	},
	{
		name:   "a cookie opens once",
		alter:  func(s *sealer) driver.Sealer { return opensOnce{s, make(map[string]bool)} },
		caught: []string{"sealed/outage"},
	},
	{
		name:   "metadata is not counted",
		alter:  func(s *sealer) driver.Sealer { return miscounting{s} },
		caught: []string{"sealed/size"},
	},
}

func TestSealersBroken(t *testing.T) {
	for _, b := range brokenSealers {
		t.Run(b.name, func(t *testing.T) {
			for _, name := range b.caught {
				c := caseOf(t, slices.Concat(managerCases, sealerCases), name)
				var r *recorder
				synctest.Test(t, func(t *testing.T) {
					correct := openSealer(t)
					seal := func(ctx context.Context, c driver.Config) (driver.Sealer, error) {
						s, err := correct(ctx, c)
						return b.alter(s.(*sealer)), err
					}
					r = record(t, func(t testing.TB) {
						e := Harness{}.env(c, clients(seal))
						e.seal = seal
						c.run(t, e)
					})
				})
				if !r.Failed() {
					t.Errorf("%s passed", name)
				}
			}
		})
	}
}

// nameless seals under no name.
type nameless struct{ driver.Sealer }

func (n nameless) Seal(dst []byte, _ string, rec *driver.Record) ([]byte, error) {
	return n.Sealer.Seal(dst, "", rec)
}

func (n nameless) Open(_, sealed string, rec *driver.Record) error {
	return n.Sealer.Open("", sealed, rec)
}

// opensOnce opens nothing twice.
type opensOnce struct {
	driver.Sealer
	opened map[string]bool
}

func (o opensOnce) Open(name, sealed string, rec *driver.Record) error {
	if o.opened[sealed] {
		return session.ErrNotFound
	}
	o.opened[sealed] = true
	return o.Sealer.Open(name, sealed, rec)
}

// miscounting forgets a part of what it seals.
type miscounting struct{ *sealer }

func (m miscounting) SealedSize(name string, rec *driver.Record) int {
	without := *rec
	without.Meta = nil
	return m.sealer.SealedSize(name, &without)
}

// open is a cipher that hides and protects nothing.
type open struct{}

func (open) NonceSize() int                           { return 0 }
func (open) Overhead() int                            { return 0 }
func (open) Seal(dst, _, plain, _ []byte) []byte      { return append(dst, plain...) }
func (open) Open(dst, _, c, _ []byte) ([]byte, error) { return append(dst, c...), nil }

// referring keeps the records itself.
type referring struct {
	mu   sync.Mutex
	kept map[string]driver.Record
}

func (r *referring) Seal(dst []byte, _ string, rec *driver.Record) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := strconv.Itoa(len(r.kept))
	r.kept[name] = *rec
	return append(dst, name...), nil
}

func (r *referring) Open(_, sealed string, rec *driver.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept, ok := r.kept[sealed]
	if !ok {
		return session.ErrNotFound
	}
	*rec = kept
	return nil
}

// lax is a provider of its own, as they have been written: it shares values between requests, shows what it
// stores, knows no limits, and takes every error for a miss.
type lax struct {
	open   Open
	b      driver.Backend
	stores map[string]*laxStore
}

type laxStore struct {
	p       *lax
	sid     string
	values  map[any]any
	changes map[any]any // until the release
}

func (p *lax) SessionInit(ctx context.Context, _ int64, _ string) (err error) {
	p.b, err = p.open(ctx, driver.Config{Namespace: "lax"})
	return err
}

func (p *lax) SessionRead(ctx context.Context, sid string) (session.Store, error) {
	p.b.Create(ctx, sid, newRecord(""))
	if p.stores[sid] == nil {
		p.stores[sid] = &laxStore{p, sid, make(map[any]any), make(map[any]any)}
	}
	return p.stores[sid], nil
}

func (p *lax) SessionExist(ctx context.Context, sid string) (bool, error) {
	return p.b.Load(ctx, sid, new(driver.Record)) == nil, nil
}

func (p *lax) SessionRegenerate(ctx context.Context, oldsid, sid string) (session.Store, error) {
	p.b.Delete(ctx, oldsid, 0)
	return p.SessionRead(ctx, sid)
}

func (p *lax) SessionDestroy(ctx context.Context, sid string) error {
	p.b.Delete(ctx, sid, 0)
	return nil
}

func (p *lax) SessionAll(context.Context) int { return len(p.stores) }
func (p *lax) SessionGC(context.Context)      {}

func (s *laxStore) Set(_ context.Context, key, value any) error {
	if reflect.TypeOf(key).Comparable() {
		s.changes[key] = value
	}
	if text, ok := value.(string); ok && len(text) > 100 {
		return errors.New(text)
	}
	return nil
}

func (s *laxStore) Get(_ context.Context, key any) any { return s.values[key] }

func (s *laxStore) Delete(_ context.Context, key any) error {
	delete(s.values, key)
	return nil
}

func (s *laxStore) SessionID(context.Context) string { return s.sid }

func (s *laxStore) SessionRelease(ctx context.Context, _ http.ResponseWriter) {
	for k, v := range s.changes {
		s.values[k] = v
	}
	s.p.b.Save(ctx, s.sid, newRecord(fmt.Sprint(s.values)))
}

func (s *laxStore) SessionReleaseIfPresent(ctx context.Context, w http.ResponseWriter) {
	s.SessionRelease(ctx, w)
}

func (s *laxStore) Flush(context.Context) error {
	clear(s.values)
	return nil
}
