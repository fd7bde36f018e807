package file_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/file"
)

// TestDumpOfEncryptedSessions logs 100 users in, and reads every byte and every name that there is then.
func TestDumpOfEncryptedSessions(t *testing.T) {
	dir := t.TempDir()
	m := encrypting(t, dir)
	var secrets [][]byte
	for i := range 100 {
		user, token := fmt.Sprintf("user-%03d@example.org", i), fmt.Sprintf("token-%032d", i)
		first := login(t, m, nil, user, token)
		again := login(t, m, first, user, token) // with a new sid, as after a password was asked for
		secrets = append(secrets, []byte(user), []byte(token), []byte("username"))
		for _, c := range []*http.Cookie{first, again} {
			raw, err := hex.DecodeString(c.Value)
			if err != nil {
				t.Fatal(err)
			}
			secrets = append(secrets, []byte(c.Value), raw, []byte(base64.RawURLEncoding.EncodeToString(raw)))
		}
	}
	var dump bytes.Buffer
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		dump.WriteString(path[len(dir):] + "\n")
		if d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		dump.Write(b)
		if len(b) > 0 {
			files++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 {
		t.Fatalf("%d files with content, want those of 100 sessions", files)
	}
	for _, secret := range secrets {
		if bytes.Contains(dump.Bytes(), secret) {
			t.Errorf("found in the dump: %q", secret)
		}
	}
}

// TestSwappedFiles gives each of two sessions the other's file.
func TestSwappedFiles(t *testing.T) {
	dir := t.TempDir()
	m := encrypting(t, dir, session.CfgMarkLifetime(-1)) // so that the files are the sessions' own
	ann := login(t, m, nil, "Ann", "a")
	annFile := records(t, dir)[0]
	eve := login(t, m, nil, "Eve", "e")
	eveFile := slices.DeleteFunc(records(t, dir), func(path string) bool { return path == annFile })[0]
	if username(t, m, ann) != "Ann" || username(t, m, eve) != "Eve" {
		t.Fatal("the sessions are not there")
	}
	swap(t, filepath.Join(dir, annFile), filepath.Join(dir, eveFile))
	for _, c := range []*http.Cookie{ann, eve} {
		if got := username(t, m, c); got != nil {
			t.Errorf("a session in another's place is %v's", got)
		}
	}
	swap(t, filepath.Join(dir, annFile), filepath.Join(dir, eveFile))
	if username(t, m, ann) != "Ann" || username(t, m, eve) != "Eve" {
		t.Error("the sessions do not open in their own places again")
	}
}

func encrypting(t *testing.T, dir string, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	opts = append(opts, session.CfgProviderConfig(dir), session.CfgEncryptionKeys("a key that is long enough for this"))
	m, err := session.New(file.New(), session.NewManagerConfig(opts...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// login stores a user and a token under a new sid.
func login(t *testing.T, m *session.Manager, c *http.Cookie, user, token string) *http.Cookie {
	t.Helper()
	r, w := request(c), httptest.NewRecorder()
	if c == nil {
		if _, err := m.Start(w, r); err != nil {
			t.Fatal(err)
		}
	}
	s, err := m.Regenerate(w, r)
	if err != nil {
		t.Fatal(err)
	}
	s.Set(r.Context(), "username", user)
	s.Set(r.Context(), "token", token)
	if err := s.Save(r.Context()); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()[0]
}

// swap gives each of two files the other's content.
func swap(t *testing.T, a, b string) {
	t.Helper()
	dataA, errA := os.ReadFile(a)
	dataB, errB := os.ReadFile(b)
	if err := errors.Join(errA, errB, os.WriteFile(a, dataB, 0o600), os.WriteFile(b, dataA, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func username(t *testing.T, m *session.Manager, c *http.Cookie) any {
	t.Helper()
	s, err := m.Start(httptest.NewRecorder(), request(c))
	if err != nil {
		t.Fatal(err)
	}
	return s.Get(context.Background(), "username")
}

func request(c *http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if c != nil {
		r.AddCookie(c)
	}
	return r
}
