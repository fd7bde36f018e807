package sqltest

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/sessiontest"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// Altered changes the type of a column twice, by statements, while connections have all statements prepared, and checks
// that no call fails. With opts the pool is an application's.
func (e Engine) Altered(t *testing.T, statements []string, opts ...sessionsql.Option) {
	dsn := e.Empty(t)
	db := e.DB(t, dsn)
	b, err := e.Node(t.Context(), driver.Config{Config: dsn})
	if len(opts) > 0 {
		b, err = e.app(t, dsn, 0).Open(t.Context(), driver.Config{}, opts...)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer b.(io.Closer).Close()
	round := 0
	all := func() {
		round++
		name := fmt.Sprint("round ", round)
		key, rec := sessiontest.Key(name), &driver.Record{User: "ann", Created: time.Now(), Expires: time.Now().Add(time.Hour)}
		together(t, b, name)
		err := errors.Join(
			b.Create(t.Context(), key, rec), b.Load(t.Context(), key, new(driver.Record)), b.Save(t.Context(), key, rec),
			b.(driver.Renamer).Rename(t.Context(), key, rec.Version, sessiontest.Key(name+"'"), rec, driver.Mark{}), reserve(t.Context(), b),
		)
		for _, listErr := range b.(driver.UserLister).ListUser(t.Context(), "ann") {
			err = errors.Join(err, listErr)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	all()
	for _, statement := range statements {
		Exec(t, db, statement)
		all()
	}
}
