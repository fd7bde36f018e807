package session_test

import (
	"bytes"
	"encoding/gob"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// A withdrawn is a type that this program stops knowing, as one does whose new build does not register it.
type withdrawn struct{ Name string }

var isWithdrawn atomic.Bool

func (w *withdrawn) GobDecode(data []byte) error {
	if isWithdrawn.Load() {
		return errors.New("not in this build")
	}
	w.Name = string(data)
	return nil
}

func (w withdrawn) GobEncode() ([]byte, error) { return []byte(w.Name), nil }

func init() { gob.Register(withdrawn{}) }

// TestUndecodable has a value that this build cannot decode. gob decodes all values or none, so the visitor would have lost all
// of them, and would look like an anonymous one.
func TestUndecodable(t *testing.T) {
	for _, e := range storing() {
		if e.codec != "gob" || e.name == "memory/gob" { // in memory nothing is from another build
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			defer isWithdrawn.Store(false)
			var logged bytes.Buffer
			m := e.open(t, session.CfgLogger(slog.New(slog.NewTextHandler(&logged, nil))))
			c := seed(t, m, map[any]any{"user": "ann", "cart": withdrawn{"tea"}})
			isWithdrawn.Store(true)
			w := httptest.NewRecorder()
			if _, err := m.Start(w, c.request()); !errors.Is(err, session.ErrCorrupt) {
				t.Errorf("Start = %v, want an error wrapping ErrCorrupt", err)
			}
			m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, err := m.FromContext(r.Context()); !errors.Is(err, session.ErrCorrupt) {
					t.Errorf("FromContext = %v, want an error wrapping ErrCorrupt", err)
				}
				w.WriteHeader(http.StatusServiceUnavailable)
			})).ServeHTTP(w, c.request())
			if got := w.Header()["Set-Cookie"]; got != nil {
				t.Errorf("the visitor gets %q", got)
			}
			if n := strings.Count(logged.String(), "\n"); n > 2 {
				t.Errorf("two requests have logged %d lines:\n%s", n, &logged)
			}
			isWithdrawn.Store(false)
			wantValues(t, "stored is", c.open(t, m), map[string]any{"user": "ann", "cart": withdrawn{"tea"}})
			isWithdrawn.Store(true)
			c.do(func(w http.ResponseWriter, r *http.Request) {
				if err := m.Destroy(w, r); err != nil {
					t.Errorf("Destroy = %v", err)
				}
			})
			if c.cookie != "" {
				t.Error("not destroyed")
			}
		})
	}
}
