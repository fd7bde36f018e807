package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed1a8f7c28/session/bench/library"
	"github.com/seed1a8f7c28/session/bench/workload"
)

// losses writes what becomes of changes that meet each other, a row a library.
func (r *Report) losses(b *strings.Builder) {
	var backends []string
	for _, backend := range library.Backends {
		if slices.ContainsFunc(library.All, func(l library.Library) bool {
			_, ok := r.Losses[Place{backend, l.Name}]
			return ok
		}) {
			backends = append(backends, backend)
		}
	}
	if len(backends) == 0 {
		return
	}
	paragraph(b, "## What is lost")
	paragraph(b, `Each entry answers three questions, which the benchmark tries out on a session of its own. First: %d requests load the
		session, and then each stores a key of its own. How many of the keys are kept? Second: a request begins before a logout and
		stores a value after it. Does that undo the logout: not at all, with "%s", or with all values? Third: one request changes a
		list in place and does not store it. Does the next request see the change? Where sessions are in cookies, a logout ends
		nothing, because the old cookie stays valid.`, workload.Writers, workload.OneValue)
	b.WriteString("\n")
	row(b, append([]string{"kept / undone / changed"}, backends...)...)
	line(b, 1+len(backends))
	for _, l := range library.All {
		cells := []string{l.Name}
		some := false
		for _, backend := range backends {
			losses, ok := r.Losses[Place{backend, l.Name}]
			some = some || ok
			cells = append(cells, lossCell(losses, ok))
		}
		if some {
			row(b, cells...)
		}
	}
	paragraph(b, "What each does with values:")
	b.WriteString("\n")
	for _, l := range library.All {
		if l.Keeps != "" {
			b.WriteString("- " + strings.ReplaceAll(wrap(l.Name+": "+l.Keeps+"."), "\n", "\n  ") + "\n")
		}
	}
}

func lossCell(l workload.Losses, ok bool) string {
	if !ok {
		return ""
	}
	changed := "no"
	if l.Shared {
		changed = "yes"
	}
	return fmt.Sprintf("%d / %s / %s", l.Kept, l.Undone, changed)
}

// sizes writes how large a session is in memory.
func (r *Report) sizes(b *strings.Builder) {
	var names, figures []string
	for _, l := range library.All {
		if bytes, ok := r.Sizes[l.Name]; ok {
			names, figures = append(names, l.Name), append(figures, fmt.Sprintf("%.0f", bytes))
		}
	}
	if len(names) == 0 {
		return
	}
	paragraph(b, "## Bytes in memory")
	paragraph(b, "A session with five values takes this much of the heap when the backend memory has %d of them.", Sized)
	b.WriteString("\n")
	row(b, names...)
	line(b, len(names))
	row(b, figures...)
}

// Sized is the number of sessions for measuring the heap.
const Sized = 100_000
