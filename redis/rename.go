package redis

import (
	"context"
	_ "embed"

	"github.com/seed1a8f7c28/session/driver"
)

// A renamer is a store whose keys are all on one server. On a cluster the two of a rename are not.
type renamer struct{ *store }

var (
	//go:embed rename.lua
	renameText   string
	renameScript = newScript(renameText)
)

// Rename implements [driver.Renamer].
func (s *renamer) Rename(
	ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, mark driver.Mark,
) error {
	switch {
	case !valid(newKey):
		return errKey
	case !valid(oldKey):
		return driver.ErrNotFound
	}
	created := *rec
	created.Version = 1
	value, err := created.AppendBinary(nil)
	if err != nil {
		return err
	}
	oldName := s.keys.session(oldKey)
	counts, until := entryTimes(rec.Expires)
	rename := renameScript.callOn([]string{oldName, s.keys.session(newKey), s.keys.index(rec.User)},
		version(oldVersion), value, millis(rec.Expires), s.keys.channel(), oldKey, rec.User, newKey, counts, until)
	if s.count > 0 {
		err = s.sendWaiting(ctx, oldName, rename)
	} else {
		err = s.send(ctx, "rename", rename)
	}
	if err != nil {
		return err
	}
	was, err := outcome(rename)
	switch {
	case err != nil:
		return err
	case rename.cmd.Val() == int64(2):
		return driver.ErrExists
	case was != "":
		s.forget(ctx, was, oldKey)
	}
	rec.Version = 1
	return nil
}
