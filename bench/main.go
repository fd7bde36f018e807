// Command bench compares package session with other session libraries and writes the results as Markdown.
// docs/performance.md, which it generates, describes what is measured and how.
//
//	go run . -o ../docs/performance.md            # everything, five rounds
//	go run . -bench 'memory/W1' -count 1          # some of it, to the standard output
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
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
	flag.Parse()
	which, err := regexp.Compile(*bench)
	if err != nil {
		return err
	}
	p := newPlan(which, *count, *cell)
	if err := p.run(); err != nil {
		return err
	}
	var out io.Writer = os.Stdout
	if *file != "" && *bench == "." {
		f, err := os.Create(*file)
		if err != nil {
			return err
		}
		defer f.Close()
		out = f
	}
	return p.report.Write(out)
}
