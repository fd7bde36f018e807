// Mutants checks that the tests notice mistakes in the product. It makes one change at a time from the lists in this
// folder, for example leaves out a check, and runs the tests that must then fail. A mutant that survives shows that a test
// is missing. Run it with make mutants, or in the folder tools:
//
//	go run ./mutants                       all
//	go run ./mutants -run 'logout|login'   those whose names match
//	go run ./mutants -n 10                 ten at random; -seed repeats them
//	go run ./mutants -list                 only sees whether the lists fit the product, and all mutants compile
//
// It fails if a mutant survives, does not compile, or matches no place or several, and if the tests fail without any
// change. It writes nothing to the repository: the go command reads the changed file instead of the original (-overlay).
// With SERVERS=off it leaves out the mutants whose tests need servers, and counts them.
//
// # The lists
//
// An entry of a list begins with a sentence that says what breaks for a user. The sentence is the mutant's name. These
// lines follow:
//
//	== a save overwrites what others have saved meanwhile
//	file: memory/store.go
//	in:   func (s *store) Save
//	-     if e.version != rec.Version {
//	+     if e.version < rec.Version {
//	test: ./memory ./
//	run:  Save|Write
//	race: yes
//
// They mean:
//
//   - file: the file, relative to the root of the repository.
//   - in: the beginning of the declaration that contains the line, if the file contains the same line elsewhere, or may
//     in future.
//   - "-" and "+": the line before and after the change, without indentation. Several of either are consecutive lines.
//     Without + the lines are deleted. There are no line numbers.
//   - test: the packages whose tests must notice, the fastest first. The default is the file's own package and the root.
//   - run: which of their tests to run, if all take long. It names an area, never just the test that notices.
//   - race: whether the tests run under the race detector.
//
// Lines that begin with # are comments.
//
// # To add one
//
// Choose a line in which a mistake would silently hurt a user, and change it as a maintainer might by mistake: < for <=, a
// missing condition or reset, the wrong variable. The result must compile and must break something. A change that only
// costs time or changes a text is not a mutant. Write it before you look at the tests. If it survives, write the test that
// fails with it.
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

// run is described in the package comment. It reports whether every mutant was noticed.
func run(ctx context.Context, out io.Writer, args []string) (ok bool, err error) {
	flags := flag.NewFlagSet("mutants", flag.ExitOnError)
	var (
		root    = flags.String("root", "..", "the `folder` of the repository")
		list    = flags.Bool("list", false, "only check whether the lists match the product, and all mutants compile")
		names   = flags.String("run", "", "choose mutants whose names match this `regexp`")
		n       = flags.Int("n", 0, "choose this `number` of them at random; 0 means all")
		seed    = flags.Uint64("seed", 0, "choose the same mutants as an earlier run with this `seed`; 0 chooses others")
		workers = flags.Int("j", 2, "try this `number` of mutants at the same time")
		timeout = flags.Duration("timeout", 4*time.Minute, "stop tests that take longer; the mutant then counts as noticed")
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
		if err := r.compile(ctx, all); err != nil {
			return false, err
		}
		fmt.Fprintf(out, "%d mutants fit the product\n", len(all))
		return true, nil
	}
	c := &campaign{runner: r, workers: *workers, verbose: *verbose, out: out}
	c.choose(all, chosen, *n, *seed, os.Getenv("SERVERS") == "off")
	return c.run(ctx)
}
