package drilltest

import (
	"strings"
	"testing"
)

// TestSabotage has new nodes that are incompatible on purpose: the drill has to see it. The first case changes nothing, and
// there has to be nothing to see. A program is built for each case: make test has time for the first few.
func TestSabotage(t *testing.T) {
	old := present(t)
	old.version = "old"
	before := old.build(t, "", inFiles.imports)
	cases := []struct {
		name  string
		edits []edit
		want  []string // in one message
	}{
		{name: "nothing"},
		{
			"version of the envelope",
			[]edit{{"plainVersion  = 1", "plainVersion  = 2"}},
			[]string{"stored by the old node, read by the new one", "stored record is not readable"},
		},
		{
			"two kinds of value change places",
			[]edit{{"kindUint       valueKind = 7", "kindUint       valueKind = 11"}, {"kindUint64     valueKind = 11", "kindUint64     valueKind = 7"}},
			[]string{"stored by the", "node, read by the", `/uint = "uint64 `, `, want "uint `},
		},
		{
			"key of the store",
			[]edit{{"sum := sha256.Sum256(append(buf, sid...))", `sum := sha256.Sum256(append(buf, sid+"."...))`}},
			[]string{"is logged out, all values are lost"},
		},
		{
			"key of a counter",
			[]edit{{"err := s.Update(ctx, key, func(old any) (any, error) {", `err := s.Update(ctx, key.(string)+".", func(old any) (any, error) {`}},
			[]string{"stored by the new node, read by the old one", "increments are lost"},
		},
		{
			"keys of the package's own values",
			[]edit{{`reservedPrefix = "\x01session."`, `reservedPrefix = "\x01session:"`}},
			[]string{"lost is "},
		},
		{
			"a save compares no versions",
			[]edit{{"if err := readVersion(d, p.name(), rec.Version, &old); err != nil {", "if err := readLive(d, p.name(), &old); err != nil {"}},
			[]string{"old beside new: stored by the"}, // which change is undone is a matter of luck
		},
		{
			"key of what a logout removes",
			[]edit{{"key, told := m.storageKey(sid), m.cfg.OnDestroy", `key, told := m.storageKey(sid+"."), m.cfg.OnDestroy`}},
			[]string{"ended by the new node, read by the old one", "a former cookie of"},
		},
		{
			"folder of a user",
			[]edit{{`return s.dir + "/" + usersDir + "/" + name[:2] + "/" + name`, `return s.dir + "/" + usersDir + "/of/" + name`}},
			[]string{"count finds", "sessions of a user, want"},
		},
	}
	if _, asked := asked(); !asked {
		cases = cases[:3]
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			present := present(t)
			present.edits = tt.edits
			d := drill{
				variant:  variant{inFiles, "compact", false},
				programs: map[string]string{"old": before, "new": present.build(t, "", inFiles.imports)},
			}
			d.run(t)
			if len(tt.want) == 0 && len(d.losses) == 0 {
				return
			}
			for _, what := range d.losses {
				if len(tt.want) > 0 && containsAll(what, tt.want) {
					t.Log(what)
					return
				}
			}
			t.Errorf("the drill has found %q, want %q", d.losses, tt.want)
		})
	}
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
