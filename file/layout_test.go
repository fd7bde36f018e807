package file_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/file"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// ours are the paths that a store makes, below the namespace.
var ours = regexp.MustCompile(`^(?:` + strings.Join([]string{
	``, `[0-9a-f]{2}`, `(?:[0-9a-f]{2}/)?[0-9a-f]{2}`, `(?:[0-9a-f]{2}/)?[0-9a-f]{2}/(?:[0-9a-f]{64}|key-[0-9a-z_%-]*)`,
	`locks`, `locks/[0-9a-f]{2}`, `(?:users|aliases)(?:/[0-9a-f]{2}(?:/[0-9a-f]{64}(?:/(?:[0-9a-f]{64}|key-[0-9a-z_%-]*))?)?)?`,
}, "|") + `)$`)

// tree returns what is in a folder: what each path is, when it was changed and what is in it.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		what := info.Mode().String() + " " + info.ModTime().Format(time.RFC3339Nano)
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			what += " " + string(data)
		}
		rel, err := filepath.Rel(dir, path)
		found[filepath.ToSlash(rel)] = what
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// records returns the paths of the files in a tree that are sessions.
func records(t testing.TB, dir string) []string {
	t.Helper()
	var paths []string
	for path := range tree(t, dir) {
		if parts := strings.Split(path, "/"); len(parts) > 2 && len(parts[1]) == 2 && len(parts[len(parts)-1]) > 2 {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// age makes every file in a folder older.
func age(t testing.TB, dir string, by time.Duration) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		then := time.Now().Add(-by)
		return os.Chtimes(path, then, then)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLayout(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	s, err := file.Open(t.Context(), driver.Config{Config: dir, Namespace: "My App"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.(interface{ Close() error }).Close()
	for _, sid := range []string{"a", "b", "c"} {
		rec := newRecord(time.Hour)
		rec.User, rec.Alias = "ann "+sid, "https://issuer.example "+sid
		if err := s.Create(t.Context(), sessiontest.Key(sid), rec); err != nil {
			t.Fatal(err)
		}
		if err := s.Save(t.Context(), sessiontest.Key(sid), rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.(driver.Renamer).Rename(t.Context(), sessiontest.Key("c"), 2, sessiontest.Key("d"), newRecord(time.Hour), driver.Mark{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), sessiontest.Key("b"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.(driver.UserLimiter).Reserve(t.Context(), "bob", sessiontest.Key("e"), time.Now().Add(time.Minute), 1, false); err != nil {
		t.Fatal(err)
	}
	count := 0
	for path, what := range tree(t, dir) {
		if path == "." || path == "sessions-%4dy%20%41pp" {
			continue
		}
		below, ok := strings.CutPrefix(path+"/", "sessions-%4dy%20%41pp.v2/")
		if below = strings.TrimSuffix(below, "/"); !ok || !ours.MatchString(below) {
			t.Errorf("%s is no path of a store", path)
		}
		if want := "-rw-------"; what[0] != 'd' && !strings.HasPrefix(what, want) && runtime.GOOS != "windows" {
			t.Errorf("%s has the mode %.10s, want %s", path, what, want)
		}
		if want := "drwx------"; what[0] == 'd' && !strings.HasPrefix(what, want) && runtime.GOOS != "windows" {
			t.Errorf("%s has the mode %.10s, want %s", path, what, want)
		}
		if strings.Contains(what, " ses") {
			count++
		}
	}
	if count != 2 {
		t.Errorf("%d files of sessions, want 2", count)
	}
	if got := records(t, dir); len(got) != 2 || !strings.HasSuffix(got[0], "/18/18ac3e7343f016890c510e93f935261169d9e3f565436429830faf0934f4f8e4") {
		t.Errorf("the files are %q", got)
	}
}
