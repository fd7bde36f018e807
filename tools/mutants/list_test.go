package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	got, err := parse("a.txt", `
# for the reader
== a save is lost
file: memory/store.go
in:   func (s *store) Save
-     old line
-     and the next
+     new line
test: ./memory ./
run:  Save|Write
race: yes

== a reset is left out
file: save.go
- s.reset()
`)
	want := []*mutant{
		{
			name: "a save is lost", file: "memory/store.go", in: "func (s *store) Save",
			old: []string{"old line", "and the next"}, new: []string{"new line"},
			packages: []string{"memory", "."}, run: "Save|Write", race: true, at: "a.txt:3",
		},
		{name: "a reset is left out", file: "save.go", old: []string{"s.reset()"}, packages: []string{"."}, at: "a.txt:13"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"no name", "file: a.go", "a.txt:1: want a name first"},
		{"no file", "== x\n- a\n+ b", "a.txt:1: x: the file: line is missing"},
		{"no line", "== x\nfile: a.go\n+ b", "a line with - is missing"},
		{"no change", "== x\nfile: a.go\n- a\n+   a", "the new lines equal the old ones"},
		{"unknown field", "== x\nfiles: a.go", `at the beginning of "files: a.go"`},
		{"no regexp", "== x\nfile: a.go\n- a\nrun: (", "missing closing )"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parse("a.txt", tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestNamesAreUnique(t *testing.T) {
	a, b, c := &mutant{name: "x", at: "a.txt:1"}, &mutant{name: "y", at: "a.txt:9"}, &mutant{name: "x", at: "b.txt:5"}
	if err := unique([]*mutant{a, b}); err != nil {
		t.Error(err)
	}
	if err := unique([]*mutant{a, b, c}); err == nil || err.Error() != "b.txt:5: the name is taken: see a.txt:1" {
		t.Errorf("got %v", err)
	}
}
