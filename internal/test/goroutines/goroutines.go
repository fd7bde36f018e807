// Package goroutines tells a test which of the goroutines that it has started are still running. It ignores those of other
// tests that run at the same time.
package goroutines

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

// A Family is a set of goroutines that were started directly or indirectly by certain functions. It identifies them by a
// label, which goroutines inherit.
type Family struct{ name string }

// NewFamily returns an empty Family.
func NewFamily() Family { return Family{rand.Text()} }

// Do runs do. All goroutines that do starts, directly or indirectly, belong to the family.
func (f Family) Do(do func()) {
	pprof.Do(context.Background(), pprof.Labels("family", f.name), func(context.Context) { do() })
}

// Gone fails t if goroutines of the family are still running after 25 seconds, and shows them. pgx gives a server that does
// not answer 15 seconds.
func (f Family) Gone(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(25 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		n, stacks := f.left()
		if n == 0 {
			return
		}
		if time.Now().After(end) {
			t.Errorf("%d goroutines are left:\n%s", n, stacks)
			return
		}
	}
}

// left returns how many there are, and where.
func (f Family) left() (n int, stacks string) {
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
