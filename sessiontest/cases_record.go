package sessiontest

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Load returns what was stored.
var recordCases = []testCase{
	{
		name:       "record/every field",
		sentence:   "S2",
		rule:       "Load sets every field of the record to what was stored, times to the millisecond, whatever the record held before.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			b, key, now := e.node(t), e.key("k"), time.Now()
			rec := &driver.Record{
				User:     "ann",
				Created:  now.Add(-90 * 24 * time.Hour),
				AuthTime: now.Add(-5*time.Hour - 123456789*time.Nanosecond),
				Expires:  now.Add(31 * time.Minute).Truncate(time.Millisecond),
				Deadline: now.Add(400*24*time.Hour + 7*time.Millisecond).Truncate(time.Millisecond),
				Alias:    "https://issuer.example 7",
				Meta:     []byte("metadata"),
				Data:     []byte("values"),
			}
			create(t, b, key, rec)
			if rec.Version != 1 {
				t.Errorf("Create set Version to %d, want 1", rec.Version)
			}
			e.wantRecord(t, load(t, b, key), rec)
		},
	},
	{
		name:       "record/no time",
		sentence:   "S2",
		rule:       "The zero time means none and is loaded as the zero time. An empty user is loaded as an empty user.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := &driver.Record{Expires: time.Now().Add(time.Hour)}
			create(t, b, key, rec)
			e.wantRecord(t, load(t, b, key), rec)
		},
	},
	{
		name:       "record/data to the byte",
		sentence:   "S2",
		rule:       "Data is stored byte for byte: empty, any byte, 64 KiB.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			everyByte := make([]byte, 256)
			for i := range everyByte {
				everyByte[i] = byte(i)
			}
			for label, data := range map[string]string{
				"none":       "",
				"NUL":        "a\x00b\x00",
				"line ends":  "a\r\nEND\r\n",
				"spaces":     "  a  ",
				"every byte": string(everyByte),
				"64 KiB":     strings.Repeat(string(everyByte), 256),
			} {
				create(t, b, e.key(label), newRecord(data))
				wantStored(t, b, e.key(label), 1, data)
			}
			create(t, b, e.key("nil"), &driver.Record{Expires: time.Now().Add(time.Hour)})
			wantStored(t, b, e.key("nil"), 1, "")
		},
	},
	{
		name:     "record/longer than wanted",
		sentence: "S2",
		rule: "Load of a record with more Data than MaxData returns an error wrapping ErrTooLarge and leaves rec unchanged, or loads the " +
			"whole record. A record with exactly MaxData bytes is loaded.",
		check: func(t testing.TB, e *env) {
			b, key, data := e.node(t), e.key("k"), strings.Repeat("x", 100<<10)
			create(t, b, key, newRecord(data))
			for most, tooLarge := range map[int]bool{1: true, len(data) / 4: true, len(data): false, math.MaxInt: false} {
				rec := &driver.Record{Version: 99, User: "used", MaxData: most, Data: []byte("used")}
				switch err := b.Load(t.Context(), key, rec); {
				case err == nil && string(rec.Data) == data && rec.User == "" && !(tooLarge && e.bounded):
				case !tooLarge || !errors.Is(err, session.ErrTooLarge):
					t.Errorf("Load of up to %d bytes = %v, and a record of %d", most, err, len(rec.Data))
				case rec.Version != 99 || rec.User != "used" || string(rec.Data) != "used":
					t.Error("an error of Load has changed the record")
				}
			}
			wantStored(t, b, key, 1, data)
		},
	},
	{
		name:       "record/metadata to the byte",
		sentence:   "S2",
		rule:       "Alias and Meta are stored byte for byte, each without the other, up to MaxAlias and MaxMeta.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			all := make([]byte, driver.MaxMeta)
			for i := range all {
				all[i] = byte(i)
			}
			for label, want := range map[string]driver.Record{
				"alias alone":    {Alias: `o'neil "ann" \ Zoë 雪 ` + "\x00 "},
				"metadata alone": {Meta: []byte("\x00a\r\n\xff")},
				"both, at most":  {Alias: strings.Repeat("a", driver.MaxAlias), Meta: all, User: strings.Repeat("u", 100)},
			} {
				rec := newRecord("x")
				rec.User, rec.Alias, rec.Meta = want.User, want.Alias, want.Meta
				create(t, b, e.key(label), rec)
				e.wantRecord(t, load(t, b, e.key(label)), rec)
			}
		},
	},
	{
		name:       "record/user to the byte",
		sentence:   "S2",
		rule:       "User is stored byte for byte: quotes, UTF-8, spaces, capitals.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			for _, user := range []string{
				`o'neil "ann" \`, "Zoë 雪 😀", "trailing ", " leading", "Ann", "ann", "%_*?[a]{b}", "a:b|c,d/../e",
				strings.Repeat("u", 100),
			} {
				rec := newRecord("x")
				rec.User = user
				create(t, b, e.key(user), rec)
				if got := load(t, b, e.key(user)).User; got != user {
					t.Errorf("User = %q, want %q", got, user)
				}
			}
		},
	},
	{
		name:     "record/save every field",
		sentence: "S2",
		rule:     "Save replaces every field.",
		check: func(t testing.TB, e *env) {
			b, key, now := e.node(t), e.key("k"), time.Now()
			create(t, b, key, newRecord("anonymous"))
			rec := load(t, b, key)
			for _, user := range []string{"ann", ""} {
				rec.User = user
				rec.Created = rec.Created.Add(time.Minute)
				rec.AuthTime = now.Add(time.Second)
				rec.Expires = rec.Expires.Add(time.Minute)
				rec.Deadline = rec.Deadline.Add(time.Hour)
				rec.Alias = "alias of " + user
				rec.Meta = []byte("metadata of " + user)
				rec.Data = []byte("data of " + user)
				save(t, b, key, rec)
				e.wantRecord(t, load(t, b, key), rec)
			}
			rec.AuthTime, rec.Deadline, rec.Data = time.Time{}, time.Time{}, nil
			rec.Alias, rec.Meta = "", nil
			save(t, b, key, rec)
			e.wantRecord(t, load(t, b, key), rec)
		},
	},
	{
		name:     "record/loaded data stays",
		sentence: "S2",
		rule:     "Data that was loaded is never changed: not by a later save, not by the next load into the same record.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			create(t, b, key, newRecord("first"))
			rec := load(t, b, key)
			first := rec.Data
			rec.Data = []byte("other")
			save(t, b, key, rec)
			rec.Data = first
			if err := b.Load(t.Context(), key, rec); err != nil {
				t.Fatalf("Load: %v", err)
			}
			other := rec.Data
			touch(t, b, key, rec.Expires.Add(time.Minute))
			if err := b.Delete(t.Context(), key, 0); err != nil {
				t.Fatalf("Delete: %v", err)
			}
			if string(first) != "first" || string(other) != "other" {
				t.Errorf("loaded data became %q and %q, want %q and %q", first, other, "first", "other")
			}
		},
	},
}
