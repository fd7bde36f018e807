package memory

import (
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/merge"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// A node is one version of a session as it is kept, or a mark: 80 bytes, which is one of the sizes the allocator has. Only next
// and expires change, while the shard is locked. A save puts another node in its place.
type node struct {
	next    atomic.Pointer[node] // of the same slot of the table
	expires atomic.Int64         // in milliseconds since 1970; removed once it is not in the table any more
	id      id
	merge.Version
}

const removed = math.MinInt64

// newNode returns rec, at this version, as it is kept.
func newNode(k id, rec *driver.Record, version uint64) *node {
	rec.Version = version
	n := &node{id: k, Version: versionOf(rec)}
	n.expires.Store(millis.Of(rec.Expires))
	return n
}

// versionOf returns rec as it is kept. The caller's names may be parts of something large.
func versionOf(rec *driver.Record) merge.Version {
	kept := *rec
	kept.User, kept.Alias = strings.Clone(rec.User), strings.Clone(rec.Alias)
	return merge.VersionOf(&kept)
}

func (n *node) isMark() bool { return n.Number == driver.MarkVersion }

// live is [driver.Record.Live] to the millisecond: never late, and less than one early.
func (n *node) live(now int64) bool { return now < n.expires.Load() && !n.Over(now) }

// head returns n as a record without Data.
func (n *node) head() driver.Record { return n.Head(time.UnixMilli(n.expires.Load())) }

// record returns n as a record.
func (n *node) record() driver.Record {
	rec := n.head()
	rec.Data = n.Data()
	return rec
}

func (n *node) conflict() error {
	stored := n.record()
	return &driver.ConflictError{Record: &stored}
}

func (n *node) marked() error {
	rec := n.record()
	mark, _ := rec.Mark()
	return &driver.MarkedError{Mark: mark}
}
