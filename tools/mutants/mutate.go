package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// mutate returns text with the old lines replaced by the new ones. The old lines must match exactly one place.
func (m *mutant) mutate(text string) (string, error) {
	lines := strings.Split(text, "\n")
	from, to := 0, len(lines)
	if m.in != "" {
		var err error
		if from, to, err = scope(lines, m.in); err != nil {
			return "", err
		}
	}
	found := -1
	for i := from; i+len(m.old) <= to; i++ {
		if !matches(lines[i:], m.old) {
			continue
		}
		if found >= 0 {
			return "", fmt.Errorf("the lines occur more than once: %s", m.old[0])
		}
		found = i
	}
	if found < 0 {
		return "", fmt.Errorf("the lines do not occur: %s", m.old[0])
	}
	return strings.Join(slices.Replace(lines, found, found+len(m.old), indented(m.new, lines[found])...), "\n"), nil
}

// scope returns the lines of the declaration that begins with begin, up to the next line that ends a declaration.
func scope(lines []string, begin string) (from, to int, err error) {
	from = -1
	for i, line := range lines {
		if !strings.HasPrefix(strings.TrimSpace(line), begin) {
			continue
		}
		if from >= 0 {
			return 0, 0, fmt.Errorf("in: more than one line begins with this: %s", begin)
		}
		from = i
	}
	if from < 0 {
		return 0, 0, fmt.Errorf("in: no line begins with this: %s", begin)
	}
	for to = from; to < len(lines); to++ {
		if lines[to] == "}" || lines[to] == ")" {
			return from, to, nil
		}
	}
	return 0, 0, errors.New("in: the declaration does not end")
}

// matches reports whether lines equal the beginning of old, except for indentation.
func matches(lines, old []string) bool {
	for i, want := range old {
		if strings.TrimSpace(lines[i]) != want {
			return false
		}
	}
	return true
}

// indented returns lines with the indentation of like.
func indented(lines []string, like string) []string {
	indent := like[:len(like)-len(strings.TrimLeft(like, " \t"))]
	all := make([]string, len(lines))
	for i, line := range lines {
		all[i] = indent + line
	}
	return all
}
