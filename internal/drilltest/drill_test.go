package drilltest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed1a8f7c28/session/internal/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// A phase of a deployment is what its two nodes run.
type phase struct {
	name  string
	nodes []string
}

var phases = []phase{
	{"old alone", []string{"old", "old"}},
	{"old beside new", []string{"old", "new"}},
	{"back to old alone", []string{"old", "old"}},
	{"old beside new once more", []string{"old", "new"}},
	{"new alone", []string{"new", "new"}},
}

// How many visitors there are: those who have an account for themselves, and pairs who share one.
const (
	lone  = 12
	pairs = 4
	steps = 20 // requests of each of them in a phase
)

// A drill is one deployment over one store.
type drill struct {
	variant
	programs map[string]string // by version

	phase    string
	nodes    []*node // of the phase
	accounts []*account
	visitors []*visitor
	limited  *limited // nil if the store does not list users

	mu       sync.Mutex
	dead     []grave
	requests map[string]int
	losses   []string
}

// run deploys the new version step by step, while visitors come to all nodes. What is wrong is in d.losses.
func (d *drill) run(t *testing.T) {
	t.Helper()
	config := d.settings(t)
	d.populate()
	d.phase = phases[0].name
	d.nodes = d.startNodes(t, config, phases[0])
	d.begin()
	for _, next := range append(slices.Clone(phases[1:]), phase{name: "its end"}) {
		d.visitUntil(t, config, next)
		if d.broken() {
			break
		}
	}
	d.stop(d.nodes)
}

// visitUntil is a phase: it ends when all visitors have been served, and the nodes of the next one, which start meanwhile,
// serve too.
func (d *drill) visitUntil(t *testing.T, config string, next phase) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(d.visit)
	former, started := d.nodes, d.startNodes(t, config, next)
	wg.Wait()
	d.nodes = append(slices.Clone(former), started...)
	if !d.broken() {
		d.phase = "from " + d.phase + " to " + next.name
		d.audit()
	}
	d.stop(former)
	d.nodes = started
	if !d.broken() {
		d.phase = next.name
	}
}

func (d *drill) stop(nodes []*node) {
	for _, n := range nodes {
		if err := n.stop(); err != nil {
			d.lost(err.Error())
		}
	}
}

func (d *drill) startNodes(t *testing.T, config string, p phase) (nodes []*node) {
	t.Helper()
	for _, version := range p.nodes {
		nodes = append(nodes, start(t, version, d.programs[version], config))
	}
	return nodes
}

// populate makes the visitors.
func (d *drill) populate() {
	shared := pairs
	if d.sealed {
		shared = 0
	}
	for i := range lone + shared {
		a := &account{user: fmt.Sprint("visitor ", i+1)}
		a.empty()
		d.accounts = append(d.accounts, a)
		v := visitor{drill: d, account: a, name: fmt.Sprint("v", i), rand: rand.New(rand.NewPCG(1, uint64(i)))}
		d.visitors = append(d.visitors, &v)
		if i >= lone {
			v.peer = fmt.Sprint("w", i)
			d.visitors = append(d.visitors, &visitor{
				drill: d, account: a, name: v.peer, peer: v.name, rand: rand.New(rand.NewPCG(2, uint64(i))),
			})
		}
	}
	if d.users {
		d.limited = &limited{drill: d, rand: rand.New(rand.NewPCG(3, 0))}
	}
}

// begin begins all sessions. In each that two visitors share, somebody is logged in.
func (d *drill) begin() {
	for _, v := range d.visitors {
		if len(v.cookies) > 0 {
			continue
		}
		v.ask(d.anyNode(v.rand), "increment")
		if v.peer != "" {
			v.ask(d.anyNode(v.rand), "login")
		}
	}
}

// visit has all visitors send their requests of the phase.
func (d *drill) visit() {
	var wg sync.WaitGroup
	for _, v := range d.visitors {
		wg.Go(func() {
			for i := 0; i < steps && !d.broken(); i++ {
				v.step()
			}
		})
	}
	if d.limited != nil {
		wg.Go(func() {
			for i := 0; i < steps && !d.broken(); i++ {
				d.limited.step()
			}
		})
	}
	wg.Wait()
}

// audit looks at all sessions on all nodes, and at those that have ended on one node of each version.
func (d *drill) audit() {
	asked := make(map[string]bool)
	for _, n := range d.nodes {
		for _, a := range d.accounts {
			if len(a.cookies) > 0 {
				d.look(n, a)
			}
		}
		for _, g := range d.dead {
			if !asked[n.version] {
				d.checkDead(n, g)
			}
		}
		asked[n.version] = true
	}
}

// look compares everything in a session that nobody uses at the moment.
func (d *drill) look(n *node, a *account) {
	ans, err := n.ask("see", nil, a.cookies)
	d.counted("see")
	if err != nil {
		d.failed(n, loss{a.by, err.Error()})
		return
	}
	d.failed(n, a.expect("").compare(a.user, ans.Seen, a.begun)...)
	d.failed(n, d.cookieLosses("see", a.cookies, a, ans)...)
	a.cookies = a.cookies.take(ans.cookies)
}

// A grave is what is left of a session, or of its last sid: the cookies that opened it.
type grave struct {
	user, by string // whose it was, and the version that has ended it
	cookies  jar
}

// bury checks that a session has ended everywhere, now and at the end of each phase.
func (d *drill) bury(by *node, user string, cookies jar) {
	if d.sealed {
		return
	}
	g := grave{user, by.version, cookies}
	for _, n := range d.nodes {
		d.checkDead(n, g)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = append(d.dead, g)
}

func (d *drill) checkDead(n *node, g grave) {
	ans, err := n.ask("see", nil, g.cookies)
	d.counted("dead")
	switch {
	case err != nil:
		d.lost(d.crossing("ended", g.by, n) + err.Error())
	case len(ans.Seen) > 0 || len(ans.cookies) > 0:
		d.lost(d.crossing("ended", g.by, n) + "a former cookie of " + g.user + " is still good for something")
	}
}

func (d *drill) anyNode(r *rand.Rand) *node { return d.nodes[r.IntN(len(d.nodes))] }

// crossing begins a message: from which version to which it went wrong.
func (d *drill) crossing(done, by string, n *node) string {
	return fmt.Sprintf("%s by the %s node, read by the %s one: ", done, by, n.version)
}

// failed takes in what n has not found.
func (d *drill) failed(n *node, losses ...loss) {
	for _, l := range losses {
		if l.by == "" {
			d.lost(fmt.Sprintf("new to the %s node: %s", n.version, l.what))
			continue
		}
		d.lost(d.crossing("stored", l.by, n) + l.what)
	}
}

func (d *drill) lost(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.losses = append(d.losses, fmt.Sprintf("%s: %s: %s", d.variant, d.phase, what))
}

// broken reports whether there is no use in going on.
func (d *drill) broken() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.losses) > 0
}

func (d *drill) counted(request string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.requests == nil {
		d.requests = make(map[string]int)
	}
	d.requests[request]++
}

// summary says how many requests of each sort there were.
func (d *drill) summary() string {
	var texts []string
	all := 0
	for _, request := range slices.Sorted(maps.Keys(d.requests)) {
		texts = append(texts, fmt.Sprintf("%s %d", request, d.requests[request]))
		all += d.requests[request]
	}
	return fmt.Sprintf("%d requests: %s", all, strings.Join(texts, ", "))
}

var variants = []variant{
	{inFiles, "compact", false},
	{inFiles, "gob", false},
	{inFiles, "json", false},
	{inFiles, "compact", true},
	{inRedis, "compact", false},
	{inRedis, "gob", true},
	{inPostgres, "compact", false},
	{inPostgres, "json", true},
	{inMariaDB, "gob", false},
	{inMariaDB, "compact", true},
	{inSQLite, "compact", false},
	{inSQLite, "json", true},
	{inMemcache, "compact", false},
	{inMemcache, "gob", true},
	{inCookies, "compact", false},
	{inCookies, "gob", false},
	{inCookies, "json", false},
}

// asked returns the commit that make drill asks for, "" for the last one that was tagged.
func asked() (revision string, is bool) { return os.LookupEnv("SESSION_DRILL") }

// TestDrill has the commit that make drill asks for beside the present version, on one store of each kind.
func TestDrill(t *testing.T) {
	revision, asked := asked()
	if !asked {
		t.Skip("make drill runs this, it builds a former version")
	}
	old, title := committed(t, revision)
	t.Log("the old version is " + title)
	programs := make(map[string]map[string]string) // by module and version
	for module, imports := range map[string][]string{"": rootImports, inSQLite.module: {inSQLite.imports}} {
		programs[module] = map[string]string{
			"old": old.build(t, module, imports...),
			"new": present(t).build(t, module, imports...),
		}
	}
	for _, v := range variants {
		t.Run(v.String(), func(t *testing.T) {
			d := drill{variant: v, programs: programs[v.module]}
			d.run(t)
			for i, what := range d.losses {
				if i == 10 {
					t.Errorf("and %d more", len(d.losses)-i)
					break
				}
				t.Error(what)
			}
			t.Log(d.summary())
		})
	}
}
