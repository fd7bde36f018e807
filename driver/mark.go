package driver

import (
	"fmt"
	"math"
	"time"
)

// A Mark stands for a short time where a record was, or might have been: it tells a request that comes late, with a sid
// that was replaced meanwhile, from one with a sid that was never made. It is no record: it holds no session, and nothing brings
// one back in its place. Engines that have marks are a [Marker].
type Mark struct {
	Kind    byte      // what it is for: the core's; 0 is no mark
	Target  []byte    // what it points to: the core's, at most MaxTarget bytes, immutable once handed over
	Expires time.Time // it is gone at this time
}

// MaxTarget is how many bytes the target of a mark has at most.
const MaxTarget = 256

// MarkVersion is the version of a record that is a mark. No session has it.
const MarkVersion = math.MaxUint64

// Record returns the mark in the form of a record, for engines that keep marks where they keep records.
func (m Mark) Record() *Record {
	return &Record{Version: MarkVersion, Expires: m.Expires, Data: append([]byte{m.Kind}, m.Target...)}
}

// Mark returns the mark that r is, and whether it is one.
func (r *Record) Mark() (Mark, bool) {
	if r.Version != MarkVersion || len(r.Data) == 0 {
		return Mark{}, r.Version == MarkVersion
	}
	return Mark{Kind: r.Data[0], Target: r.Data[1:], Expires: r.Expires}, true
}

// A MarkedError says that there is no live record under the key, but a mark. It wraps [ErrNotFound].
type MarkedError struct {
	// Mark is what stands under the key. It belongs to the receiver of the error, its Target to no one.
	Mark Mark
}

// Error names no session.
func (*MarkedError) Error() string { return fmt.Sprintf("%v: moved", ErrNotFound) }

// Unwrap returns [ErrNotFound].
func (*MarkedError) Unwrap() error { return ErrNotFound }
