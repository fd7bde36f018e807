package sessiontest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Model runs requests of one browser at the same time, on one node or on two, and checks that the result is one that the
// same operations could have had one after another. Each seed stands for one interleaving of the requests' calls of the
// store: when several calls wait, the seed chooses which one is made next. In a third of the seeds the session is logged
// out meanwhile, in a third it gets a new sid, and in a third it expires.
//
// seeds is the number of seeds. The environment variable SESSION_SEEDS can raise it, but not lower it. A failure shows its
// seed; SESSION_SEED=seed runs only that seed. If the store is neither [driver.InProcess] nor Local, a seed takes longer
// and may not always produce the same interleaving.
func Model(t *testing.T, h Harness, seeds int) {
	t.Helper()
	first, seeds := chosenSeeds(seeds, os.Getenv)
	m := newModel(t, h)
	t.Run("seeds", func(t *testing.T) { // returns when the parallel ones have
		for i, scenario := range scenarios {
			t.Run(scenario, func(t *testing.T) {
				if m.local {
					t.Parallel()
				}
				for seed := first; seed < first+seeds; seed++ {
					if seed%len(scenarios) == i {
						m.check(t, seed)
					}
				}
			})
		}
	})
}

// chosenSeeds returns the first seed and the number of seeds, after reading the environment.
func chosenSeeds(seeds int, getenv func(string) string) (first, n int) {
	if one, err := strconv.Atoi(getenv("SESSION_SEED")); err == nil {
		return one, 1
	}
	more, _ := strconv.Atoi(getenv("SESSION_SEEDS")) // 0 if it is not set
	return 0, max(seeds, more)
}

// scenarios are the events that happen while requests are under way. The seeds use them in turn.
var scenarios = []string{"logout", "regenerate", "expiry"}

// check plays a seed and reports what is wrong.
func (m *model) check(t *testing.T, seed int) {
	t.Helper()
	p := m.play(t, seed)
	if len(p.problems) == 0 {
		return
	}
	t.Fatalf("seed %d: %s\n%s\nThe calls of the store, and what the requests were told:\n%sAgain: SESSION_SEED=%d",
		seed, p, strings.Join(p.problems, "\n"), p.shownTrace(), seed)
}

// A model runs seeds on one kind of store.
type model struct {
	harness Harness
	local   bool
	open    Open // one store for all seeds, if it is not local
}

func newModel(t testing.TB, h Harness) *model {
	t.Helper()
	m := &model{harness: h, local: h.Local, open: h.Store(t)}
	b, err := m.open(t.Context(), driver.Config{Namespace: "model"})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	if _, ok := driver.As[driver.InProcess](b); ok {
		m.local = true
	}
	if c, ok := driver.As[io.Closer](b); ok {
		wantOK(t, "Close", c.Close())
	}
	return m
}

// play runs one seed and checks it.
func (m *model) play(t *testing.T, seed int) *play {
	t.Helper()
	p := newPlay(seed)
	c := testCase{name: fmt.Sprint("model ", seed)}
	if m.local {
		p.local = true
		synctest.Test(t, func(t *testing.T) { p.run(t, m.harness.env(c, m.harness.Store(t))) })
	} else {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { p.run(t, m.harness.env(c, m.open)) })
	}
	return p
}

// A play is the run of one seed.
type play struct {
	env      *env
	rng      *rand.Rand
	scenario string
	local    bool // the play has its own clock
	lazy     bool
	nodes    []*session.Manager
	store    driver.Backend // for checks without a manager
	requests []*request
	jumps    []jump

	mu       sync.Mutex // guards what follows, and the requests' states
	jar      string     // the browser's cookie: a sid
	clock    int        // the number of calls made
	events   []event
	labels   map[string]string // of keys
	trace    []note
	problems []string
}

// A note is a line of the trace. It is formatted only when it is shown.
type note struct {
	format string
	args   []any
}

func newPlay(seed int) *play {
	return &play{
		rng:      rand.New(rand.NewPCG(uint64(seed), 1)),
		scenario: scenarios[seed%len(scenarios)],
		labels:   make(map[string]string),
	}
}

func (p *play) String() string {
	return fmt.Sprintf("%s, %d requests on %d nodes, lazy %t", p.scenario, len(p.requests), len(p.nodes), p.lazy)
}

func (p *play) oneIn(n int) bool { return p.rng.IntN(n) == 0 }

// run plays the scenario to its end, and compares.
func (p *play) run(t testing.TB, e *env) {
	p.env, p.store, p.lazy = e, e.node(t), p.oneIn(3)
	opts := []session.ManagerConfigOpt{
		session.CfgMaxLifeTime(int64(modelIdle / time.Second)), session.CfgOpTimeout(1000 * time.Hour), session.CfgLazy(p.lazy),
		session.CfgTouchInterval([]time.Duration{-1, time.Minute}[p.rng.IntN(2)]),
		session.CfgMarkLifetime(-1), // a late request is one more way to begin; the cases about marks have it
		session.CfgCookieLifeTime([]int{0, 0, 0, 0, 0, 0, 0, 600}[p.rng.IntN(8)]), // with it most touches are saves
	}
	for range 1 + p.rng.IntN(2) {
		p.nodes = append(p.nodes, e.tapped(t, p.tapping, opts...))
	}
	p.jar = visitor(t, p.nodes[0], values{"all": 0, "n": 0}).value()
	p.label(p.key(p.jar))
	r := newReference(p, load(t, p.store, p.key(p.jar)).Expires)
	p.plan()
	var running sync.WaitGroup
	for _, q := range p.requests {
		running.Go(q.run)
	}
	p.schedule(t)
	running.Wait()
	r.replay()
	r.compare(t)
}

// plan makes the requests, and says when time passes.
func (p *play) plan() {
	n := 1 + p.rng.IntN(8)
	special := p.rng.IntN(n)
	for i := range n {
		p.requests = append(p.requests, p.newRequest(i, i == special))
	}
	if p.local {
		for range p.rng.IntN(3) {
			p.jumps = append(p.jumps, jump{p.rng.IntN(4 * n), modelIdle / 2})
		}
	}
	if p.scenario == "expiry" {
		p.jumps = append(p.jumps, jump{p.rng.IntN(4 * n), modelIdle + time.Second})
	}
}

// key returns what the session of a sid is kept under.
func (p *play) key(sid string) string { return p.env.storageKey(p.store, sid) }

// label names a key by the order in which keys appear.
func (p *play) label(key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.labels[key] == "" {
		p.labels[key] = "s" + strconv.Itoa(len(p.labels))
	}
	return p.labels[key]
}

// sidLabel is label for a sid, which may be empty.
func (p *play) sidLabel(sid string) string {
	if sid == "" {
		return "none"
	}
	return p.label(p.key(sid))
}

func (p *play) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trace = append(p.trace, note{format, args})
}

// shownTrace returns the trace as text.
func (p *play) shownTrace() string {
	var text strings.Builder
	for _, n := range p.trace {
		fmt.Fprintf(&text, n.format+"\n", n.args...)
	}
	return text.String()
}

func (p *play) problem(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = append(p.problems, line)
}

// An outcome is an error as the trace shows it.
type outcome struct{ err error }

func (o outcome) String() string {
	if o.err == nil {
		return "ok"
	}
	return o.err.Error()
}
