package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/sqlite"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other.txt")
	if err := os.WriteFile(other, []byte(strings.Repeat("not a database. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	engine.OpenFails(t, "s3cr3t", []sqltest.Failure{
		{Name: "no path", Config: "", Says: "providerConfig"},
		{Name: "in memory", Config: ":memory:", Says: "use the memory provider"},
		{Name: "in memory, URI", Config: "file:x?mode=memory", Says: "use the memory provider"},
		{Name: "no folder", Config: filepath.Join(dir, "nowhere", "x.db"), Says: "cannot connect: unable to open database file"},
		{Name: "not a database", Config: other, Says: "file is not a database"},
		{Name: "unknown key", Config: `{"dsn": "x.db", "tabel": "x"}`, Says: "providerConfig.tabel: unknown key"},
		{Name: "bad query", Config: "file:x.db?a=%zz", Says: "providerConfig: neither the path of a file nor"},
	})
}

// TestPragmas checks what is set where the URI does not say otherwise.
func TestPragmas(t *testing.T) {
	dir := t.TempDir()
	for config, want := range map[string]string{
		filepath.Join(dir, "a b%3f?.db"):                                       "wal",
		"file:" + filepath.Join(dir, "x.db") + "?_pragma=journal_mode(delete)": "delete",
	} {
		sqltest.Manager(t, sqlite.New(), session.CfgProviderConfig(config))
		file, _, _ := strings.Cut(strings.TrimPrefix(config, "file:"), "?_")
		if _, err := os.Stat(file); err != nil {
			t.Errorf("the file is not where the config says: %v", err)
		}
		db, err := sql.Open("sqlite", uri(file))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var mode string
		if err := db.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil || mode != want {
			t.Errorf("journal_mode = %s, %v, want %s", mode, err, want)
		}
	}
}

func uri(file string) string {
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", " ", "%20").Replace(file)
}

// TestBusy has another program hold the database: a call waits as long as its context allows, and works afterwards.
func TestBusy(t *testing.T) {
	file := engine.Empty(t)
	b, err := sqlite.Open(t.Context(), driver.Config{Config: file})
	if err != nil {
		t.Fatal(err)
	}
	defer b.(interface{ Close() error }).Close()
	other := engine.DB(t, file)
	other.SetMaxOpenConns(1)
	sqltest.Exec(t, other, "BEGIN IMMEDIATE")
	rec := &driver.Record{Expires: time.Now().Add(time.Hour)}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	// Without the context it would be the five seconds of busy_timeout.
	if err := b.Create(ctx, sessiontest.Key("k"), rec); err == nil || time.Since(begin) > 4500*time.Millisecond {
		t.Errorf("Create: %v after %v, want an error after 200ms", err, time.Since(begin))
	}
	if err := b.Load(t.Context(), sessiontest.Key("k"), new(driver.Record)); err == nil {
		t.Error("Load found a record that was not stored")
	}
	sqltest.Exec(t, other, "ROLLBACK")
	if err := b.Create(t.Context(), sessiontest.Key("k"), rec); err != nil {
		t.Errorf("Create afterwards: %v", err)
	}
}

// TestBeegoRefused checks that beego mode, for which beego has no provider, is a clear error.
func TestBeegoRefused(t *testing.T) {
	_, err := sqlite.Open(t.Context(), driver.Config{Config: filepath.Join(t.TempDir(), "db"), Beego: true})
	if c, ok := errors.AsType[*session.ConfigError](err); !ok || c.Field != "beego" || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Open: %v, want a *ConfigError of beego that wraps ErrUnsupported", err)
	}
}
