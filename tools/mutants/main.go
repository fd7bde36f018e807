// Mutants proves that the tests notice when somebody breaks the product. It makes one change at a time from the lists
// in this folder, such as a check left out, and runs the tests that must fail then. A mutant that survives is a test
// that is missing. Run it by make mutants, or in the folder tools:
//
//	go run ./mutants                       all
//	go run ./mutants -run 'logout|login'   those whose names match
//	go run ./mutants -n 10                 ten at random; -seed repeats them
//	go run ./mutants -list                 only sees whether the lists fit the product
//
// It fails if a mutant survives, does not compile or fits no place or several, and if the tests fail without any change.
// Nothing in the repository is written to: the go command reads the changed file in place of its own (-overlay).
// With SERVERS=off it leaves out, and counts, the mutants whose tests need servers.
//
// # The lists
//
// An entry of a list begins with what breaks for a user, as a sentence; its name. Then come
//
//		== a save overwrites what others have saved meanwhile
//		file: memory/store.go
//		in:   func (s *store) Save
//		-     if e.version != rec.Version {
//		+     if e.version < rec.Version {
//		test: ./memory ./
//		run:  Save|Write
//		race: yes
//
//	  - file: the file, from the root of the repository.
//	  - in: how the declaration begins that has the line, when the file has the same line elsewhere, or may get it.
//	  - "-" and "+": the line as it is and as it becomes, without indentation. Several of either are lines that follow one
//	    another; without + the lines are left out. There are no line numbers.
//	  - test: the packages whose tests must notice; without it the file's own and the root's. The quickest comes first.
//	  - run: which of their tests, where all take long. It names an area, never the one test that notices.
//	  - race: whether they run under the race detector.
//
// Lines that begin with # are for the reader.
//
// # To add one
//
// Take a line whose slip would hurt a user without a sound, and change it as a maintainer might by mistake: < for <=, a
// condition or a reset left out, the other variable. It must compile. It must break something: what only costs time, or
// changes a text, is none. Write it before you look at the tests. If it survives, write the test that fails with it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := run(ctx, os.Stdout, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// run does what the package comment says, and reports whether no mutant has survived.
func run(ctx context.Context, out io.Writer, args []string) (ok bool, err error) {
	flags := flag.NewFlagSet("mutants", flag.ExitOnError)
	var (
		root    = flags.String("root", "..", "the `folder` of the repository")
		list    = flags.Bool("list", false, "only see whether the lists fit the product")
		names   = flags.String("run", "", "choose mutants whose names match this `regexp`")
		n       = flags.Int("n", 0, "choose this `number` of them at random; 0 means all")
		seed    = flags.Uint64("seed", 0, "choose the same ones as an earlier run; 0 means others")
		workers = flags.Int("j", 2, "try this `number` at a time")
		timeout = flags.Duration("timeout", 4*time.Minute, "end tests that take longer; that counts as noticing")
		command = flags.String("go", "go", "the go `command`")
		verbose = flags.Bool("v", false, "show what the tests say")
	)
	_ = flags.Parse(args)
	chosen, err := regexp.Compile(*names)
	if err != nil {
		return false, err
	}
	r := &runner{command: *command, timeout: *timeout}
	if r.root, err = filepath.Abs(*root); err != nil {
		return false, err
	}
	all, err := load(filepath.Join(r.root, "tools", "mutants", "list"))
	if err != nil {
		return false, err
	}
	if err := r.fit(all); err != nil {
		return false, err
	}
	if *list {
		fmt.Fprintf(out, "%d mutants fit the product\n", len(all))
		return true, nil
	}
	c := &campaign{runner: r, workers: *workers, verbose: *verbose, out: out}
	c.choose(all, chosen, *n, *seed, os.Getenv("SERVERS") == "off")
	return c.run(ctx)
}
