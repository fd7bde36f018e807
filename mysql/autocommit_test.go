package mysql_test

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/mysql"
	"github.com/seed1a8f7c28/session/sessiontest"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// TestAutocommitOff has connections begin with autocommit off, by the server's setting or the DSN's. The provider's own have it on
// all the same; an application's are refused.
func TestAutocommitOff(t *testing.T) { both(t, autocommitOff) }

func autocommitOff(t *testing.T, e sqltest.Engine) {
	server := e.Server.Start(t, servertest.SQLOptions{Config: []string{"autocommit=0"}})
	dsn := server.DSN(server.Database)
	other, err := mysql.Open(t.Context(), driver.Config{Config: dsn, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer other.(io.Closer).Close()
	for _, params := range []string{"", "?AutoCommit=0", "?autocommit=false&time_zone=%27%2B01:00%27"} {
		b, err := mysql.Open(t.Context(), driver.Config{Config: dsn + params, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		key := sessiontest.Key("k" + params)
		if err := b.Create(t.Context(), key, &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Errorf("%q: Create = %v", params, err)
		}
		if err := other.Load(t.Context(), key, new(driver.Record)); err != nil {
			t.Errorf("%q: another node's Load = %v", params, err)
		}
		b.(io.Closer).Close()
	}
	open := func(dsn string) error {
		_, err := sessionsql.OpenDB(t.Context(), driver.Config{}, e.DB(t, dsn), mysql.Dialect())
		return err
	}
	if err := open(dsn); err == nil || !strings.Contains(err.Error(), "add autocommit=1") {
		t.Errorf("a pool of connections with autocommit off: %v", err)
	}
	if err := open(dsn + "?autocommit=1"); err != nil {
		t.Errorf("a pool of connections with autocommit on: %v", err)
	}
}
