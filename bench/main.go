// Command bench compares package session with other libraries for sessions and writes what it finds as Markdown. See
// docs/performance.md, which it has written, for what is measured and how.
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
	bench := flag.String("bench", ".", "measure the cells whose name matches, such as memory/W1/scs or redis/served/W2/floor")
	count := flag.Int("count", 5, "rounds")
	cell := flag.Duration("cell", 150*time.Millisecond, "how long a cell is measured in a round")
	file := flag.String("o", "", "the file to write; without it, and when -bench leaves out cells, the standard output")
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
