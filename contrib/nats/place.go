package nats

import (
	"strconv"
	"strings"
)

// A place is what is known of the entry under a subject, for a write that replaces it: the entry's number, and who has written
// it and those before it. The zero value is a place without an entry.
type place struct {
	seq   uint64
	steps string // for example "57.1x2 49.9ab 31.c0d": the number of each entry and the id of the step, the newest first
}

// kept is how many entries a place names. Every entry carries those of the entry that it has replaced.
const kept = 4

// none names the place without an entry.
const none = "0."

// next returns the place after a step has stored an entry with the number seq over p.
func (p place) next(seq uint64, id string) place {
	steps := strconv.FormatUint(seq, 10) + "." + id + " " + p.String()
	end := 0
	for range kept { // the end of the last one that is kept
		next := strings.IndexByte(steps[end:], ' ')
		if next < 0 {
			return place{seq, steps}
		}
		end += next + 1
	}
	return place{seq, steps[:end-1]}
}

// String returns the entries as a header contains them.
func (p place) String() string {
	if p.seq == 0 {
		return none
	}
	return p.steps
}

// find returns the number of the entry that the step has stored.
func (p place) find(id string) (seq uint64, ok bool) {
	for seq, step := range p.all {
		if step == id {
			return seq, true
		}
	}
	return 0, false
}

// reaches reports whether p names all entries under the subject with numbers above seq.
func (p place) reaches(seq uint64) bool {
	for oldest := range p.all {
		if oldest <= seq {
			return true
		}
	}
	return false
}

// all yields the number and the step's id of each entry that p names.
func (p place) all(yield func(seq uint64, id string) bool) {
	for step := range strings.FieldsSeq(p.String()) {
		number, id, _ := strings.Cut(step, ".")
		if seq, err := strconv.ParseUint(number, 10, 64); err != nil || !yield(seq, id) {
			return
		}
	}
}
