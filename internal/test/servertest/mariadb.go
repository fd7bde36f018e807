package servertest

import (
	"os/exec"
	"testing"
)

var sharedMariaDB shared[*SQLServer]

// MariaDB returns the MariaDB server that all tests of the binary share.
func MariaDB(t testing.TB) *SQLServer {
	t.Helper()
	return sharedMariaDB.get(t, func(t testing.TB) *SQLServer {
		s := StartMariaDB(t, SQLOptions{})
		s.shared = true
		return s
	})
}

// StartMariaDB starts a MariaDB server for t and stops it when t ends.
func StartMariaDB(t testing.TB, o SQLOptions) *SQLServer {
	t.Helper()
	return mysqlLike{
		name: "mariadb", server: "mariadbd", client: []string{"mariadb"},
		layout: []string{"innodb-log-file-size=8M", "innodb-undo-tablespaces=0"}, recipe: mariadbRecipe,
	}.start(t, o)
}

// mariadbRecipe makes a data folder of the server's version, which its installer does not tell.
func mariadbRecipe(program map[string]string, layout []string) (recipe, error) {
	version, err := exec.Command(program["mariadbd"], "--no-defaults", "--version").Output()
	r := recipe{
		argv: []string{
			program["mariadb-install-db"], "--no-defaults", "--datadir={work}/data", "--auth-root-authentication-method=normal",
			"--skip-test-db", "--skip-name-resolve", "--tmpdir={work}",
		},
		files: map[string]string{"version": string(version)},
	}
	for _, setting := range layout {
		r.argv = append(r.argv, "--"+setting)
	}
	return r, err
}
