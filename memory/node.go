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

// A node is one version of a session, or a mark. A save replaces the node: only next and expires ever change, and only while
// the shard is locked. A node has 80 bytes, which is a size class of the allocator.
type node struct {
	next    atomic.Pointer[node] // of the same slot of the table
	expires atomic.Int64         // in milliseconds since 1970, or removed
	id      id
	merge.Version
}

// removed is when a node that is no longer in the table expires.
const removed = math.MinInt64

// newNode returns a node for rec at this version.
func newNode(k id, rec *driver.Record, version uint64) *node {
	rec.Version = version
	n := &node{id: k, Version: versionOf(rec)}
	n.expires.Store(millis.Of(rec.Expires))
	return n
}

// versionOf returns rec as a node keeps it. It copies the names, which may be parts of a large string of the caller's.
func versionOf(rec *driver.Record) merge.Version {
	kept := *rec
	kept.User, kept.Alias = strings.Clone(rec.User), strings.Clone(rec.Alias)
	return merge.VersionOf(&kept)
}

func (n *node) isMark() bool { return n.Number == driver.MarkVersion }

// live is [driver.Record.Live] in whole milliseconds. A node may expire up to one millisecond early, and never late.
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
