package session_test

import (
	"go/ast"
	"os"
	"path"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// providerPages say where else the keys of a providerConfig are documented than among all settings, by the folder that reads them.
var providerPages = map[string][]string{
	"memory":   {"docs/providers/memory.md"},
	"file":     {"docs/providers/file.md"},
	"cookie":   {"docs/providers/cookie.md"},
	"redis":    {"docs/providers/redis.md"},
	"memcache": {"docs/providers/memcache.md"},

	"contrib/nats":  {"docs/providers/nats.md"},
	"contrib/ledis": {"docs/providers/ledis.md"},
	"contrib/ssdb":  {"docs/providers/ssdb.md"},

	"internal/rediscall": {"docs/providers/ledis.md", "docs/providers/ssdb.md"},

	"contrib/couchbase": {"docs/providers/couchbase.md"},
	"kv":                {"docs/providers/bolt.md", "docs/providers/badger.md", "docs/providers/leveldb.md", "docs/providers/pebble.md"},
	"sql":               {"docs/providers/postgres.md", "docs/providers/pgx.md", "docs/providers/mysql.md", "docs/providers/sqlite.md"},
}

// TestProviderKeysAreDocumented checks that each key of each providerConfig is on the provider's page, and on the page of all settings.
func TestProviderKeysAreDocumented(t *testing.T) {
	pages := make(map[string]string)
	page := func(name string) string {
		if pages[name] == "" {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			pages[name] = string(text)
		}
		return pages[name]
	}
	found := make(map[string]int)
	goFiles(t, false, func(file string, f *ast.File) {
		folder := path.Dir(file)
		others, known := providerPages[folder]
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && !known && sel.Sel.Name == "ParseConfig" {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "driver" {
					t.Errorf("%s reads a providerConfig: providerPages does not say where its keys are documented", file)
				}
			}
			field, ok := n.(*ast.Field)
			if !ok || !known || field.Tag == nil {
				return true
			}
			tag, err := strconv.Unquote(field.Tag.Value)
			if err != nil {
				t.Fatal(err)
			}
			key, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
			if key == "" {
				return true
			}
			found[folder]++
			word := regexp.MustCompile(`(?i)\b` + regexp.QuoteMeta(key) + `\b`)
			for _, name := range append([]string{"docs/configuration.md"}, others...) {
				if !word.MatchString(page(name)) {
					t.Errorf("%s: the key %s is not in %s", file, key, name)
				}
			}
			return true
		})
	})
	for folder := range providerPages {
		if found[folder] == 0 {
			t.Errorf("%s has no keys", folder)
		}
	}
}
