package beegotest_test

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"

	beegosession "github.com/beego/beego/v2/server/web/session"
	_ "github.com/beego/beego/v2/server/web/session/ledis"

	"github.com/seed1a8f7c28/session"
	_ "github.com/seed1a8f7c28/session/contrib/ledis"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
)

// beego's provider never closes its folder, and LedisDB locks it. So beego runs in processes of its own.
func TestMain(m *testing.M) {
	if !proctest.Run(proctest.Roles{"begin": begin, "go on": goOn, "is gone": isGone}) {
		m.Run()
	}
}

// A cart is a type of the application's own.
type cart struct{ Items map[string]int }

func init() { gob.Register(cart{}) }

// values are what an application has in a session.
func values() map[any]any {
	return map[any]any{
		"username": "astaxie", "uid": 42, "visits": int64(1) << 40, "admin": true, "raw": []byte{0, 1, 2, 255},
		"cart": cart{map[string]int{"tea": 2}}, 7: "an int as the key", "": "",
	}
}

func request(sid string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	if sid != "" {
		r.Header.Set("Cookie", "gosessionid="+sid)
	}
	return r
}

// beegos returns beego's manager on a folder.
func beegos(config string) (*beegosession.Manager, error) {
	return beegosession.NewManager("ledis", &beegosession.ManagerConfig{
		CookieName: "gosessionid", EnableSetCookie: true, Gclifetime: 3600, Maxlifetime: 3600, ProviderConfig: config,
	})
}

// inBeego handles a request with beego's manager and returns the session's sid.
func inBeego(config, sid string, do func(s beegosession.Store) error) (string, error) {
	m, err := beegos(config)
	if err != nil {
		return "", err
	}
	s, err := m.SessionStart(httptest.NewRecorder(), request(sid))
	if err != nil {
		return "", err
	}
	got := s.SessionID(context.Background())
	if sid != "" && got != sid {
		return "", errors.New("beego did not find the session")
	}
	err = do(s)
	s.SessionRelease(context.Background(), httptest.NewRecorder())
	return got, err
}

// begin is the role of beego when it begins a session. It prints the sid.
func begin(config string) error {
	sid, err := inBeego(config, "", func(s beegosession.Store) error {
		for k, v := range values() {
			if err := s.Set(context.Background(), k, v); err != nil {
				return err
			}
		}
		return nil
	})
	fmt.Print(sid)
	return err
}

// goOn is the role of beego when it comes back. It must find its values and what was changed here.
func goOn(text string) error {
	config, sid, _ := strings.Cut(text, "\n")
	_, err := inBeego(config, sid, func(s beegosession.Store) error {
		want := values()
		want["here"] = "too"
		for k, v := range want {
			if got := s.Get(context.Background(), k); !reflect.DeepEqual(got, v) {
				return fmt.Errorf("in beego %v is %#v, want %#v", k, got, v)
			}
		}
		return s.Set(context.Background(), "again", 1)
	})
	return err
}

// isGone is the role of beego when the session was destroyed here.
func isGone(text string) error {
	config, sid, _ := strings.Cut(text, "\n")
	m, err := beegos(config)
	if err != nil {
		return err
	}
	if there, err := m.GetProvider().SessionExist(context.Background(), sid); there || err != nil {
		return fmt.Errorf("beego finds the session: %t, %v", there, err)
	}
	return nil
}

// beego runs a role, and returns what it prints.
func beego(t *testing.T, role string, config ...string) string {
	t.Helper()
	out, err := proctest.Command(role, strings.Join(config, "\n")).Output()
	must(t, err)
	return string(out)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ours returns our manager on the same folder.
func ours(t *testing.T, config string) *session.Manager {
	t.Helper()
	m, err := session.NewManager("ledis", session.NewManagerConfig(
		session.CfgBeego(true), session.CfgCookieName("gosessionid"), session.CfgMaxLifeTime(3600), session.CfgProviderConfig(config),
	))
	must(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

// TestStoredSessions has beego begin a session. We read and change it, then beego does, then we destroy it.
func TestStoredSessions(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, config := range []string{"data", "data,3", `{"save_path": "json data", "db": 15}`, ""} {
		t.Run(config, func(t *testing.T) {
			sid, ctx := beego(t, "begin", config), t.Context()
			m := ours(t, config)
			s, err := m.Start(httptest.NewRecorder(), request(sid))
			must(t, err)
			if s.IsNew() || s.SessionID(ctx) != sid {
				t.Fatal("the session was not found")
			}
			for k, v := range values() {
				if got := s.Get(ctx, k); !reflect.DeepEqual(got, v) {
					t.Errorf("%v is %#v, want %#v", k, got, v)
				}
			}
			must(t, s.Set(ctx, "here", "too"))
			must(t, s.Save(ctx))
			must(t, m.Close())

			beego(t, "go on", config, sid)

			m = ours(t, config)
			s, err = m.Start(httptest.NewRecorder(), request(sid))
			must(t, err)
			if got := s.Get(ctx, "again"); got != 1 {
				t.Errorf("what beego has set is %v, want 1", got)
			}
			must(t, m.Destroy(httptest.NewRecorder(), request(sid)))
			must(t, m.Close())
			beego(t, "is gone", config, sid)
		})
	}
}

// TestInUse opens a folder that an application of beego's has open, and says why that does not work.
func TestInUse(t *testing.T) {
	folder := t.TempDir()
	if _, err := inBeego(folder, "", func(beegosession.Store) error { return nil }); err != nil {
		t.Fatal(err)
	}
	_, err := session.NewManager("ledis", session.NewManagerConfig(session.CfgBeego(true), session.CfgProviderConfig(folder)))
	if err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("%v, want that the folder is in use", err)
	}
	if _, err := os.Stat(folder); err != nil {
		t.Error(err)
	}
}
