package driver

import (
	"fmt"
	"math"
	"time"
)

// A Mark is kept for a short time under the key of a replaced record. It lets the Manager distinguish a late request whose
// sid has been replaced from a request whose sid never existed. A mark is not a record: it contains no session, and while
// it is there no record can be created under its key. Engines that support marks implement [Marker].
type Mark struct {
	Kind    byte      // what the mark is for; defined by the core, 0 means no mark
	Target  []byte    // what the mark points to; defined by the core, at most MaxTarget bytes, nobody may change it afterwards
	Expires time.Time // the mark ends at this time
}

// MaxTarget is the maximum length of a mark's Target, in bytes.
const MaxTarget = 256

// MarkVersion is the Version of a record that represents a mark. No session has this version.
const MarkVersion = math.MaxUint64

// Record returns the mark as a record, for engines that store marks among their records. It copies Target.
func (m Mark) Record() *Record {
	return &Record{Version: MarkVersion, Expires: m.Expires, Data: append([]byte{m.Kind}, m.Target...)}
}

// Mark returns the mark that r represents. It returns false if r is a session's record. The Target is part of r.Data, not a
// copy.
func (r *Record) Mark() (Mark, bool) {
	if r.Version != MarkVersion || len(r.Data) == 0 {
		return Mark{}, r.Version == MarkVersion
	}
	return Mark{Kind: r.Data[0], Target: r.Data[1:], Expires: r.Expires}, true
}

// A MarkedError says that the key has a mark and no live record. It wraps [ErrNotFound].
type MarkedError struct {
	// Mark is the mark under the key. It belongs to the receiver of the error, except Mark.Target, which nobody may change.
	Mark Mark
}

// Error returns a text that names no session.
func (*MarkedError) Error() string { return fmt.Sprintf("%v: moved", ErrNotFound) }

// Unwrap returns [ErrNotFound].
func (*MarkedError) Unwrap() error { return ErrNotFound }
