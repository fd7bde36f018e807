package sessiontest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A breakage is a backend with one thing wrong.
type breakage struct {
	name    string
	alter   func(n *node) driver.Backend
	caught  []string // the cases that must fail; others of their sentences may
	related []string // further sentences whose cases may fail
	racy    bool     // not for concurrent cases under the race detector
}

var broken = slices.Concat(brokenCreate, brokenLoad, brokenSave, brokenTouch, brokenDelete, brokenExpiry,
	brokenKeys, brokenNodes, brokenDeclared, brokenErrors, brokenConcurrent, brokenRename, brokenList,
	brokenApart)

// brokenApart are about users, other names, marks and watchers alone. The others are not tried with the cases about those,
// most of which they would fail as well.
var brokenApart = slices.Concat(brokenUser, brokenAlias, brokenReserve, brokenMark, brokenWatch)

func (b breakage) apart() bool {
	return slices.ContainsFunc(brokenApart, func(of breakage) bool { return of.name == b.name })
}

var brokenCreate = []breakage{
	{
		name: "Create overwrites",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, create: func(ctx context.Context, key string, rec *driver.Record) error {
				n.Delete(ctx, key, 0)
				return n.Create(ctx, key, rec)
			}}
		},
		caught: []string{"key/taken", "node/two share", "concurrent/creates"},
	},
	{
		name: "Create of a taken key is refused with an error of its own",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, create: func(ctx context.Context, key string, rec *driver.Record) error {
				if err := n.Create(ctx, key, rec); err != nil {
					return errors.New("duplicate key")
				}
				return nil
			}}
		},
		caught: []string{"key/taken", "node/two share", "concurrent/creates"},
	},
	{
		name: "Create takes the version as it comes",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, create: func(ctx context.Context, key string, rec *driver.Record) error {
				version := max(rec.Version, 1)
				err := n.Create(ctx, key, rec)
				rec.Version = version
				return err
			}}
		},
		caught: []string{"key/free again"},
	},
	{
		name: "Create does not set the version",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, create: func(ctx context.Context, key string, rec *driver.Record) error {
				mine := *rec
				return n.Create(ctx, key, &mine)
			}}
		},
		caught:  []string{"record/every field"},
		related: []string{"S3", "S4", "S5", "S6", "S7", "S8", "S12", "S13", "S14", "Counter", "Lister", "Clearer"},
	},
	{
		name: "Create does not take the key of an expired record",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, create: func(ctx context.Context, key string, rec *driver.Record) error {
				n.mu.Lock()
				_, taken := n.raw(key)
				n.mu.Unlock()
				if taken {
					return session.ErrExists
				}
				return n.Create(ctx, key, rec)
			}}
		},
		caught: []string{"expiry/create"},
	},
	{
		name: "Create over an expired record keeps its user",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, create: func(ctx context.Context, key string, rec *driver.Record) error {
				n.mu.Lock()
				old, _ := n.raw(key)
				n.mu.Unlock()
				mine := *rec
				mine.User = cmp.Or(mine.User, old.User)
				err := n.Create(ctx, key, &mine)
				rec.Version = mine.Version
				return err
			}}
		},
		caught: []string{"expiry/create"},
	},
}

var brokenLoad = []breakage{
	{
		name: "Load leaves fields of a used record",
		alter: loaded(func(rec *driver.Record, used driver.Record) {
			if rec.User == "" {
				rec.User = used.User
			}
			if rec.AuthTime.IsZero() {
				rec.AuthTime = used.AuthTime
			}
		}),
		caught:  []string{"record/no time"},
		related: []string{"S3", "S6", "S7"},
	},
	{
		name: "Load leaves metadata of a used record",
		alter: loaded(func(rec *driver.Record, used driver.Record) {
			rec.Alias = cmp.Or(rec.Alias, used.Alias)
			if len(rec.Meta) == 0 {
				rec.Meta = used.Meta
			}
		}),
		caught:  []string{"record/save every field", "record/metadata to the byte", "record/no time"},
		related: []string{"S3", "S6", "S7"},
	},
	{
		name:    "Load leaves Shorten of a used record",
		alter:   loaded(func(rec *driver.Record, used driver.Record) { rec.Shorten = used.Shorten }),
		caught:  []string{"record/every field"},
		related: []string{"S3", "S6", "S7"},
	},
	{
		name: "Load cuts data that is longer than wanted",
		alter: loaded(func(rec *driver.Record, used driver.Record) {
			if used.MaxData > 0 {
				rec.Data = rec.Data[:min(len(rec.Data), used.MaxData)]
			}
		}),
		caught: []string{"record/longer than wanted"},
	},
	{
		name: "Load refuses what is not too long",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, load: func(ctx context.Context, key string, rec *driver.Record) error {
				most := rec.MaxData
				err := n.Load(ctx, key, rec)
				if err == nil && most > 0 && len(rec.Data) >= most {
					return session.ErrTooLarge
				}
				return err
			}}
		},
		caught: []string{"record/longer than wanted"},
	},
	{
		name:   "Load puts data where the last was",
		alter:  loaded(func(rec *driver.Record, used driver.Record) { rec.Data = append(used.Data[:0], rec.Data...) }),
		caught: []string{"record/loaded data stays"},
	},
	{
		name:    "user is not stored",
		alter:   put(func(rec *driver.Record) { rec.User = "" }),
		caught:  []string{"record/every field", "record/user to the byte", "record/save every field"},
		related: []string{"S3", "S7", "S14", "Lister", "Sweeper"},
	},
	{
		name:    "user is stored in small letters",
		alter:   put(func(rec *driver.Record) { rec.User = strings.ToLower(rec.User) }),
		caught:  []string{"record/user to the byte"},
		related: []string{"Sweeper"},
	},
	{
		name:   "user is stored without space around",
		alter:  put(func(rec *driver.Record) { rec.User = strings.TrimSpace(rec.User) }),
		caught: []string{"record/user to the byte"},
	},
	{
		name:    "alias is not stored",
		alter:   put(func(rec *driver.Record) { rec.Alias = "" }),
		caught:  []string{"record/every field", "record/metadata to the byte", "record/save every field"},
		related: []string{"Lister"},
	},
	{
		name:   "alias ends at a NUL",
		alter:  put(func(rec *driver.Record) { rec.Alias, _, _ = strings.Cut(rec.Alias, "\x00") }),
		caught: []string{"record/metadata to the byte"},
	},
	{
		name:   "alias is stored without space around",
		alter:  put(func(rec *driver.Record) { rec.Alias = strings.TrimSpace(rec.Alias) }),
		caught: []string{"record/metadata to the byte"},
	},
	{
		name:   "alias is cut at 255 bytes",
		alter:  put(func(rec *driver.Record) { rec.Alias = rec.Alias[:min(len(rec.Alias), 255)] }),
		caught: []string{"record/metadata to the byte"},
	},
	{
		name: "alias is stored with metadata alone",
		alter: put(func(rec *driver.Record) {
			if len(rec.Meta) == 0 {
				rec.Alias = ""
			}
		}),
		caught:  []string{"record/metadata to the byte"},
		related: []string{"Lister"},
	},
	{
		name:    "metadata is not stored",
		alter:   put(func(rec *driver.Record) { rec.Meta = nil }),
		caught:  []string{"record/every field", "record/metadata to the byte", "record/save every field"},
		related: []string{"Lister"},
	},
	{
		name:    "metadata ends at a NUL",
		alter:   put(func(rec *driver.Record) { rec.Meta, _, _ = bytes.Cut(rec.Meta, []byte{0}) }),
		caught:  []string{"record/metadata to the byte"},
		related: []string{"Lister"},
	},
	{
		name:   "metadata is cut at 1000 bytes",
		alter:  put(func(rec *driver.Record) { rec.Meta = rec.Meta[:min(len(rec.Meta), 1000)] }),
		caught: []string{"record/metadata to the byte"},
	},
	{
		name: "metadata is stored with an alias alone",
		alter: put(func(rec *driver.Record) {
			if rec.Alias == "" {
				rec.Meta = nil
			}
		}),
		caught: []string{"record/metadata to the byte"},
	},
	{
		name:    "auth time is not stored",
		alter:   put(func(rec *driver.Record) { rec.AuthTime = time.Time{} }),
		caught:  []string{"record/every field"},
		related: []string{"S3", "S7", "Lister"},
	},
	{
		name:    "deadline is not stored",
		alter:   put(func(rec *driver.Record) { rec.Deadline = time.Time{} }),
		caught:  []string{"record/every field"},
		related: []string{"S3", "S6", "S7", "Lister"},
	},
	{
		name: "no auth time becomes 1970",
		alter: put(func(rec *driver.Record) {
			if rec.AuthTime.IsZero() {
				rec.AuthTime = time.Unix(0, 0)
			}
		}),
		caught:  []string{"record/no time"},
		related: []string{"S3", "S6", "S7", "Lister"},
	},
	{
		name:    "times are stored in seconds",
		alter:   seconds,
		caught:  []string{"record/every field"},
		related: []string{"S3", "S5", "S6", "S7", "S8", "S12", "S14", "Lister", "Sweeper"},
	},
	{
		name:   "data ends at a NUL",
		alter:  put(func(rec *driver.Record) { rec.Data, _, _ = bytes.Cut(rec.Data, []byte{0}) }),
		caught: []string{"record/data to the byte"},
	},
	{
		name:   "data is stored without space around",
		alter:  put(func(rec *driver.Record) { rec.Data = []byte(strings.TrimSpace(string(rec.Data))) }),
		caught: []string{"record/data to the byte"},
	},
	{
		name:   "data is cut at 65535 bytes",
		alter:  put(func(rec *driver.Record) { rec.Data = rec.Data[:min(len(rec.Data), 65535)] }),
		caught: []string{"record/data to the byte"},
	},
}

// loaded returns how to alter a node so that f runs on each loaded record. used is what the record was before.
func loaded(f func(rec *driver.Record, used driver.Record)) func(n *node) driver.Backend {
	return func(n *node) driver.Backend {
		return &altered{node: n, load: func(ctx context.Context, key string, rec *driver.Record) error {
			used := *rec
			if err := n.Load(ctx, key, rec); err != nil {
				return err
			}
			f(rec, used)
			return nil
		}}
	}
}

// put returns how to alter a node so that f runs on each record before it is stored.
func put(f func(rec *driver.Record)) func(n *node) driver.Backend {
	return func(n *node) driver.Backend {
		n.onPut = f
		return n
	}
}
