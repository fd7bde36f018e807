package sessiontest

import (
	"context"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A call is one call of a backend, as a tap sees it before the backend runs it.
type call struct {
	ctx     context.Context
	method  string         // "create", "load", "save", "touch", "delete", "rename" or "mark"
	key     string         // the old key of a rename
	newKey  string         // of a rename
	version uint64         // of a delete, a rename and a mark
	rec     *driver.Record // of a create, a load, a save and a rename
	expires time.Time      // what a create, a save, a touch or a rename asks for
}

// final reports whether the call ends one version of a record, as the last step of a regeneration does. A Mark at version 0
// does not.
func (c call) final() bool { return c.version != 0 }

// A tapping decides what happens to a call. Each call of do passes it on to the backend once.
type tapping = func(c call, do func() error) error

// A tap is a backend that passes each of its calls to on.
type tap struct {
	driver.Backend
	on tapping
}

// tapped returns b with on in front of it. The optional interfaces of b can still be found. The optional methods that
// change records have a tap of their own each, wrapped around the others, so that driver.As finds the tap before b.
func tapped(b driver.Backend, on tapping) driver.Backend {
	var t driver.Backend = &tap{b, on}
	if r, ok := driver.As[driver.Renamer](b); ok {
		t = &renamingTap{t, r, on}
	}
	if m, ok := driver.As[driver.Marker](b); ok {
		t = &markingTap{t, m, on}
	}
	return t
}

func (t *tap) Unwrap() driver.Backend { return t.Backend }

func (t *tap) Create(ctx context.Context, key string, rec *driver.Record) error {
	return t.on(call{ctx: ctx, method: "create", key: key, rec: rec, expires: rec.Expires}, func() error {
		return t.Backend.Create(ctx, key, rec)
	})
}

func (t *tap) Load(ctx context.Context, key string, rec *driver.Record) error {
	return t.on(call{ctx: ctx, method: "load", key: key, rec: rec}, func() error {
		return t.Backend.Load(ctx, key, rec)
	})
}

func (t *tap) Save(ctx context.Context, key string, rec *driver.Record) error {
	return t.on(call{ctx: ctx, method: "save", key: key, rec: rec, expires: rec.Expires}, func() error {
		return t.Backend.Save(ctx, key, rec)
	})
}

func (t *tap) Touch(ctx context.Context, key string, expires time.Time) error {
	return t.on(call{ctx: ctx, method: "touch", key: key, expires: expires}, func() error {
		return t.Backend.Touch(ctx, key, expires)
	})
}

func (t *tap) Delete(ctx context.Context, key string, version uint64) error {
	return t.on(call{ctx: ctx, method: "delete", key: key, version: version}, func() error {
		return t.Backend.Delete(ctx, key, version)
	})
}

// renamingTap is a tap on a Renamer.
type renamingTap struct {
	driver.Backend
	renamer driver.Renamer
	on      tapping
}

func (t *renamingTap) Unwrap() driver.Backend { return t.Backend }

func (t *renamingTap) Rename(
	ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, mark driver.Mark,
) error {
	c := call{
		ctx: ctx, method: "rename", key: oldKey, newKey: newKey, version: oldVersion, rec: rec, expires: rec.Expires,
	}
	return t.on(c, func() error { return t.renamer.Rename(ctx, oldKey, oldVersion, newKey, rec, mark) })
}

// markingTap is a tap on a Marker.
type markingTap struct {
	driver.Backend
	marker driver.Marker
	on     tapping
}

func (t *markingTap) Unwrap() driver.Backend { return t.Backend }

func (t *markingTap) Mark(ctx context.Context, key string, version uint64, mark driver.Mark) error {
	c := call{ctx: ctx, method: "mark", key: key, version: version}
	return t.on(c, func() error { return t.marker.Mark(ctx, key, version, mark) })
}
