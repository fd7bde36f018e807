package session_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

// A manager whose sids reach no client says so, once. A literal ManagerConfig makes such a manager.
func TestAManagerWithoutAChannelWarns(t *testing.T) {
	for _, tt := range []struct {
		name     string
		provider func() session.Provider
		cfg      session.ManagerConfig
		warns    int
	}{
		{"literal", memory.New, session.ManagerConfig{}, 1},
		{"third party", func() session.Provider { return newShelf() }, session.ManagerConfig{}, 1},
		{"sealed", newSealerProvider, session.ManagerConfig{}, 0}, // there is always a cookie
		{"cookie", memory.New, session.ManagerConfig{EnableSetCookie: true}, 0},
		{"query", memory.New, session.ManagerConfig{EnableSidInURLQuery: true}, 0},
		{"header", memory.New, session.ManagerConfig{EnableSidInHTTPHeader: true, SessionNameInHTTPHeader: "X-Session"}, 0},
		{"usual", memory.New, *session.NewManagerConfig(), 0},
	} {
		var log bytes.Buffer
		tt.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		m, err := session.New(tt.provider(), &tt.cfg)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			new(client).do(func(w http.ResponseWriter, r *http.Request) { save(t, start(t, m, w, r)) })
		}
		if got := strings.Count(log.String(), "level=WARN"); got != tt.warns || strings.Count(log.String(), "json.Unmarshal") != tt.warns {
			t.Errorf("%s: %d warnings, want %d: %s", tt.name, got, tt.warns, &log)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A provider that is used without a manager has no clients to answer.
func TestAProviderWithoutAManagerDoesNotWarn(t *testing.T) {
	var log bytes.Buffer
	before := session.SLogger
	session.SLogger = session.NewSessionLog(&log)
	defer func() { session.SLogger = before }()
	openFacade(t, memory.New())
	if log.Len() > 0 {
		t.Errorf("it logs %s", &log)
	}
}
