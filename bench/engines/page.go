package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/seed1a8f7c28/session/bench/report"
)

// A table is what the command writes.
type table struct {
	machine report.Machine
	commit  string
	servers []string // their versions
	rows    []string
}

// The table is between these lines of the page.
const (
	begin = "<!-- The table is written by make bench-engines. -->\n"
	end   = "<!-- The end of the table. -->\n"
)

// add adds a row.
func (t *table) add(e engine, f figures, version string) {
	if version != "" && !strings.Contains(strings.Join(t.servers, ","), version) {
		t.servers = append(t.servers, version)
	}
	cells := []string{e.name}
	for i := range clients {
		cells = append(cells, rate(f.reads[i]), rate(f.writes[i]))
	}
	bytes := fmt.Sprintf("%.0f", f.bytes)
	if f.bytes == 0 {
		bytes = fmt.Sprintf("[see its page](%s.md#sizing)", e.provider)
	}
	t.rows = append(t.rows, "| "+strings.Join(append(cells, bytes), " | ")+" |")
}

// rate has two significant digits, since a second run would not confirm more.
func rate(perSecond float64) string {
	unit := 1.0
	for perSecond/unit >= 100 {
		unit *= 10
	}
	digits := fmt.Sprintf("%.0f", float64(int(perSecond/unit+0.5))*unit)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// String returns the table with what it was measured on.
func (t *table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, commit %s. %s.\n\n", t.machine, t.commit, strings.Join(t.servers, ", "))
	b.WriteString("| provider | reads, 1 client | writes, 1 client | reads, 64 clients | writes, 64 clients | bytes a session |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- |\n")
	for _, row := range t.rows {
		b.WriteString(row + "\n")
	}
	return b.String()
}

// into replaces the table of a page.
func (t *table) into(name string) error {
	page, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(page), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return fmt.Errorf("%s has no line %q, or no line %q after it", name, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(name, []byte(before+begin+"\n"+t.String()+"\n"+end+after), 0o644)
}
