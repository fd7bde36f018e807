package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/bench/report"
)

func TestRate(t *testing.T) {
	for want, perSecond := range map[string]float64{
		"7": 7.4, "99": 99.4, "100": 99.6, "120": 123, "1,000": 996, "1,200": 1234, "99,000": 98765, "1,200,000": 1234567,
	} {
		if got := rate(perSecond); got != want {
			t.Errorf("%v: got %s, want %s", perSecond, got, want)
		}
	}
}

func TestInto(t *testing.T) {
	name := filepath.Join(t.TempDir(), "page.md")
	var all table
	all.machine, all.commit = report.ThisMachine(), "abc"
	all.add(engines[0], figures{}, "Server 1")
	for _, page := range []string{"# Page\n", "# Page\n" + begin, "# Page\n" + end + begin} {
		if err := os.WriteFile(name, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := all.into(name); err == nil {
			t.Errorf("a page without the lines was changed: %q", page)
		}
	}
	if err := os.WriteFile(name, []byte("# Page\n"+begin+"old\n"+end+"rest\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := all.into(name); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Page\n" + begin, "\n| memory | 0 |", "commit abc. Server 1.", end + "rest\n"} {
		if strings.Count(string(got), want) != 1 {
			t.Errorf("want %q once in\n%s", want, got)
		}
	}
	if strings.Contains(string(got), "old") {
		t.Errorf("the old table is there still:\n%s", got)
	}
}
