package main

import (
	"strings"
	"testing"
)

const text = `func a() {
	if x < y {
		return
	}
	z()
}

func b() {
	if x < y {
		return
	}
}

const query = ` + "`SELECT 1\nFROM t`" + `
`

func TestMutate(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in       string
		old, new []string
		from, to string // what becomes of the text
	}{
		{"indentation stays", "", []string{"z()"}, []string{"y()"}, "\tz()\n", "\ty()\n"},
		{"within a declaration", "func b(", []string{"if x < y {"}, []string{"if x <= y {"}, "b() {\n\tif x < y {", "b() {\n\tif x <= y {"},
		{"lines left out", "", []string{"}", "z()"}, nil, "\t}\n\tz()\n", ""},
		{"several for one", "", []string{"z()"}, []string{"y()", "x()"}, "\tz()\n", "\ty()\n\tx()\n"},
		{"not of Go", "", []string{"FROM t`"}, []string{"FROM u`"}, "FROM t`", "FROM u`"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &mutant{in: tt.in, old: tt.old, new: tt.new}
			got, err := m.mutate(text)
			if want := strings.Replace(text, tt.from, tt.to, 1); err != nil || got != want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestMutateErrors(t *testing.T) {
	for _, tt := range []struct{ name, in, old, want string }{
		{"absent", "", "if x > y {", "do not occur"},
		{"absent in the declaration", "func b(", "z()", "do not occur"},
		{"part of a line", "", "if x", "do not occur"},
		{"twice", "", "if x < y {", "more than once"},
		{"no such declaration", "func c(", "z()", "no line begins with this"},
		{"two such declarations", "func", "z()", "more than one line begins with this"},
		{"no end", "const query", "FROM t`", "does not end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &mutant{in: tt.in, old: []string{tt.old}}
			if got, err := m.mutate(text); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}
