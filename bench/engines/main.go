// Command engines measures the providers of package session on one machine, and writes the table of
// docs/providers/README.md. That page says what the columns mean.
//
//	go run ./engines -o ../docs/providers/README.md
//	go run ./engines -engines 'redis|memory'         # some of them, to the standard output
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"time"

	"github.com/seed1a8f7c28/session/bench/report"
	"github.com/seed1a8f7c28/session/bench/servers"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "engines:", err)
		os.Exit(1)
	}
}

func run() error {
	chosen := flag.String("engines", ".", "measure the engines whose names match this `regexp`")
	each := flag.Duration("for", 2*time.Second, "how long each figure is measured")
	page := flag.String("o", "", "the `file` whose table is replaced; without it, or if -engines leaves some out, the standard output")
	flag.Parse()
	which, err := regexp.Compile(*chosen)
	if err != nil {
		return err
	}
	t := table{machine: report.ThisMachine(), commit: report.ThisCommit()}
	for _, e := range engines {
		if !which.MatchString(e.name) {
			continue
		}
		f, version, err := measured(e, *each)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		t.add(e, f, version)
		fmt.Fprintf(os.Stderr, "%s: %+v\n", e.name, f)
	}
	if *page == "" || *chosen != "." {
		_, err := fmt.Print(t.String())
		return err
	}
	return t.into(*page)
}

// measured starts what an engine needs, and measures it.
func measured(e engine, each time.Duration) (f figures, version string, err error) {
	h := new(servers.Host)
	defer func() { err = errors.Join(err, h.Close()) }()
	skipped, err := h.Try(func() {
		s := e.start(h)
		version = s.Version
		f, err = e.measure(s, each)
		if err != nil {
			h.Fatal(err)
		}
	})
	if skipped != "" {
		err = errors.New(skipped) // a table with a row less would look complete
	}
	return f, version, err
}
