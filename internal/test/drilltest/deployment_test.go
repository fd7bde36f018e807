package drilltest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

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
	dead     []token
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

func (d *drill) anyNode(r *rand.Rand) *node { return d.nodes[r.IntN(len(d.nodes))] }
