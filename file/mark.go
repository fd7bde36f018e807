package file

import (
	"context"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A mark is a file in the place of a record's, encoded as [driver.Mark.Record]. A call that asks for a certain version
// finds one that no session has.

func isMark(rec *driver.Record) bool { return rec.Version == driver.MarkVersion }

// live reports whether rec is a record, not a mark, and has not expired.
func live(rec *driver.Record) bool { return !isMark(rec) && rec.Live(time.Now()) }

// Mark implements [driver.Marker].
func (s *store) Mark(ctx context.Context, key string, version uint64, mark driver.Mark) error {
	if version == 0 {
		return s.create(ctx, key, mark.Record())
	}
	return s.within(ctx, key, func(p place) error {
		var old driver.Record
		w, err := s.openVersion(p, version, &old)
		defer w.close()
		if err != nil {
			return err
		}
		return s.replace(w, &old, mark.Record())
	})
}

// prepareMark writes the mark of a Rename to a temporary file, which can replace the old record immediately after the
// rename. It returns "" if there is no mark or if it cannot be written: the session is more important.
func (s *store) prepareMark(p place, mark driver.Mark) (temp string) {
	if mark.Kind == 0 {
		return ""
	}
	buf, err := encode(mark.Record())
	if err != nil {
		return ""
	}
	defer buf.release()
	fillSlotted(buf.b, slotFor(len(buf.b)-newHead))
	if temp, err = s.writeTemp(p, buf.b); err != nil {
		return ""
	}
	return temp
}
