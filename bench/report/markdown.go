package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed1a8f7c28/session/bench/library"
	"github.com/seed1a8f7c28/session/bench/process"
	"github.com/seed1a8f7c28/session/bench/workload"
)

// Write writes the report as Markdown.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	r.head(&b)
	for _, backend := range library.Backends {
		r.backend(&b, backend)
	}
	r.served(&b)
	r.losses(&b)
	r.sizes(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) head(b *strings.Builder) {
	paragraph(b, "# Performance")
	paragraph(b, `This page shows what a session costs a request with this package and with others. %s has written all of it, in %s, on
		commit %s. Compare only figures of one run: other machines are faster or slower. `+
		"`make bench-peers BENCH='redis/W[12]' COUNT=1`"+` measures some cells and prints them. A cell is named
		backend/workload/library, or backend/served/workload/library.`, r.Command, r.Took, r.Commit)
	servers := "None of the backends has a server."
	if len(r.Servers) > 0 {
		servers = "Servers, on the same machine: " + strings.Join(r.Servers, ", ") + "."
	}
	paragraph(b, "%s. %s", r.Machine, servers)
	paragraph(b, "Compared with: %s.", strings.Join(library.Versions(), ", "))
	for _, left := range append(r.LeftOut, library.LeftOut...) {
		paragraph(b, "Left out: %s.", left)
	}
	r.method(b)
}

func (r *Report) method(b *strings.Builder) {
	paragraph(b, "## How it is measured")
	b.WriteString("\n")
	for _, item := range []string{
		`A session holds five values: an int64, a name, a list of two strings, 32 bytes and a time. The benchmark checks each answer.`,
		"The workloads: " + strings.Join(titles(), "; ") + ".",
		fmt.Sprintf(`W7 uses %d sessions in memory, %d in files and %d elsewhere. In W7 and W8, %d requests are under way at a time,
			in the others one.`, process.Many("memory"), process.Many("file"), process.Many("redis"), workload.Lanes),
		"`session Start` calls Start and Save. `session mw` uses Handler and FromContext.",
		fmt.Sprintf(`Each peer is used with its defaults and with the calls that its README shows. Pools of databases have %d
			connections where the library has a setting for it.`, library.Pool),
		`The floor is the same handler without a library. It finds the cookie, calls the store's client once to read and once to
			write, and keeps the values at fixed places of a byte string. In a file it writes in place, where a crash may leave half
			of a session.`,
		fmt.Sprintf(`There are %d rounds. In each, every library runs in a process of its own, in a new random order, and each cell is
			measured for %v. The figures are medians.`, r.Rounds, r.Cell),
		`CPU is the user and system time of that process, divided by the number of requests. It does not include the store's server.
			It does include the routers of gin and fiber, and on fasthttp the cost of its request, which "floor on fasthttp" shows.`,
		`Wall is the time between two answers. Trips are round trips to the store. A proxy counts them while nothing is timed.`,
	} {
		b.WriteString("- " + strings.ReplaceAll(wrap(item), "\n", "\n  ") + "\n")
	}
}

// paragraph writes a formatted one, whatever its white space.
func paragraph(b *strings.Builder, format string, args ...any) {
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	b.WriteString(wrap(fmt.Sprintf(format, args...)) + "\n")
}

func titles() []string {
	var lines []string
	for _, name := range []string{"W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8"} {
		if w, err := workload.Find(name); err == nil {
			lines = append(lines, name+" "+w.Title)
		}
	}
	return lines
}

// backend writes two tables: this package beside the best, then all of them.
func (r *Report) backend(b *strings.Builder, backend string) {
	workloads := r.workloads(backend, false)
	if len(workloads) == 0 {
		return
	}
	paragraph(b, "## %s", backend)
	b.WriteString("\n")
	ours, peers := r.split(backend)
	row(b, append([]string{"CPU / allocations", "floor", "best peer"}, ours...)...)
	line(b, 3+len(ours))
	for _, w := range workloads {
		c := Cell{Backend: backend, Workload: w.Name}
		best := r.Best(c, peers)
		cells := []string{w.Name + " " + w.Title, r.cost(c, "floor"), strings.TrimSpace(best + " " + r.cost(c, best))}
		for _, name := range ours {
			cells = append(cells, strings.TrimSpace(r.cost(c, name)+" "+r.compared(c, name, best)))
		}
		row(b, cells...)
	}
	paragraph(b, "Each library: CPU / allocations, and below it wall / bytes%s.", r.tripsTitle(backend))
	b.WriteString("\n")
	r.all(b, backend)
	r.failures(b, backend)
}

// failures says why cells could not be measured.
func (r *Report) failures(b *strings.Builder, backend string) {
	var lines []string
	for c, why := range r.Failed {
		if c.Backend == backend {
			lines = append(lines, fmt.Sprintf("Fails: %s: %s.", c, why))
		}
	}
	for _, line := range slices.Sorted(slices.Values(lines)) {
		paragraph(b, "%s", line)
	}
}

func (r *Report) tripsTitle(backend string) string {
	for c := range r.Trips {
		if c.Backend == backend {
			return " / trips"
		}
	}
	return ""
}

func (r *Report) all(b *strings.Builder, backend string) {
	workloads := r.workloads(backend, false)
	header := []string{""}
	for _, w := range workloads {
		header = append(header, w.Name)
	}
	row(b, header...)
	line(b, len(header))
	for _, l := range r.libraries(backend, false) {
		cells := []string{l.Name}
		for _, w := range workloads {
			c := Cell{Backend: backend, Workload: w.Name}
			cost := r.cost(c, l.Name)
			if cost != "" && cost != "fails" {
				cost += "<br>" + r.rest(c, l.Name)
			}
			cells = append(cells, cost)
		}
		row(b, cells...)
	}
}

// cost is CPU and allocations, "" if they were not measured.
func (r *Report) cost(c Cell, name string) string {
	c.Library = name
	if r.Failed[c] != "" {
		return "fails"
	}
	m, ok := r.Median(c)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s / %.0f", span(m.CPU), m.Allocs)
}

func (r *Report) rest(c Cell, name string) string {
	c.Library = name
	m, _ := r.Median(c)
	text := span(m.Wall) + " / " + size(m.Bytes)
	if trips, ok := r.Trips[c]; ok {
		text += " / " + figure(trips)
	}
	return text
}

// compared says how many times as much CPU name takes as peer, or the other way round.
func (r *Report) compared(c Cell, name, peer string) string {
	if peer == "" || r.cpu(c, name) == 0 || r.cpu(c, peer) == 0 {
		return ""
	}
	return "(" + times(r.cpu(c, name)/r.cpu(c, peer)) + ")"
}

func times(ratio float64) string {
	switch {
	case ratio > 1.05:
		return figure(ratio) + " × more"
	case ratio < 1/1.05:
		return figure(1/ratio) + " × less"
	}
	return "the same"
}

// served writes one table for what was measured behind a server.
func (r *Report) served(b *strings.Builder) {
	if !r.any(func(c Cell) bool { return c.Served }) {
		return
	}
	paragraph(b, "## Behind a server")
	paragraph(b, `These are CPU / allocations of a process that runs net/http's server, or fasthttp's. Clients keep %d connections open, with
		one request at a time on each. The peers are those that were the best of a workload above.`, process.Conns)
	b.WriteString("\n")
	row(b, "", "W1, W5", "W2, W6", "W3", "W4", "W7", "W8")
	line(b, 7)
	for _, backend := range library.Backends {
		for _, l := range r.libraries(backend, true) {
			cells := []string{backend + ": " + l.Name}
			for _, w := range workload.On(backend) {
				cells = append(cells, r.cost(Cell{Backend: backend, Workload: w.Name, Served: true}, l.Name))
			}
			row(b, append(cells, "", "")[:7]...)
		}
	}
}

func row(b *strings.Builder, cells ...string) {
	b.WriteString("|")
	for _, cell := range cells {
		if cell == "" {
			b.WriteString(" |")
			continue
		}
		b.WriteString(" " + cell + " |")
	}
	b.WriteString("\n")
}

func line(b *strings.Builder, columns int) {
	b.WriteString("|" + strings.Repeat(" --- |", columns) + "\n")
}
