package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// random matches the tests that search at random for fifteen seconds. A mistake that only they find needs a test of its
// own.
const random = "^TestHistory|/^History$"

// A check is one go test of a package in the repository. run selects its tests.
type check struct {
	pkg, run string
	race     bool
}

// checks returns the checks that must notice m.
func (m *mutant) checks() []check {
	all := make([]check, len(m.packages))
	for i, pkg := range m.packages {
		all[i] = check{pkg, m.run, m.race}
	}
	return all
}

func (c check) String() string {
	text := "go test "
	if c.race {
		text += "-race "
	}
	if c.run != "" {
		text += "-run '" + c.run + "' "
	}
	return text + strings.TrimSuffix("./"+c.pkg, "/.")
}

// A runner runs checks in the repository at root, with its temporary files in tmp.
type runner struct {
	root, tmp string
	command   string        // the go command
	timeout   time.Duration // for the tests of one package
}

// grace is the time that go test may take in addition to the tests: to compile on a busy machine, and to report tests that
// hang.
const grace = 5 * time.Minute

// An outcome is the result of a check.
type outcome struct {
	noticed string // the first test that failed, or how the tests crashed; "" if all passed
	output  string
}

// test runs a check with the files of overlay in place of the repository's; "" means the unchanged files. An error means
// that the tests did not run, so there is no result.
func (r *runner) test(ctx context.Context, c check, overlay string) (outcome, error) {
	module, err := r.module(c.pkg)
	if err != nil {
		return outcome{}, err
	}
	rel, err := filepath.Rel(module, filepath.Join(r.root, filepath.FromSlash(c.pkg)))
	if err != nil {
		return outcome{}, err
	}
	args := []string{"test", "-vet=off", "-failfast", "-timeout", r.timeout.String(), "-skip", random}
	tmp := filepath.Join(r.tmp, "tests") // always the same, or go test could not use its cache
	if overlay != "" {
		args = append(args, "-count=1", "-overlay", overlay)
		tmp = filepath.Join(filepath.Dir(overlay), "tests")
	}
	if c.race {
		args = append(args, "-race")
	}
	if c.run != "" {
		args = append(args, "-run", c.run)
	}
	if err := os.MkdirAll(tmp, 0o711); err != nil {
		return outcome{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout+grace)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.command, append(args, "./"+filepath.ToSlash(rel))...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "PWD="+module)
	inGroup(cmd)
	cmd.WaitDelay = 10 * time.Second
	output, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return outcome{}, fmt.Errorf("go test was ended: %w", ctx.Err())
	}
	return judge(string(output), err)
}

// module returns the folder of the module that contains a package.
func (r *runner) module(pkg string) (string, error) {
	for dir := filepath.Join(r.root, filepath.FromSlash(pkg)); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == r.root || dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is in no module", pkg)
		}
	}
}

// failure matches go test's report of a failed test, or of a crashed test process.
var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)|^(panic: .*|fatal error: .*)$`)

// judge interprets the output of go test. A failure is not sufficient, because code that does not compile fails too.
func judge(output string, err error) (outcome, error) {
	found := failure.FindStringSubmatch(output)
	switch _, exited := errors.AsType[*exec.ExitError](err); {
	case err != nil && !exited:
		return outcome{}, err
	case strings.Contains(output, "[build failed]"), strings.Contains(output, "[setup failed]"):
		return outcome{}, fmt.Errorf("it does not compile:\n%s", output)
	case strings.Contains(output, "[no tests to run]"), strings.Contains(output, "[no test files]"):
		return outcome{}, errors.New("there are no tests to run")
	case err == nil:
		return outcome{output: output}, nil
	case found == nil:
		return outcome{}, fmt.Errorf("go test failed, but no test did:\n%s", output)
	}
	return outcome{noticed: found[1] + found[2], output: output}, nil
}

// try runs the checks of m on the changed file until one of them notices.
func (r *runner) try(ctx context.Context, m *mutant) (o outcome, err error) {
	dir, err := os.MkdirTemp(r.tmp, "mutant-")
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, remove(dir)) }()
	overlay, err := r.overlay(dir, m)
	if err != nil {
		return o, err
	}
	for _, c := range m.checks() {
		if o, err = r.test(ctx, c, overlay); err != nil || o.noticed != "" {
			return o, err
		}
	}
	return o, nil
}

// overlay writes the changed file into dir, and the file that -overlay needs to use it in place of the original. This also
// works for embedded files.
func (r *runner) overlay(dir string, m *mutant) (string, error) {
	if err := os.Chmod(dir, 0o711); err != nil { // servers of another account have their folders below it
		return "", err
	}
	path := filepath.Join(r.root, filepath.FromSlash(m.file))
	changed, err := r.changed(m)
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, filepath.Base(path))
	text, err := json.Marshal(map[string]map[string]string{"Replace": {path: to}})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, errors.Join(os.WriteFile(to, []byte(changed), 0o644), os.WriteFile(name, text, 0o644))
}

// changed returns the text of m's file with the change applied.
func (r *runner) changed(m *mutant) (string, error) {
	text, err := os.ReadFile(filepath.Join(r.root, filepath.FromSlash(m.file)))
	if err != nil {
		return "", err
	}
	changed, err := m.mutate(string(text))
	if err != nil {
		return "", fmt.Errorf("%s: %s: %s: %w", m.at, m.name, m.file, err)
	}
	return changed, nil
}

// needsServers reports whether tests that must notice m use servers.
func (r *runner) needsServers(m *mutant) bool {
	for _, pkg := range m.packages {
		names, _ := filepath.Glob(filepath.Join(r.root, filepath.FromSlash(pkg), "*_test.go"))
		for _, name := range names {
			if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), `/internal/test/servertest"`) {
				return true
			}
		}
	}
	return false
}

// makeTemp creates a folder for all temporary files. Its name is always the same, because go test's cache depends on the
// environment. If another run is using that folder, the name is a random one.
func (r *runner) makeTemp() (string, error) {
	sum := fnv.New32a()
	_, _ = io.WriteString(sum, r.root)
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("mutants-%08x", sum.Sum32()))
	err := os.Mkdir(dir, 0o711)
	if errors.Is(err, os.ErrExist) {
		if dir, err = os.MkdirTemp("", "mutants-"); err == nil {
			err = os.Chmod(dir, 0o711)
		}
	}
	return dir, err
}

// remove removes a folder. Killed processes may still be writing to it.
func remove(dir string) (err error) {
	for range 10 {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
		time.Sleep(200 * time.Millisecond)
	}
	return err
}
