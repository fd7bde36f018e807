package drilltest

import (
	"os"
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }

var variants = []variant{
	{inFiles, "compact", false},
	{inFiles, "gob", false},
	{inFiles, "json", false},
	{inFiles, "compact", true},
	{inRedis, "compact", false},
	{inRedis, "gob", true},
	{inPostgres, "compact", false},
	{inPostgres, "json", true},
	{inMariaDB, "gob", false},
	{inMariaDB, "compact", true},
	{inSQLite, "compact", false},
	{inSQLite, "json", true},
	{inMemcache, "compact", false},
	{inMemcache, "gob", true},
	{inCookies, "compact", false},
	{inCookies, "gob", false},
	{inCookies, "json", false},
}

// asked returns the commit that make drill asks for, "" for the last one that was tagged.
func asked() (revision string, is bool) { return os.LookupEnv("SESSION_DRILL") }

// TestDrill has the commit that make drill asks for beside the present version, on one store of each kind.
func TestDrill(t *testing.T) {
	revision, asked := asked()
	if !asked {
		t.Skip("make drill runs this, it builds a former version")
	}
	old, title := committed(t, revision)
	t.Log("the old version is " + title)
	programs := make(map[string]map[string]string) // by module and version
	for module, imports := range map[string][]string{"": rootImports, inSQLite.module: {inSQLite.imports}} {
		programs[module] = map[string]string{
			"old": old.build(t, module, imports...),
			"new": present(t).build(t, module, imports...),
		}
	}
	for _, v := range variants {
		t.Run(v.String(), func(t *testing.T) {
			d := drill{variant: v, programs: programs[v.module]}
			d.run(t)
			for i, what := range d.losses {
				if i == 10 {
					t.Errorf("and %d more", len(d.losses)-i)
					break
				}
				t.Error(what)
			}
			t.Log(d.summary())
		})
	}
}
