package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A mutant is one change of the product that the tests must notice.
type mutant struct {
	name     string
	file     string   // relative to the root of the repository, with slashes
	in       string   // the beginning of the declaration that contains the lines, "" for anywhere
	old, new []string // lines, without their indentation
	packages []string // relative folders of the packages whose tests must notice, the first is tried first
	run      string   // the -run flag of go test, "" for all tests
	race     bool

	at string // file and line in the list, for errors
}

// load reads all lists in a folder.
func load(dir string) ([]*mutant, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("no lists in %s: %w", dir, errors.Join(err, os.ErrNotExist))
	}
	var all []*mutant
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		found, err := parse(filepath.Base(name), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, unique(all)
}

// unique returns an error for a name that occurs twice, because the name selects a mutant.
func unique(all []*mutant) error {
	seen := make(map[string]string)
	for _, m := range all {
		if at, ok := seen[m.name]; ok {
			return fmt.Errorf("%s: the name is taken: see %s", m.at, at)
		}
		seen[m.name] = m.at
	}
	return nil
}

// parse reads one list, in the form that the package comment describes.
func parse(file, text string) ([]*mutant, error) {
	var all []*mutant
	for i, line := range strings.Split(text, "\n") {
		at := fmt.Sprintf("%s:%d", file, i+1)
		line = strings.TrimSpace(line)
		name, begins := strings.CutPrefix(line, "== ")
		switch {
		case line == "" || line[0] == '#':
		case begins:
			all = append(all, &mutant{name: strings.TrimSpace(name), at: at})
		case len(all) == 0:
			return nil, fmt.Errorf("%s: want a name first: == what breaks", at)
		default:
			if err := all[len(all)-1].set(line); err != nil {
				return nil, fmt.Errorf("%s: %w", at, err)
			}
		}
	}
	for _, m := range all {
		if err := m.complete(); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", m.at, m.name, err)
		}
	}
	return all, nil
}

// set reads one line of an entry.
func (m *mutant) set(line string) error {
	switch line[0] {
	case '-':
		m.old = append(m.old, strings.TrimSpace(line[1:]))
		return nil
	case '+':
		m.new = append(m.new, strings.TrimSpace(line[1:]))
		return nil
	}
	field, value, _ := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	switch field {
	case "file":
		m.file = value
	case "in":
		m.in = value
	case "test":
		for _, p := range strings.Fields(value) {
			m.packages = append(m.packages, path.Clean(p))
		}
	case "run":
		m.run = value
	case "race":
		m.race = value == "yes"
	default:
		return fmt.Errorf("want -, +, file:, in:, test:, run: or race: at the beginning of %q", line)
	}
	return nil
}

// complete checks an entry, and fills in the default packages: the file's own and the root.
func (m *mutant) complete() error {
	_, err := regexp.Compile(m.run)
	switch {
	case m.file == "":
		return errors.New("the file: line is missing")
	case len(m.old) == 0:
		return errors.New("a line with - is missing")
	case slices.Equal(m.old, m.new):
		return errors.New("the new lines equal the old ones")
	case err != nil:
		return err
	}
	if m.packages == nil {
		m.packages = slices.Compact([]string{path.Dir(m.file), "."})
	}
	return nil
}
