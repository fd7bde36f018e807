package merge

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/seed1a8f7c28/session/driver"
)

// move stores rec under the new key, and ends the old one at the version base that was copied. A mark is left there.
func (j *job) move(ctx context.Context, base uint64, rec *driver.Record) error {
	b := j.Backend
	if r, ok := driver.As[driver.Renamer](b); ok {
		return j.renamed(ctx, r.Rename(ctx, j.d.Key, base, j.to, rec, j.mark()), rec)
	}
	rec.Version = j.copied
	if j.copied != 0 {
		err := b.Save(ctx, j.to, rec)
		switch {
		case err == nil:
			j.copied = rec.Version
		case !errors.Is(err, driver.ErrNotFound):
			return err
		case rec.User != "":
			j.copied = 0
			return j.ended(ctx, err)
		default: // the store has evicted it
			j.copied = 0
		}
	}
	if j.copied == 0 {
		if err := b.Create(ctx, j.to, rec); err != nil {
			return err
		}
		j.copied = rec.Version
	}
	if m, ok := driver.As[driver.Marker](b); ok && j.MarkFor > 0 {
		return m.Mark(ctx, j.d.Key, base, j.mark())
	}
	return b.Delete(ctx, j.d.Key, base)
}

// ended ends the session under its old key too. Who looks for the sessions of a user, as a limit does, has found the copy and
// ended it.
func (j *job) ended(ctx context.Context, err error) error {
	if failed := j.Backend.Delete(ctx, j.d.Key, 0); failed != nil {
		return failed
	}
	return err
}

// renamed returns nil for the error of a rename that was made although its answer was lost: what was sent is under the new key.
// It may be another's session that is there, if sids are an application's own. What else the record says may have been altered.
func (j *job) renamed(ctx context.Context, err error, rec *driver.Record) error {
	if err == nil || isClear(err) || errors.Is(err, driver.ErrExists) {
		return err
	}
	var found driver.Record
	if j.load(ctx, j.to, &found) != nil || !bytes.Equal(found.Data, rec.Data) {
		return err
	}
	rec.Version, rec.Expires = found.Version, found.Expires
	return nil
}

// undo removes the copy, when it is known that the old record was not ended by this move. After an error that leaves this
// open both stay: the copy expires unused, but the session may have no other record.
func (j *job) undo(ctx context.Context, err error) error {
	if j.copied == 0 {
		return err
	}
	if undone := j.Backend.Delete(ctx, j.to, 0); undone != nil && err == nil {
		err = fmt.Errorf("session: regenerate: %w", undone)
	}
	return err
}
