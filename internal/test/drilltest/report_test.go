package drilltest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

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
