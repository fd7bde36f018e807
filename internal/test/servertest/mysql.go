package servertest

import "testing"

var sharedMySQL shared[*SQLServer]

// MySQL returns the MySQL server that all tests of the binary share. If scripts/fetch.sh could not fetch MySQL, which make
// test reports, t is skipped.
func MySQL(t testing.TB) *SQLServer {
	t.Helper()
	programs(t, "mysql") // may skip, which is not for a start that others share
	return sharedMySQL.get(t, func(t testing.TB) *SQLServer {
		s := StartMySQL(t, SQLOptions{})
		s.shared = true
		return s
	})
}

// StartMySQL starts a MySQL server for t and stops it when t ends.
func StartMySQL(t testing.TB, o SQLOptions) *SQLServer {
	t.Helper()
	return mysqlLike{
		name: "mysql", server: "mysqld", client: []string{"mysql", "--get-server-public-key"},
		layout: []string{"innodb-redo-log-capacity=8M"}, settings: []string{"mysqlx=off", "secure-file-priv=NULL"},
		recipe: func(program map[string]string, layout []string) (recipe, error) {
			r := recipe{argv: []string{program["mysqld"], "--no-defaults", "--initialize-insecure", "--datadir={work}/data"}}
			for _, setting := range layout {
				r.argv = append(r.argv, "--"+setting)
			}
			return r, nil
		},
	}.start(t, o)
}
