package drilltest

import (
	"regexp"
	"slices"
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
		want  string // a regular expression
	}{
		{name: "nothing"},
		{
			"version of the envelope",
			[]edit{{"plainVersion = 1", "plainVersion = 2"}},
			`stored by the old node, read by the new one: .*stored record is not readable`,
		},
		{
			"two kinds of value change places",
			[]edit{{"kindUint       valueKind = 7", "kindUint       valueKind = 11"}, {"kindUint64     valueKind = 11", "kindUint64     valueKind = 7"}},
			`stored by the .* node, read by the .*/uint = "uint64 .*, want "uint `,
		},
		{
			"key of the store",
			[]edit{{"sum := sha256.Sum256(append(buf, sid...))", `sum := sha256.Sum256(append(buf, sid+"."...))`}},
			`is logged out, all values are lost`,
		},
		{
			"key of a counter",
			[]edit{{"err := s.Update(ctx, key, func(old any) (any, error) {", `err := s.Update(ctx, key.(string)+".", func(old any) (any, error) {`}},
			`old beside new: .*(increments are lost|nobody has stored.* count\. = )`,
		},
		{
			"keys of the package's own values",
			[]edit{{`ReservedPrefix = "\x01session."`, `ReservedPrefix = "\x01session:"`}},
			`lost is notice = `,
		},
		{
			"a save compares no versions",
			[]edit{{"if err := readVersion(d, p.name(), rec.Version, &old); err != nil {", "if err := readLive(d, p.name(), &old); err != nil {"}},
			`old beside new: stored by the .* node, read by the .* one: `, // which change is undone is a matter of luck
		},
		{
			"key of what a logout removes",
			[]edit{{"key, absent := m.storageKey(sid), false", `key, absent := m.storageKey(sid+"."), false`}},
			`ended by the new node, read by the old one: a former cookie of`,
		},
		{
			"folder of a user",
			[]edit{{`return x.dir + "/" + name[:2] + "/" + name`, `return x.dir + "/of/" + name`}},
			`of limited is still good|sessions of a user`,
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
			want := regexp.MustCompile(tt.want)
			i := slices.IndexFunc(d.losses, want.MatchString)
			switch {
			case tt.want == "" && len(d.losses) > 0:
				t.Errorf("the drill has found %q, want nothing", d.losses)
			case tt.want != "" && i < 0:
				t.Errorf("the drill has found %q, want %q", d.losses, tt.want)
			case tt.want != "":
				t.Log(d.losses[i])
			}
		})
	}
}
