package sessiontest

import (
	"bytes"
	"context"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// What a manager leaves behind.
var closeCases = []testCase{{
	name:       "share/goroutines",
	sentence:   "S12",
	rule:       "Close stops and waits: of what a manager has started, be it its sweeper, its watch or the store's client, no goroutine is left.",
	clientSide: true,
	check: func(t testing.TB, e *env) {
		left := labelled(func() {
			m, err := session.New(e.provider(nil), e.config())
			if err != nil {
				t.Errorf("New: %v", err)
				return
			}
			m.GC()
			b := visitor(t, m, values{"a": "1"})
			s := b.start(t, m)
			s.Done()
			s.set(t, values{"a": "2"})
			wantOK(t, "Save", s.Save(t.Context()))
			b.destroy(t, m)
			wantOK(t, "Close", m.Close())
		})
		for end := time.Now().Add(10 * time.Second); left() != ""; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Errorf("left after Close:\n%s", left())
				return
			}
		}
	},
}}

var labels atomic.Int64

// labelled runs f and returns what tells which goroutines that f has started, or they have, still run.
func labelled(f func()) (left func() string) {
	const name = "sessiontest"
	value := strconv.FormatInt(labels.Add(1), 10)
	pprof.Do(context.Background(), pprof.Labels(name, value), func(context.Context) { f() })
	mark := []byte(strconv.Quote(name) + ":" + strconv.Quote(value))
	return func() string {
		var all, found bytes.Buffer
		pprof.Lookup("goroutine").WriteTo(&all, 1)
		for _, stack := range bytes.SplitAfter(all.Bytes(), []byte("\n\n")) {
			if bytes.Contains(stack, mark) {
				found.Write(stack)
			}
		}
		return found.String()
	}
}
