package redis

import (
	"context"
	_ "embed"

	"github.com/seed1a8f7c28/session"
)

// A renamer is a store whose keys are all on one server. On a cluster the two of a rename are not.
type renamer struct{ *store }

var (
	//go:embed rename.lua
	renameText   string
	renameScript = newScript(renameText)
)

// Rename implements [session.Renamer].
func (s *renamer) Rename(ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *session.Record) error {
	switch {
	case !valid(newKey):
		return errKey
	case !valid(oldKey):
		return session.ErrNotFound
	}
	created := *rec
	created.Version = 1
	value, err := created.AppendBinary(nil)
	if err != nil {
		return err
	}
	oldName := s.keys.session(oldKey)
	rename := renameScript.callOn([]string{oldName, s.keys.session(newKey)}, version(oldVersion), value, millis(rec.Expires),
		s.keys.channel(), oldKey)
	calls := s.indexCalls(rec.User, newKey, rec.Expires, false)
	if s.count > 0 && calls != nil {
		if err := s.send(ctx, "rename", calls...); err != nil {
			return err
		}
		calls = nil
	}
	if s.count > 0 {
		err = s.sendWaiting(ctx, oldName, rename)
	} else {
		err = s.send(ctx, "rename", append(calls, rename)...)
	}
	if err != nil {
		return err
	}
	was, err := outcome(rename)
	switch {
	case err != nil:
		return err
	case rename.cmd.Val() == int64(2):
		return session.ErrExists
	case was != "":
		s.forget(ctx, was, oldKey)
	}
	rec.Version = 1
	return nil
}
