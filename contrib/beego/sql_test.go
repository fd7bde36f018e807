package sessionbeego_test

import (
	"database/sql"
	"testing"
)

// exec runs a statement.
func exec(t testing.TB, driver, dsn, statement string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), statement)
	must(t, err)
}
