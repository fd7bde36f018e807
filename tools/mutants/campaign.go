package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A campaign tries a selection of mutants.
type campaign struct {
	*runner
	mutants []*mutant
	leftOut int // because they need servers
	workers int
	verbose bool

	mu       sync.Mutex // guards what follows
	out      io.Writer
	killed   int
	survived []*mutant
}

// fit returns an error for each mutant whose lines are not in their file, or occur more than once.
func (r *runner) fit(all []*mutant) error {
	var failed []error
	for _, m := range all {
		if _, err := r.changed(m); err != nil {
			failed = append(failed, err)
		}
		for _, pkg := range m.packages {
			if _, err := os.Stat(filepath.Join(r.root, filepath.FromSlash(pkg))); err != nil {
				failed = append(failed, fmt.Errorf("%s: %s: test: %w", m.at, m.name, err))
			}
		}
	}
	return errors.Join(failed...)
}

// choose selects the mutants whose names match, and then n of them at random, unless n is 0.
func (c *campaign) choose(all []*mutant, names *regexp.Regexp, n int, seed uint64, noServers bool) {
	for _, m := range all {
		switch {
		case !names.MatchString(m.name):
		case noServers && c.needsServers(m):
			c.leftOut++
		default:
			c.mutants = append(c.mutants, m)
		}
	}
	if n <= 0 || n >= len(c.mutants) {
		return
	}
	seed = cmp.Or(seed, uint64(rand.Uint32())+1)
	fmt.Fprintf(c.out, "%d of %d mutants chosen at random; to choose the same again: make mutants N=%d SEED=%d\n", n, len(c.mutants), n, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	random.Shuffle(len(c.mutants), func(i, j int) { c.mutants[i], c.mutants[j] = c.mutants[j], c.mutants[i] })
	c.mutants = c.mutants[:n]
}

// run tries the mutants, and reports whether none has survived.
func (c *campaign) run(ctx context.Context) (ok bool, err error) {
	begin := time.Now()
	if c.tmp, err = c.makeTemp(); err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, remove(c.tmp)) }()
	if err := each(ctx, c.workers, c.baseline(), c.passes); err != nil {
		return false, err
	}
	broken := each(ctx, c.workers, c.mutants, c.mutant)
	for _, m := range c.survived {
		fmt.Fprintf(c.out, "survived: %s (%s, %s)\n", m.name, m.file, m.at)
	}
	left := ""
	if c.leftOut > 0 {
		left = fmt.Sprintf(", and %d left out that need servers", c.leftOut)
	}
	fmt.Fprintf(c.out, "%d mutants: %d killed, %d survived%s, in %v\n",
		len(c.mutants), c.killed, len(c.survived), left, time.Since(begin).Round(time.Second))
	return len(c.survived) == 0, broken
}

// baseline returns the checks that must pass without any change: each check of a mutant, once.
func (c *campaign) baseline() []check {
	var all []check
	for _, m := range c.mutants {
		all = append(all, m.checks()...)
	}
	slices.SortFunc(all, func(a, b check) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(all)
}

// passes returns an error unless a check passes without any change.
func (c *campaign) passes(ctx context.Context, test check) error {
	begin := time.Now()
	o, err := c.test(ctx, test, "")
	switch {
	case err != nil:
		return fmt.Errorf("%v, without any change: %w", test, err)
	case o.noticed != "":
		return fmt.Errorf("%v fails without any change: %s\n%s", test, o.noticed, o.output)
	}
	c.say("passes   %5.1fs  %v\n", time.Since(begin).Seconds(), test)
	return nil
}

// mutant tries one mutant. An error means that there is no result.
func (c *campaign) mutant(ctx context.Context, m *mutant) error {
	begin := time.Now()
	o, err := c.try(ctx, m)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", m.at, m.name, err)
	}
	took := time.Since(begin).Seconds()
	if o.noticed != "" {
		c.say("killed   %5.1fs  %s (%.60s)\n", took, m.name, o.noticed)
	} else {
		c.say("SURVIVED %5.1fs  %s\n", took, m.name)
	}
	if c.verbose {
		c.say("%s\n", o.output)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.noticed != "" {
		c.killed++
	} else {
		c.survived = append(c.survived, m)
	}
	return nil
}

func (c *campaign) say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(c.out, format, args...)
}

// each calls do for all items, several at a time, and returns the errors. When ctx is done it starts no more.
func each[T any](ctx context.Context, workers int, items []T, do func(context.Context, T) error) error {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed []error
		next   = make(chan T)
	)
	for range max(workers, 1) {
		wg.Go(func() {
			for item := range next {
				if err := do(ctx, item); err != nil {
					mu.Lock()
					failed = append(failed, err)
					mu.Unlock()
				}
			}
		})
	}
	for _, item := range items {
		select {
		case next <- item:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return errors.Join(append(failed, context.Cause(ctx))...)
}
