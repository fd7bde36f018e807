package session_test

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers says what of this module each folder may import, tests aside. A name that ends with a slash stands for the folder
// and all beneath it; the first row that fits counts.
var layers = []struct {
	folder string
	may    []string
}{
	// What only tests import.
	{"internal/test/", []string{".", "driver", "internal/", "kv", "sessiontest", "sql"}},
	{"sessiontest", []string{".", "driver", "internal/test/"}},
	// Pure packages, which know of nothing above them.
	{"internal/strictjson", nil},
	{"internal/millis", nil},
	{"internal/sealing", nil},
	{"internal/naming", nil},
	{"internal/pause", nil},
	{"internal/framing", nil},
	{"internal/seen", nil},
	// The contract with engines, and what works on its terms.
	{"driver", []string{"internal/millis", "internal/strictjson"}},
	{"internal/codec", []string{"driver"}},
	{"internal/cookies", []string{"driver"}},
	{"internal/cas", []string{"driver", "internal/naming", "internal/seen"}},
	{"internal/listing", []string{"driver"}},
	{"internal/setting", []string{"driver"}},
	{"internal/rediscall", []string{"internal/framing", "internal/pause", "internal/setting"}},
	{"internal/merge", []string{"driver", "internal/codec", "internal/millis", "internal/pause", "internal/sealing"}},
	// Engines: none knows another, but that the databases share sql, the drivers of one database its SQL, and the embedded
	// stores kv.
	{"mysql", []string{".", "driver", "sql"}},
	{"postgres", []string{".", "driver", "sql", "sql/pgsql"}},
	{"contrib/nats", append([]string{"internal/seen"}, forEngines...)},
	{"contrib/pgx", []string{".", "driver", "sql", "sql/pgsql"}},
	{"contrib/sqlite", []string{".", "driver", "sql"}},
	{"sql/pgsql", []string{"sql"}},
	{"sql", []string{".", "driver", "internal/listing", "internal/merge", "internal/millis", "internal/naming", "internal/pause"}},
	{"contrib/ledis", append([]string{"internal/rediscall"}, forClients...)},
	{"contrib/ledis/beegotest", nil},
	{"contrib/ssdb/internal/", []string{"internal/test/"}},
	{"contrib/ssdb", append([]string{"internal/cas", "internal/rediscall"}, forClients...)},
	{"contrib/couchbase/internal/", []string{"internal/test/"}},
	{"contrib/couchbase", append([]string{"internal/cas"}, forEngines...)},
	{"contrib/bolt", []string{".", "driver", "kv"}},
	{"contrib/badger", []string{".", "driver", "kv"}},
	{"contrib/leveldb", []string{".", "driver", "kv"}},
	{"contrib/pebble", []string{".", "driver", "kv"}},
	{"kv", []string{"driver", "internal/listing", "internal/millis", "internal/naming", "internal/pause"}},
	{"memory", append([]string{"internal/merge"}, forEngines...)}, // it keeps versions themselves
	{"file", append([]string{"internal/codec"}, forEngines...)},   // in beego mode: see beego.read
	{"cookie", forEngines},
	{"redis", append([]string{"internal/rediscall"}, forClients...)},
	{"redis_cluster", []string{".", "redis"}}, // beego's import paths
	{"redis_sentinel", []string{".", "redis"}},
	{"memcache", append([]string{"internal/cas"}, forClients...)},
	// The application's side.
	{"sessionfasthttp", []string{"."}},
	{"contrib/beego", []string{"."}},
	{"contrib/frameworks", []string{".", "memory"}},
	{"contrib/nats/example", []string{".", "contrib/nats"}},
	{"contrib/sqlite/example", []string{".", "contrib/sqlite"}},
	{"examples/internal/looks", nil},
	{"examples/internal/down", []string{".", "driver"}},
	{"examples/", []string{
		".", "examples/internal/looks", "cookie", "file", "memcache", "memory", "mysql", "postgres", "redis", "sessionfasthttp",
	}},
	{"bench/", []string{
		"bench/", ".", "contrib/", "cookie", "file", "internal/test/", "memcache", "memory", "mysql", "postgres", "redis",
		"sessionfasthttp", "sql",
	}},
	{"tools/", []string{"tools/"}},
	{".", []string{
		"driver", "internal/codec", "internal/cookies", "internal/merge", "internal/pause", "internal/sealing",
		"internal/strictjson",
	}},
}

var forEngines = []string{
	".", "driver", "internal/listing", "internal/millis", "internal/naming", "internal/pause", "internal/sealing", "internal/setting",
}

// forClients is for engines whose servers' answers are followed.
var forClients = append([]string{"internal/framing"}, forEngines...)

// mayImport reports whether a folder of this module may import another.
func mayImport(folder, imported string) bool {
	fits := func(row, folder string) bool {
		return row == folder || strings.HasSuffix(row, "/") && strings.HasPrefix(folder+"/", row)
	}
	for _, l := range layers {
		if fits(l.folder, folder) {
			return slices.ContainsFunc(l.may, func(row string) bool { return fits(row, imported) })
		}
	}
	return false
}

// TestLayering reads the imports of every file that is no test, whatever system it is for.
func TestLayering(t *testing.T) {
	seen := make(map[string]bool)
	goFiles(t, false, func(file string, f *ast.File) {
		folder := path.Dir(file)
		seen[folder] = true
		for _, spec := range f.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			imported, own := ".", name == module
			if rest, ok := strings.CutPrefix(name, module+"/"); ok {
				imported, own = rest, true
			}
			if own && !mayImport(folder, imported) {
				t.Errorf("%s imports %s: see layers in layering_test.go", file, name)
			}
		}
	})
	if len(seen) < 25 {
		t.Errorf("looked into %d folders alone", len(seen))
	}
}

// TestLayeringForbids has the table refuse what it is there for.
func TestLayeringForbids(t *testing.T) {
	for _, tt := range []struct{ folder, imported string }{
		{"driver", "."},
		{"internal/codec", "."},
		{"internal/merge", "."},
		{"internal/merge", "internal/cookies"},
		{"internal/listing", "internal/test/proctest"},
		{"redis", "memory"},
		{"postgres", "mysql"},
		{"sql", "postgres"},
		{"sql", "sql/pgsql"},
		{"contrib/pgx", "postgres"},
		{"memory", "internal/test/proctest"},
		{".", "internal/test/goroutines"},
		{".", "memory"},
		{".", "sessiontest"},
		{"newcomer", "."},
	} {
		if mayImport(tt.folder, tt.imported) {
			t.Errorf("%s may import %s", tt.folder, tt.imported)
		}
	}
}
