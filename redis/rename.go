package redis

import (
	"context"

	"github.com/seed1a8f7c28/session/driver"
)

// A renamer is a store whose keys are all on one server. In a cluster the two keys of a rename are not.
type renamer struct{ *store }

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
	value, err := encode(&created)
	if err != nil {
		return err
	}
	names := []string{s.keys.session(oldKey), s.keys.session(newKey)}
	for _, x := range indexesOf(rec.User, rec.Alias) {
		names = append(names, s.keys.index(x))
	}
	left := []byte{}
	if mark.Kind != 0 {
		left = mark.Record().Data
	}
	counts, until := entryTimes(rec.Expires)
	rename := renameScript.callOn(names, version(oldVersion), value, millis(rec.Expires), s.keys.channel(), oldKey,
		newKey, counts, until, left, millis(mark.Expires))
	if s.count > 0 {
		err = s.sendWaiting(ctx, names[0], rename)
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
	}
	s.tidy(ctx, s.forgetCalls(was, oldKey))
	rec.Version = 1
	return nil
}
