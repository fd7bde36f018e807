// Package sessiontest contains the contract of package session as tests. Authors of a provider run them:
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
// Each case checks one rule. A failing case shows its rule. Run skips the cases for an optional interface if the
// [driver.Backend] does not implement it. [Model] runs requests concurrently and looks for rules that break only
// occasionally. [Bench] measures.
//
// Tests of an application use [NewRequest] to make the request of a visitor who has a session.
package sessiontest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Open opens one more node on a store. It replaces c.Config and uses the rest of c unchanged.
type Open = func(ctx context.Context, c driver.Config) (driver.Backend, error)

// A Harness tells this package how to open the store under test.
type Harness struct {
	// Store creates a new, empty store and returns the function that opens it. Each call of that function opens one more
	// node on the store, also while others are open: an engine whose store is locked by its opener shares one handle among
	// its backends. Backends opened with the same namespace share its sessions. Functions registered with t.Cleanup run
	// after the last case.
	Store func(t testing.TB) Open

	// Sealer replaces Store if the clients keep the sessions. It returns a function that opens the store again with the
	// same keys. Only the rules that a client-side store can keep are checked.
	Sealer func(t testing.TB) OpenSealer

	// Resolution is the precision of the engine's times. A loaded time differs by less than Resolution from the stored one,
	// and a record ends less than Resolution before or after its Expires. 0 means one millisecond. Cases that wait for an
	// expiry wait for a small multiple of it.
	Resolution time.Duration

	// Bounded says that Load refuses a record with more Data than rec.MaxData before it has read the record.
	Bounded bool

	// Local says that the store uses only the clock of this process, waits only for this process or for files, and ends its
	// goroutines on Close. [Model] then runs in fake time and uses a separate store for each seed.
	Local bool

	// Beego runs the managers in beego mode, and opens the backends with Beego set. The cases that need only a Backend are
	// left out, because beego's layouts have no version numbers, users, start times or absolute deadlines. The cases of the
	// Manager run, except those that need one of these.
	Beego bool

	// Floor returns the operation that [Bench] compares a session with: a plain call of the store's client that reads or
	// writes a record of 128 bytes. Nil means a lookup in a map.
	Floor func(t testing.TB) func(write bool) error
}

// Run runs every case as a subtest, one after the other, on one store.
func Run(t *testing.T, h Harness) {
	if h.Sealer != nil {
		h.runSealer(t)
		return
	}
	open := h.Store(t)
	if !t.Run(openCase.name, func(t *testing.T) { openCase.run(t, h.env(openCase, open)) }) {
		t.Fatal("The other cases need two nodes on one store. They were not run.")
	}
	run := slices.Concat(cases, managerCases)
	if h.Beego {
		run = slices.DeleteFunc(slices.Clone(managerCases), func(c testCase) bool { return c.notBeego })
	}
	for _, c := range run {
		t.Run(c.name, func(t *testing.T) { c.run(t, h.env(c, open)) })
	}
	missing, _ := declared(optionalInterfaces, layersOf(h.env(openCase, open).node(t))...)
	logMissing(t, missing)
}

// logMissing says which optional interfaces the engine lacks, except those without which it lacks nothing.
func logMissing(t testing.TB, missing []string) {
	lacksNothing := []string{"InProcess", "KeyLimiter", "AliasLister"}
	missing = slices.DeleteFunc(missing, func(name string) bool { return slices.Contains(lacksNothing, name) })
	if len(missing) > 0 {
		fmt.Fprintf(t.Output(), "not implemented: %s. Package driver says what each is for.\n", strings.Join(missing, ", "))
	}
}

// cases are the cases of a Backend. Each uses its own keys and namespace, so what a case leaves behind does not affect
// another.
var cases = slices.Concat(recordCases, keyCases, saveCases, touchCases, deleteCases, expiryCases,
	nodeCases, errorCases, concurrentCases, renameCases, markCases, listCases, userCases, aliasCases,
	reserveCases, watchCases, sweepCases, declaredCases)

// A testCase is one rule of the contract.
type testCase struct {
	name     string
	sentence string // groups the cases of one rule: "S4", for example, that nothing comes back, or an interface
	rule     string // the expected behaviour, shown when the case fails
	// clientSide says that a client-side store keeps the rule too. The other rules need a store that can end a session
	// while a client holds a copy of it.
	clientSide bool
	// notBeego says that beego's layouts cannot keep the rule.
	notBeego bool
	check    func(t testing.TB, e *env)
}

func (c testCase) run(t testing.TB, e *env) {
	defer func() {
		if t.Failed() {
			fmt.Fprintf(t.Output(), "The rule: %s\n", c.rule) // Logf would name this line
		}
	}()
	c.check(t, e)
}

// An env is the environment of a case.
type env struct {
	open       Open
	name       string // the name of the case
	namespace  string // used only by this case
	resolution time.Duration
	bounded    bool
	beego      bool

	seal        OpenSealer                       // replaces open if the clients keep the sessions
	newProvider func(open Open) session.Provider // replaces session.NewProvider, if not nil
	opts        []session.ManagerConfigOpt       // applied last to each manager's config
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

// node opens a node in the case's namespace and closes it when the case ends.
func (e *env) node(t testing.TB) driver.Backend {
	t.Helper()
	return e.nodeOf(t, e.namespace)
}

// nodeOf is node for the given namespace.
func (e *env) nodeOf(t testing.TB, namespace string) driver.Backend {
	t.Helper()
	b, closeNode := e.closingNode(t, namespace)
	t.Cleanup(closeNode)
	return b
}

// closingNode is nodeOf for cases that close the node themselves.
func (e *env) closingNode(t testing.TB, namespace string) (b driver.Backend, close func()) {
	t.Helper()
	b, err := e.opened(t.Context(), namespace)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return b, func() {
		if err := closeNode(b); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

// opened opens a node, or says why it cannot be opened.
func (e *env) opened(ctx context.Context, namespace string) (driver.Backend, error) {
	return e.open(ctx, driver.Config{
		Namespace: namespace,
		Lifetime:  time.Hour,
		Beego:     e.beego,
		Logger:    slog.New(slog.DiscardHandler),
	})
}

// closeNode closes a node that can be closed.
func closeNode(b driver.Backend) error {
	if c, ok := driver.As[io.Closer](b); ok {
		return c.Close()
	}
	return nil
}

// key returns a key that no other case uses.
func (e *env) key(label string) string { return Key(e.name + "/" + label) }

// Key returns a storage key for a sid: the SHA-256 of the sid in base64url, 43 characters. A Manager's key also includes
// the namespace.
func Key(sid string) string {
	sum := sha256.Sum256([]byte(sid))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
