package faulttest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// A family is the goroutines that descend from functions. By that those of other tests, which run at the same time,
// are told apart.
type family struct{ name string }

func newFamily() family { return family{rand.Text()} }

// do runs f. The goroutines that f starts, and theirs, are of the family.
func (f family) do(do func()) {
	pprof.Do(context.Background(), pprof.Labels("faulttest", f.name), func(context.Context) { do() })
}

// gone checks that none of them is left, after a while.
func (f family) gone(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		n, stacks := f.count()
		if n == 0 {
			return
		}
		if time.Now().After(end) {
			t.Errorf("%d goroutines are left:\n%s", n, stacks)
			return
		}
	}
}

// count returns how many there are, and where.
func (f family) count() (n int, stacks string) {
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return 0, ""
	}
	var of strings.Builder
	for group := range strings.SplitSeq(b.String(), "\n\n") {
		if !strings.Contains(group, f.name) {
			continue
		}
		many := 0
		fmt.Sscanf(group[strings.LastIndex(group[:strings.Index(group, " @")], "\n")+1:], "%d", &many)
		n += many
		of.WriteString(group + "\n\n")
	}
	return n, of.String()
}
