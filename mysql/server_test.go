package mysql_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// TestNotStrict has the server change values that do not fit, instead of refusing them: what would not fit is
// refused before.
func TestNotStrict(t *testing.T) { both(t, notStrict) }

func notStrict(t *testing.T, e sqltest.Engine) {
	b := e.Open(t, e.DB(t, e.Empty(t)+"?sql_mode=%27%27"))
	rec := &driver.Record{User: strings.Repeat("u", 401), Expires: time.Now().Add(time.Hour)}
	if err := b.Create(t.Context(), sessiontest.Key("k"), rec); !errors.Is(err, session.ErrTooLarge) {
		t.Errorf("Create for a user with a long name: %v, want ErrTooLarge", err)
	}
	rec.User, rec.Alias = "u", strings.Repeat("a", 401)
	if err := b.Create(t.Context(), sessiontest.Key("k"), rec); !errors.Is(err, session.ErrTooLarge) {
		t.Errorf("Create with a long alias: %v, want ErrTooLarge", err)
	}
	rec.Alias, rec.Meta = "", make([]byte, 1025)
	if err := b.Create(t.Context(), sessiontest.Key("k"), rec); !errors.Is(err, session.ErrTooLarge) {
		t.Errorf("Create with much metadata: %v, want ErrTooLarge", err)
	}
	rec.Meta, rec.Data = nil, make([]byte, 16<<20)
	if err := b.Create(t.Context(), sessiontest.Key("k"), rec); !errors.Is(err, session.ErrTooLarge) {
		t.Errorf("Create of 16 MiB: %v, want ErrTooLarge", err)
	}
}

// TestDeadlock has the server undo a transaction of the backend's because another one waits for it: it is made again.
func TestDeadlock(t *testing.T) { both(t, deadlock) }

func deadlock(t *testing.T, e sqltest.Engine) {
	ctx := t.Context()
	db := e.DB(t, e.Empty(t))
	b := e.Open(t, db)
	rec := &driver.Record{User: "ann", Expires: time.Now().Add(time.Hour)}
	if err := b.Create(ctx, sessiontest.Key("old"), rec); err != nil {
		t.Fatal(err)
	}
	other, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted}) // it locks rows, and nothing in between
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback()
	run := func(statement string) {
		t.Helper()
		if _, err := other.ExecContext(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	run("UPDATE sessions SET created_at = created_at + 1")
	for i := range 20 { // the server undoes the transaction that has changed less
		run(fmt.Sprintf("INSERT INTO sessions VALUES ('other', UNHEX(SHA2('%d', 256)), 1, NULL, 0, 0, 0, 0, 0, '', NULL, NULL)", i))
	}
	reserved := make(chan error, 1)
	go func() {
		evicted, err := b.(driver.UserLimiter).Reserve(ctx, "ann", sessiontest.Key("new"), time.Now().Add(time.Minute), 1, true)
		if err == nil && len(evicted) != 1 {
			err = fmt.Errorf("%d sessions were ended, want 1", len(evicted))
		}
		reserved <- err
	}()
	for try, waits := 0, 0; waits == 0; try++ {
		if try == 1000 {
			t.Fatal("Reserve does not wait for the session")
		}
		time.Sleep(10 * time.Millisecond)
		var name string
		if err := db.QueryRow("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'").Scan(&name, &waits); err != nil {
			t.Fatal(err)
		}
	}
	run("DELETE FROM sessions WHERE ns = '' AND version = 0") // waits for what Reserve has made
	if err := other.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-reserved; err != nil {
		t.Errorf("Reserve = %v", err)
	}
}

func TestOpenFails(t *testing.T) { both(t, openFails) }

func openFails(t *testing.T, e sqltest.Engine) {
	server := e.Server.Shared(t)
	proxy := servertest.NewProxy(t, server.Addr)
	proxy.Blackhole(true)
	refusing := servertest.NewProxy(t, server.Addr)
	refusing.Refuse(true)
	database := server.NewDatabase(t)
	dsn := server.DSN(database)
	db := e.DB(t, dsn)
	sqltest.Exec(t, db, "CREATE USER '"+database+"'@'%' IDENTIFIED BY 's3cr3t'")
	sqltest.Exec(t, db, "GRANT SELECT, INSERT, UPDATE, DELETE ON "+database+".* TO '"+database+"'@'%'")
	e.MakeOld(t, db, "old")
	t.Cleanup(func() { sqltest.Exec(t, db, "DROP USER '"+database+"'@'%'") })
	const secret = "s3cr3t"
	as := func(user, password, addr string) string {
		return user + ":" + password + "@tcp(" + addr + ")/" + database
	}
	e.OpenFails(t, secret, []sqltest.Failure{
		{Name: "no DSN", Config: "", Says: "providerConfig"},
		{Name: "bad DSN", Config: "u:s3cr3t", Says: "providerConfig: not a data source name"},
		{Name: "password in the place of the network", Config: "u:s3cr3t/db", Says: "providerConfig: not a data source name"},
		{Name: "bad DSN in an object", Config: `{"dsn": "u:s3cr3t@host:1/db"}`, Says: "providerConfig.dsn: not a data source name"},
		{Name: "unknown key", Config: `{"dsn": "u:s3cr3t@tcp(host:1)/db", "tabel": "x"}`, Says: "providerConfig.tabel: unknown key"},
		{Name: "nothing prepared", Config: `{"dsn": "` + dsn + `", "prepare": false}`, Says: "providerConfig.prepare: want true, or none"},
		{Name: "refused", Config: as("u", secret, refusing.Addr), Says: "cannot connect"},
		{Name: "no answer", Config: as("u", secret, proxy.Addr), Says: "cannot connect", Silent: true},
		{Name: "wrong password", Config: as(server.User, secret, server.Addr), Says: "Access denied"},
		{Name: "no such database", Config: strings.Replace(dsn, database, "no_such", 1), Says: "Unknown database"},
		{Name: "no right", Config: as(database, secret, server.Addr), Says: "cannot create the table sessions: Error 1142"},
		{
			Name: "no right to upgrade", Config: `{"dsn": "` + as(database, secret, server.Addr) + `", "table": "old"}`,
			Says: "the table old lacks the columns alias, meta of version 2: run the statements of schema.1to2.sql of package mysql",
		},
	})
}
