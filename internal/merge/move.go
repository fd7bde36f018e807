package merge

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/seed1a8f7c28/session/driver"
)

// move stores rec under the new key, ends the old record at the copied version base, and leaves a mark in its place.
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

// ended also ends the session under its old key. Somebody who looked for the user's sessions, such as a limit, has found
// the copy and ended it.
func (j *job) ended(ctx context.Context, err error) error {
	if failed := j.Backend.Delete(ctx, j.d.Key, 0); failed != nil {
		return failed
	}
	return err
}

// renamed returns nil for the error of a rename whose answer was lost if the rename was made: the new key then has the
// record that was sent. The record there may be another session's, if an application makes its own sids. The other fields
// of the record may have been altered.
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

// undo removes the copy if this move certainly has not ended the old record. After an error that leaves this open both
// records stay: the copy expires unused, but it may be the session's only record.
func (j *job) undo(ctx context.Context, err error) error {
	if j.copied == 0 {
		return err
	}
	if undone := j.Backend.Delete(ctx, j.to, 0); undone != nil && err == nil {
		err = fmt.Errorf("session: regenerate: %w", undone)
	}
	return err
}
