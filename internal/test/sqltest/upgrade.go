package sqltest

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/sessiontest"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// MakeOld creates the table as the first version did.
func (e Engine) MakeOld(t testing.TB, db *sql.DB, table string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(cmp.Or(e.Testdata, "testdata"), "schema.1.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for statement := range strings.SplitSeq(strings.NewReplacer("{table}", table, "{name}", table).Replace(string(text)), ";\n") {
		if strings.TrimSpace(statement) != "" {
			Exec(t, db, statement)
		}
	}
}

// OpenOld opens a backend that behaves like a node of the first version. testdata/statements.1.json contains that version's
// statements, with three additional NULLs in the columns that they read.
func (e Engine) OpenOld(t testing.TB, db *sql.DB) driver.Backend {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(cmp.Or(e.Testdata, "testdata"), "statements.1.json"))
	if err != nil {
		t.Fatal(err)
	}
	d := e.Dialect()
	d.Statements = sessionsql.Statements{}
	if err := json.Unmarshal(text, &d.Statements); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "alias") || strings.Contains(string(text), "meta") {
		t.Fatal("the first version has neither aliases nor metadata")
	}
	b, err := sessionsql.OpenDB(context.Background(), driver.Config{}, db, d, sessionsql.Schema("off"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.(io.Closer).Close() })
	return b
}

// openNew opens a node of this version as its package does, and also returns what it logs.
func (e Engine) openNew(t testing.TB, dsn, schema string) (b driver.Backend, logged string, err error) {
	t.Helper()
	var log bytes.Buffer
	b, err = e.Node(t.Context(), driver.Config{
		Config: fmt.Sprintf(`{"dsn": %q, "schema": %q}`, dsn, schema), Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err == nil {
		t.Cleanup(func() { b.(io.Closer).Close() })
	}
	return b, log.String(), err
}

// life is all that a node of the first version does with a session, from its beginning to its end.
func life(ctx context.Context, b driver.Backend, name string) error {
	key, to := sessiontest.Key(name), sessiontest.Key(name+" renamed")
	rec := &driver.Record{User: name, Created: time.Now(), Expires: time.Now().Add(time.Hour), Data: []byte("a")}
	if _, err := b.(driver.UserLimiter).Reserve(ctx, name, key, time.Now().Add(time.Minute), 1, false); err != nil {
		return fmt.Errorf("in Reserve: %w", err)
	}
	if err := b.Create(ctx, key, rec); err != nil {
		return fmt.Errorf("in Create: %w", err)
	}
	rec.Data = []byte("b")
	if err := b.Save(ctx, key, rec); err != nil {
		return fmt.Errorf("in Save: %w", err)
	}
	if err := b.Touch(ctx, key, rec.Expires.Add(time.Minute)); err != nil {
		return fmt.Errorf("in Touch: %w", err)
	}
	if err := b.(driver.Renamer).Rename(ctx, key, 2, to, rec, driver.Mark{}); err != nil {
		return fmt.Errorf("in Rename: %w", err)
	}
	var is driver.Record
	if err := b.Load(ctx, to, &is); err != nil || string(is.Data) != "b" || is.User != name || is.Version != 1 {
		return fmt.Errorf("in Load: %w, or another record", err)
	}
	return b.Delete(ctx, to, 1)
}

// upgrade opens several nodes of this version at once on a table of the first version, while a node of the first version
// continues.
func (e Engine) upgrade(t *testing.T) {
	dsn, ctx := e.Empty(t), t.Context()
	db := e.DB(t, dsn)
	e.MakeOld(t, db, "sessions")
	old := e.OpenOld(t, db)
	kept := &driver.Record{User: "Ann", Created: time.Now(), Expires: time.Now().Add(time.Hour), Data: []byte("kept")}
	check(t, old.Create(ctx, sessiontest.Key("kept"), kept))
	check(t, life(ctx, old, "before"))

	_, _, err := e.openNew(t, dsn, "check")
	for _, want := range []string{"table sessions", "alias, meta", "schema.1to2.sql"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with the setting check: %v, want it to name %s", err, want)
		}
	}
	if n := e.aliasIndexes(t, db); n != 0 {
		t.Errorf("with the setting check there are %d indexes of aliases", n)
	}

	over := make(chan struct{})
	var goesOn, comers sync.WaitGroup
	goesOn.Go(func() {
		for n := 0; ; n++ {
			if err := life(ctx, old, "during "+strconv.Itoa(n)); err != nil {
				t.Errorf("meanwhile a node of the first version: %v", err)
			}
			select {
			case <-over:
				return
			default:
			}
		}
	})
	nodes := make([]driver.Backend, 4)
	for i := range nodes {
		comers.Go(func() {
			b, logged, err := e.openNew(t, dsn, "create")
			if nodes[i] = b; err != nil || logged != "" {
				t.Errorf("nodes that come together: %v, %s", err, logged)
			}
		})
	}
	comers.Wait()
	close(over)
	goesOn.Wait()
	if t.Failed() {
		return
	}
	if n := e.aliasIndexes(t, db); n != 1 {
		t.Errorf("there are %d indexes of aliases, want 1", n)
	}
	check(t, life(ctx, old, "after"))
	e.bothVersions(t, old, nodes[0], kept)
	if n := Int(t, db, "SELECT count(*) FROM sessions WHERE version = -1"); n != 1 {
		t.Errorf("%d marks are left, want the one that lives", n)
	}

	fresh := e.DB(t, e.Empty(t))
	e.Open(t, fresh)
	if is, want := columnsOf(t, db), columnsOf(t, fresh); !slices.Equal(is, want) {
		t.Errorf("the table has the columns %q, a new one %q", is, want)
	}
}

// bothVersions lets nodes of both versions use the same sessions.
func (e Engine) bothVersions(t *testing.T, old, b driver.Backend, kept *driver.Record) {
	ctx, key := t.Context(), sessiontest.Key("kept")
	var is driver.Record
	if err := b.Load(ctx, key, &is); err != nil || is.User != "Ann" || string(is.Data) != "kept" || is.Alias != "" || is.Meta != nil {
		t.Errorf("a session of the first version: %v, %+v", err, is)
	}
	kept.Alias, kept.Meta = "https://a.example 1", []byte("metadata")
	check(t, b.Save(ctx, key, kept))
	check(t, old.Load(ctx, key, &is))
	is.Data = []byte("by the first version")
	check(t, old.Save(ctx, key, &is))
	check(t, old.Touch(ctx, key, is.Expires.Add(time.Minute)))
	check(t, b.Load(ctx, key, &is))
	if is.Alias != kept.Alias || !bytes.Equal(is.Meta, kept.Meta) || string(is.Data) != "by the first version" {
		t.Errorf("after a save by the first version: %+v", is)
	}
	n := 0
	for _, err := range b.(driver.AliasLister).ListAlias(ctx, kept.Alias) {
		check(t, err)
		n++
	}
	if n != 1 {
		t.Errorf("the alias has %d sessions, want 1", n)
	}
	check(t, old.Delete(ctx, key, 3))
	if err := b.Load(ctx, key, &is); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("what the first version has ended: %v", err)
	}

	// The first version can neither find nor replace nor remove a mark.
	m, mark := b.(driver.Marker), driver.Mark{Kind: 1, Target: []byte("target"), Expires: time.Now().Add(time.Hour)}
	key = sessiontest.Key("marked")
	check(t, old.Create(ctx, key, &driver.Record{User: "Ann", Created: time.Now(), Expires: time.Now().Add(time.Hour)}))
	check(t, m.Mark(ctx, key, 1, mark))
	if err := old.Load(ctx, key, &is); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("the first version loads a mark: %v", err)
	}
	late := &driver.Record{Version: 1, Created: time.Now(), Expires: time.Now().Add(time.Hour)}
	if err := old.Save(ctx, key, late); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("the first version saves over a mark: %v", err)
	}
	brief, cancel := context.WithTimeout(ctx, time.Second) // in MySQL it waits for the mark to end
	defer cancel()
	if err := old.Create(brief, key, late); err == nil {
		t.Error("the first version creates over a mark")
	}
	check(t, old.Delete(ctx, key, 0))
	over := driver.Mark{Kind: 1, Expires: time.Now().Add(-time.Second)}
	check(t, m.Mark(ctx, sessiontest.Key("over"), 0, over))
	for _, node := range []driver.Backend{old, b} {
		if n, err := node.(driver.Sweeper).Sweep(ctx, func(_, _ string) { t.Error("a sweep tells of a mark") }); n != 0 || err != nil {
			t.Errorf("Sweep = %d, %v, want 0", n, err)
		}
	}
	if marked, ok := errors.AsType[*driver.MarkedError](b.Load(ctx, key, &is)); !ok || string(marked.Mark.Target) != "target" {
		t.Error("the mark is gone")
	}
}

// halfUpgraded opens a node on a table whose upgrade was interrupted.
func (e Engine) halfUpgraded(t *testing.T) {
	dsn := e.Empty(t)
	db := e.DB(t, dsn)
	e.Open(t, db)
	Exec(t, db, map[string]string{"mysql": "DROP INDEX sessions_alias ON sessions"}[e.Driver]+
		map[bool]string{true: "", false: "DROP INDEX sessions_alias"}[e.Driver == "mysql"])
	if _, logged, err := e.openNew(t, dsn, "check"); err != nil || !strings.Contains(logged, "schema.1to2.sql") {
		t.Errorf("without the index of aliases: %v, logged %q, want a warning", err, logged)
	}
	if _, logged, err := e.openNew(t, dsn, "create"); err != nil || logged != "" || e.aliasIndexes(t, db) != 1 {
		t.Errorf("without the index of aliases: %v, logged %q, and there are %d indexes", err, logged, e.aliasIndexes(t, db))
	}
}

// aliasIndexes counts the usable indexes of aliases.
func (e Engine) aliasIndexes(t testing.TB, db *sql.DB) int {
	t.Helper()
	const ofPostgres = "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = 'sessions_alias' AND i.indisvalid"
	return Int(t, db, map[string]string{
		"postgres": ofPostgres, "pgx": ofPostgres,
		"mysql": "SELECT count(DISTINCT index_name) FROM information_schema.statistics WHERE table_schema = database() " +
			"AND table_name = 'sessions' AND column_name = 'alias'",
		"sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND sql LIKE '%(ns, alias, id)%'",
	}[e.Driver])
}

func columnsOf(t testing.TB, db *sql.DB) []string {
	t.Helper()
	rows, err := db.Query("SELECT * FROM sessions WHERE 1 = 0")
	check(t, err)
	defer rows.Close()
	names, err := rows.Columns()
	check(t, err)
	return names
}
