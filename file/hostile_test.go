package file_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/file"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// hostile are sids, keys, users and namespaces that would like to be paths.
var hostile = []string{
	"../", "../../", "..", ".", "/", "../outside/secret", "../../outside/secret", "../../../outside/secret",
	"../../../../outside/secret", "..\\..\\outside\\secret", "%2e%2e%2f", "..%2foutside%2fsecret", "\x00", "../outside/secret\x00",
	"a", "\n", "é", "\xff", "~", "*", "con", "C:\\", "//server/share", "locks/00", "users", "sessions", "tmp-0123456789abcdef",
	strings.Repeat("../", 20) + "etc/passwd", strings.Repeat("a", 64<<10), strings.Repeat("../", 20<<10),
	strings.Repeat("a", 32), "../outside/" + strings.Repeat("a", 32), strings.Repeat("A", 43),
}

// around makes a folder to open and another beside it that must stay as it is. The returned function checks
// that, and that the store has made nothing but its own.
func around(t *testing.T) (dir, outside string, check func()) {
	t.Helper()
	top := t.TempDir()
	dir, outside = filepath.Join(top, "store", "tmp"), filepath.Join(top, "outside")
	if err := os.Mkdir(outside, 0o700); err != nil {
		t.Fatal(err)
	}
	// What is outside is a session, so that it could be read, swept and cleared.
	rec := newRecord(time.Hour)
	rec.Version, rec.User, rec.Alias, rec.Data = 1, "outside", "outside", []byte("outside")
	live, _ := rec.AppendBinary(nil)
	rec.Expires = time.Now().Add(-time.Hour)
	expired, _ := rec.AppendBinary(nil)
	long := time.Now().Add(-48 * time.Hour)
	for name, data := range map[string][]byte{
		"secret": live, sessionName("live"): live, sessionName("expired"): expired, "empty": nil, "tmp-0123456789abcdef": live,
	} {
		path := filepath.Join(outside, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	before := tree(t, outside)
	return dir, outside, func() {
		t.Helper()
		if after := tree(t, outside); !maps.Equal(before, after) {
			t.Errorf("outside the folder: before\n%q\nafter\n%q", before, after)
		}
		for path := range tree(t, top) {
			below, inside := strings.CutPrefix(path+"/", "store/tmp/sessions")
			if outer := path == "." || path == "store" || path == "store/tmp" || strings.HasPrefix(path, "outside"); outer {
				continue
			}
			_, below, _ = strings.Cut(below, "/")
			if !inside || !ours.MatchString(strings.TrimSuffix(below, "/")) {
				t.Errorf("the store has made %.100q", path)
			}
		}
	}
}

// sessionName returns the name of a session's file.
func sessionName(sid string) string {
	sum := sha256.Sum256([]byte(sid))
	return hex.EncodeToString(sum[:])
}

// useAll calls every method of s with key, and returns the data of what it could load.
func useAll(s driver.Backend, key, user string) []string {
	ctx := context.Background()
	var loaded []string
	load := func() {
		rec := new(driver.Record)
		if s.Load(ctx, key, rec) == nil {
			loaded = append(loaded, string(rec.Data))
			s.Save(ctx, key, rec)
		}
	}
	late := newRecord(time.Hour)
	late.Version = 1
	r := s.(driver.Renamer)
	load()
	s.Touch(ctx, key, time.Now().Add(2*time.Hour))
	s.Save(ctx, key, late)
	s.Delete(ctx, key, 1)
	rec := newRecord(time.Hour)
	rec.User, rec.Alias = user, user
	s.Create(ctx, key, rec)
	load()
	s.Touch(ctx, key, time.Now().Add(2*time.Hour))
	r.Rename(ctx, key, 1, sessiontest.Key("good"), newRecord(time.Hour), driver.Mark{})
	r.Rename(ctx, sessiontest.Key("good"), 1, key, newRecord(time.Hour), driver.Mark{})
	load()
	for entry, err := range s.(driver.Lister).List(ctx) {
		if err == nil && entry.User == "outside" {
			loaded = append(loaded, "outside")
		}
	}
	for _, user := range []string{user, "outside"} {
		for entry, err := range s.(driver.UserLister).ListUser(ctx, user) {
			if err == nil && entry.User == "outside" {
				loaded = append(loaded, "outside")
			}
		}
		for entry, err := range s.(driver.AliasLister).ListAlias(ctx, user) {
			if err == nil && entry.User == "outside" {
				loaded = append(loaded, "outside")
			}
		}
	}
	s.(driver.UserLimiter).Reserve(ctx, user, key, time.Now().Add(time.Minute), 2, false)
	s.(driver.Counter).Count(ctx)
	s.(driver.Sweeper).Sweep(ctx, nil)
	load()
	s.Delete(ctx, key, 0)
	s.(driver.Clearer).Clear(ctx)
	return loaded
}

func TestHostileBackend(t *testing.T) {
	dir, _, check := around(t)
	s := open(t, dir)
	for _, text := range hostile {
		for _, data := range useAll(s, text, text) {
			if data == "outside" {
				t.Errorf("the key %.50q reads what is outside", text)
			}
		}
		s, err := file.Open(t.Context(), driver.Config{Config: dir, Namespace: text})
		if err != nil {
			t.Fatalf("Open with the namespace %.50q: %v", text, err)
		}
		useAll(s, text, text)
		s.(interface{ Close() error }).Close()
	}
	check()
}

func TestHostileManager(t *testing.T) {
	dir, _, check := around(t)
	cfg := session.NewManagerConfig(session.CfgProviderConfig(dir))
	cfg.EnableSidInHTTPHeader, cfg.SessionNameInHTTPHeader, cfg.EnableSidInURLQuery = true, "X-Session", true
	m, err := session.New(file.New(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, sid := range hostile {
		requests := map[string]func() *http.Request{
			"cookie": func() *http.Request {
				r := httptest.NewRequest("GET", "/", nil)
				r.Header.Set("Cookie", "gosessionid="+sid)
				return r
			},
			"header": func() *http.Request {
				r := httptest.NewRequest("GET", "/", nil)
				r.Header["X-Session"] = []string{sid}
				return r
			},
			"query": func() *http.Request {
				return httptest.NewRequest("GET", "/?gosessionid="+url.QueryEscape(sid), nil)
			},
		}
		for channel, request := range requests {
			for name, start := range map[string]func(http.ResponseWriter, *http.Request) (session.Store, error){
				"SessionStart": m.SessionStart, "SessionRegenerateID": m.SessionRegenerateID,
			} {
				w := httptest.NewRecorder()
				sess, err := start(w, request())
				if err != nil {
					t.Errorf("%s with the %s %.50q: %v", name, channel, sid, err)
					continue
				}
				if got := sess.SessionID(t.Context()); got == sid {
					t.Errorf("%s with the %s %.50q adopts it", name, channel, sid)
				}
				sess.Set(t.Context(), "k", "v")
				sess.SessionRelease(t.Context(), w)
			}
			m.SessionDestroy(httptest.NewRecorder(), request())
		}
		if _, err := m.GetSessionStore(sid); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("GetSessionStore(%.50q): %v, want ErrNotFound", sid, err)
		}
	}
	check()
}

func TestHostileProvider(t *testing.T) {
	dir, _, check := around(t)
	p := file.New()
	if err := p.SessionInit(t.Context(), 3600, dir); err != nil {
		t.Fatal(err)
	}
	defer p.(interface{ Close() error }).Close()
	ctx := t.Context()
	release := func(sess session.Store, err error) {
		if err == nil {
			sess.Set(ctx, "k", "v")
			sess.SessionRelease(ctx, nil)
		}
	}
	for _, sid := range hostile {
		p.SessionExist(ctx, sid)
		release(p.SessionRead(ctx, sid))
		release(p.SessionRegenerate(ctx, sid, "good"))
		release(p.SessionRegenerate(ctx, "good", sid))
		release(p.SessionRegenerate(ctx, sid, sid))
		p.SessionAll(ctx)
		p.SessionGC(ctx)
		if err := p.SessionDestroy(ctx, sid); err != nil && len(sid) <= 256 {
			t.Errorf("SessionDestroy(%.50q): %v", sid, err)
		}
	}
	check()
}

// TestPlantedLinks puts symbolic links that lead outside where the store looks.
func TestPlantedLinks(t *testing.T) {
	key := sessiontest.Key("live")
	name := sessionName("live")
	sum := "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9" // some other hash
	for _, link := range []string{
		"", ".v2", ".v2/" + name[:2], ".v2/" + name[:2] + "/" + name, ".v2/" + name[:2] + "/tmp-0123456789abcdef",
		"/" + name[:2], "/" + name[:2] + "/" + name[2:4], "/" + name[:2] + "/" + name[2:4] + "/" + name,
		"/" + name[:2] + "/" + name[2:4] + "/tmp-0123456789abcdef", "/locks", "/locks/" + name[:2],
		"/users", "/users/" + sum[:2], "/users/" + sum[:2] + "/" + sum, "/aliases", "/tmp-0123456789abcdef",
	} {
		for _, target := range []string{"", "/" + name, "/empty", "/nothing"} {
			t.Run(link+"->"+target, func(t *testing.T) {
				dir, outside, check := around(t)
				path := filepath.Join(dir, "sessions"+link)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				for _, to := range []string{outside + target, relative(t, path, outside+target)} {
					if err := os.Symlink(to, path); err != nil {
						t.Skipf("no symbolic links here: %v", err)
					}
					s, err := file.Open(t.Context(), driver.Config{Config: dir})
					if err == nil {
						for _, data := range useAll(s, key, "ann") {
							if data == "outside" {
								t.Error("what is outside was read")
							}
						}
						s.(interface{ Close() error }).Close()
					}
					os.Remove(path)
				}
				check()
			})
		}
	}
}

func relative(t *testing.T, from, to string) string {
	t.Helper()
	rel, err := filepath.Rel(filepath.Dir(from), to)
	if err != nil {
		t.Fatal(err)
	}
	return rel
}
