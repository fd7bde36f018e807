// Package sessiontest holds the contract of package session as tests, for whoever writes a provider:
//
//	func TestContract(t *testing.T) {
//		sessiontest.Run(t, sessiontest.Harness{Store: func(t testing.TB) sessiontest.Open {
//			dir := t.TempDir()
//			return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
//				c.Config = dir
//				return file.Open(ctx, c)
//			}
//		}})
//	}
//
// Each case is one rule, named in its failure. Cases for the optional interfaces of a [driver.Backend] are
// skipped where it has none. [Model] looks for rules that are broken only now and then, when requests come
// at the same time; [Bench] measures.
//
// For the tests of an application [NewRequest] makes the request of a visitor with a session.
package sessiontest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Open opens one more node on a store. It fills in c.Config, and leaves the rest of c as it is.
type Open = func(ctx context.Context, c driver.Config) (driver.Backend, error)

// A Harness tells the kit how to get at what is tested.
type Harness struct {
	// Store makes a fresh empty store and returns how to open it. Each call of the function is one more
	// node on that store; backends opened for one namespace share its sessions. What t.Cleanup is given
	// runs after the last case.
	Store func(t testing.TB) Open

	// Sealer stands in for Store where the sessions are in the clients: it returns how to open the store
	// once more, with the same keys. Only the rules that such a store can keep are checked.
	Sealer func(t testing.TB) OpenSealer

	// Resolution is how exactly the engine keeps times: what it loads differs by less than this from what
	// was stored, and a record ends less than this before or after its time. 0 means a millisecond. Cases
	// that wait for an expiry wait a few of it.
	Resolution time.Duration

	// Bounded says that the engine refuses a record with more Data than the caller of Load wants, before it has read it.
	Bounded bool

	// Local says that the store goes by this process's clock alone, that what it waits for is in this
	// process or in files, and that its goroutines end with Close. [Model] then runs it in fake time, on
	// a store for each seed.
	Local bool

	// Beego runs the managers in beego mode, over backends opened in it. The cases of a Backend alone do not
	// apply: versions are hashes, and users, beginnings and absolute deadlines have no place. Of those
	// of a Manager all apply that need none of these.
	Beego bool

	// Floor returns what [Bench] compares with: a bare call of the store's client that reads or writes a
	// record of 128 bytes. Nil means to look into a map.
	Floor func(t testing.TB) func(write bool) error
}

// Run runs every case as a subtest, one after the other and on one store.
func Run(t *testing.T, h Harness) {
	if h.Sealer != nil {
		h.runSealer(t)
		return
	}
	open := h.Store(t)
	run := slices.Concat(cases, managerCases)
	if h.Beego {
		run = slices.DeleteFunc(slices.Clone(managerCases), func(c testCase) bool { return c.notBeego })
	}
	for _, c := range run {
		t.Run(c.name, func(t *testing.T) { c.run(t, h.env(c, open)) })
	}
}

// cases are all cases. Each has keys and namespaces of its own, so that it does not matter what the others
// leave behind.
var cases = slices.Concat(recordCases, keyCases, saveCases, touchCases, deleteCases, expiryCases,
	nodeCases, errorCases, concurrentCases, renameCases, markCases, listCases, userCases, aliasCases,
	reserveCases, watchCases, sweepCases)

// A testCase is one rule of the contract.
type testCase struct {
	name     string
	sentence string // where the rule stands: a sentence of the contract, as "S4", or an interface
	rule     string // what is expected, as the failure shows it
	// clientSide says that a client-side store keeps the rule too. The others need a store that knows of
	// a session that another client holds a copy of.
	clientSide bool
	// notBeego says that beego's layouts cannot keep the rule.
	notBeego bool
	check    func(t testing.TB, e *env)
}

func (c testCase) run(t testing.TB, e *env) {
	defer func() {
		if t.Failed() {
			t.Logf("%s: %s", c.sentence, c.rule)
		}
	}()
	c.check(t, e)
}

// An env is what a case works with.
type env struct {
	open       Open
	name       string // of the case
	namespace  string // the case's own
	resolution time.Duration
	bounded    bool
	beego      bool

	seal        OpenSealer                       // instead of open, where the sessions are in the clients
	newProvider func(open Open) session.Provider // instead of session.NewProvider, if it is not nil
	opts        []session.ManagerConfigOpt       // the last word in each manager's config
}

func (h Harness) env(c testCase, open Open) *env {
	sum := sha256.Sum256([]byte(c.name))
	e := &env{
		open:       open,
		name:       c.name,
		namespace:  "ns" + hex.EncodeToString(sum[:4]),
		resolution: max(h.Resolution, time.Millisecond),
		bounded:    h.Bounded,
		beego:      h.Beego,
	}
	if h.Beego {
		e.opts = []session.ManagerConfigOpt{session.CfgBeego(true)}
	}
	return e
}

// node opens a node on the case's own namespace, until the case ends.
func (e *env) node(t testing.TB) driver.Backend {
	t.Helper()
	return e.nodeOf(t, e.namespace)
}

// nodeOf is node for any namespace.
func (e *env) nodeOf(t testing.TB, namespace string) driver.Backend {
	t.Helper()
	b, closeNode := e.closingNode(t, namespace)
	t.Cleanup(closeNode)
	return b
}

// closingNode is nodeOf for a case that closes the node itself.
func (e *env) closingNode(t testing.TB, namespace string) (b driver.Backend, closeNode func()) {
	t.Helper()
	b, err := e.open(t.Context(), driver.Config{
		Namespace: namespace,
		Lifetime:  time.Hour,
		Beego:     e.beego,
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return b, func() {
		if c, ok := driver.As[io.Closer](b); ok {
			if err := c.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
	}
}

// key returns a key that no other case has.
func (e *env) key(label string) string { return Key(e.name + "/" + label) }

// Key returns the storage key of a sid: the 43 characters of its SHA-256 in base64url.
func Key(sid string) string {
	sum := sha256.Sum256([]byte(sid))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
