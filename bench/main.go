// Command bench compares package session with other session libraries and writes the results as Markdown.
// docs/performance.md, which it generates, describes what is measured and how.
//
//	go run . -o ../docs/performance.md -charts ../docs/images # everything, five rounds
//	go run . -bench 'memory/W1' -count 1                      # some of it, to the standard output
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/seed1a8f7c28/session/bench/process"
)

func main() {
	run := run
	if os.Getenv(process.Env) != "" {
		run = process.Child
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	bench := flag.String("bench", ".", "measure the cells whose names match this `regexp`, such as memory/W1/scs or redis/served/W2/floor")
	count := flag.Int("count", 5, "the `number` of rounds")
	cell := flag.Duration("cell", 150*time.Millisecond, "how long a cell is measured in each round")
	file := flag.String("o", "", "the `file` to write; without it, or if -bench leaves out cells, bench writes to the standard output")
	charts := flag.String("charts", "", "with -o, the `folder` for the README's chart")
	flag.Parse()
	which, err := regexp.Compile(*bench)
	if err != nil {
		return err
	}
	p := newPlan(which, *count, *cell)
	if err := p.run(); err != nil {
		return err
	}
	if *file == "" || *bench != "." {
		return p.report.Write(os.Stdout)
	}
	err = write(*file, p.report.Write)
	for name, dark := range map[string]bool{"performance-light.svg": false, "performance-dark.svg": true} {
		if err == nil && *charts != "" {
			err = write(filepath.Join(*charts, name), func(w io.Writer) error { return p.report.Chart(w, dark) })
		}
	}
	return err
}

// write writes a file.
func write(name string, content func(w io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(content(f), f.Close())
}
