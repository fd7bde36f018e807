package sessiontest

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// sizeData is the length of Data for the five values of Bench, including the manager's prefix.
const sizeData = 136

// BenchSize reports how many bytes of the store a session takes, averaged over n sessions: once for visitors' sessions, and
// once for sessions of users who have one each. stored returns the size in bytes of the store that was opened last.
func BenchSize(b *testing.B, h Harness, n int, stored func(b *testing.B) int64) {
	for _, of := range []string{"visitor", "user"} {
		b.Run(of, func(b *testing.B) {
			var bytes int64
			for b.Loop() {
				b.StopTimer()
				node, closeNode := h.env(testCase{name: "size"}, h.Store(b)).closingNode(b, "")
				b.StartTimer()
				before := stored(b)
				for i := range n {
					now := time.Now()
					rec := &driver.Record{Created: now, Expires: now.Add(time.Hour), Data: make([]byte, sizeData)}
					if of == "user" {
						rec.User, rec.AuthTime = strconv.Itoa(i)+"@example.com", now
					}
					if err := node.Create(context.Background(), Key(strconv.Itoa(i)), rec); err != nil {
						b.Fatal(err)
					}
				}
				bytes += stored(b) - before
				closeNode()
			}
			b.ReportMetric(float64(bytes)/float64(b.N)/float64(n), "B/session")
		})
	}
}
