package session_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// A file is something to send that net/http can send without copying.
func file(t testing.TB, content string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "page.txt")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// answers are the ways in which a handler can begin its response.
var answers = []struct {
	name   string
	http1  bool // HTTP/2 cannot
	method string
	status int
	body   string
	do     func(t *testing.T, w http.ResponseWriter, r *http.Request) error
}{
	{name: "Write", body: "hello", do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write([]byte("hello"))
		return err
	}},
	{name: "an empty Write", do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write(nil)
		return err
	}},
	{name: "WriteString", body: "hello", do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		_, err := w.(io.StringWriter).WriteString("hello")
		return err
	}},
	{name: "WriteHeader 200", do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusOK)
		return nil
	}},
	{name: "WriteHeader 204", status: http.StatusNoContent, do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}},
	{name: "WriteHeader 304", status: http.StatusNotModified, do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}},
	{name: "WriteHeader 500", status: http.StatusInternalServerError, do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusInternalServerError)
		return nil
	}},
	{name: "WriteHeader 101", http1: true, status: http.StatusSwitchingProtocols, body: "hello", do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "echo")
		w.WriteHeader(http.StatusSwitchingProtocols) // as some WebSocket packages do before they hijack
		conn, rw, err := http.NewResponseController(w).Hijack()
		return first(err, func() error {
			defer conn.Close()
			fmt.Fprint(rw, "hello")
			return rw.Flush()
		})
	}},
	{name: "redirect", status: http.StatusSeeOther, do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Location", "/next")
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}},
	{name: "HEAD", method: "HEAD", do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write([]byte("hello"))
		return err
	}},
	{name: "Flush", do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		w.(http.Flusher).Flush()
		return nil
	}},
	{name: "ResponseController.Flush", do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		return http.NewResponseController(w).Flush()
	}},
	{name: "ReadFrom", body: "hello", do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		_, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("hello"))
		return err
	}},
	{name: "copy of a file", body: "hello", do: func(t *testing.T, w http.ResponseWriter, _ *http.Request) error {
		_, err := io.Copy(w, file(t, "hello"))
		return err
	}},
	{name: "ServeContent", body: "hello", do: func(t *testing.T, w http.ResponseWriter, r *http.Request) error {
		http.ServeContent(w, r, "page.txt", time.Time{}, file(t, "hello"))
		return nil
	}},
	{name: "ServeFile", body: "hello", do: func(t *testing.T, w http.ResponseWriter, r *http.Request) error {
		http.ServeFile(w, r, file(t, "hello").Name())
		return nil
	}},
	{name: "ResponseController.Hijack", http1: true, body: "hello", do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		conn, rw, err := http.NewResponseController(w).Hijack()
		return first(err, func() error { return answerByHand(w, conn, rw) })
	}},
	{name: "Hijack", http1: true, body: "hello", do: func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		conn, rw, err := w.(http.Hijacker).Hijack()
		return first(err, func() error { return answerByHand(w, conn, rw) })
	}},
}

// answerByHand writes a response to a hijacked connection.
func answerByHand(w http.ResponseWriter, conn net.Conn, rw *bufio.ReadWriter) error {
	defer conn.Close()
	fmt.Fprint(rw, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n")
	if err := w.Header().Write(rw); err != nil {
		return err
	}
	fmt.Fprint(rw, "\r\nhello")
	return rw.Flush()
}

func TestEachWayToAnswerSavesFirst(t *testing.T) {
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, protocol string) {
				if tt.http1 && protocol != "HTTP/1.1" {
					t.Skip("HTTP/2 cannot")
				}
				f := newFaulty(t)
				m := newNode(t, f.provider())
				done := make(chan struct{}) // a hijacker's client does not wait for it
				h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s := current(t, m, r)
					set(t, s, "a", 1)
					if err := tt.do(t, w, r); err != nil {
						t.Error(err)
					}
					if n := f.records(t); n != 1 {
						t.Errorf("%d records", n)
					}
					if err := s.Regenerate(r.Context()); err == nil {
						t.Error("the response was not begun")
					}
					set(t, s, "b", 2)
				}))
				srv := serve(t, protocol, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer close(done)
					h.ServeHTTP(w, r)
				}))
				method, status := "GET", http.StatusOK
				if tt.method != "" {
					method = tt.method
				}
				if tt.status != 0 {
					status = tt.status
				}
				c := new(client)
				res, body := c.fetch(t, srv, method)
				<-done
				if res.StatusCode != status || body != tt.body {
					t.Errorf("status %d, body %q", res.StatusCode, body)
				}
				if got := res.Header["Set-Cookie"]; len(got) != 1 {
					t.Fatalf("Set-Cookie = %q", got)
				}
				if a, b := c.value(t, m, "a"), c.value(t, m, "b"); a != 1 || b != 2 {
					t.Errorf("a = %v, b = %v", a, b)
				}
			})
		})
	}
}

// TestEachWayToAnswerNoticesAFailedSave says that no way to begin a response lets it pass as a success.
func TestEachWayToAnswerNoticesAFailedSave(t *testing.T) {
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			f := newFaulty(t)
			var log reports
			m := newNode(t, f.provider(), log.options()[:1]...)
			srv := serve(t, "HTTP/1.1", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				set(t, current(t, m, r), "a", 1)
				f.down(refused)
				_ = tt.do(t, w, r)
			})))
			res, _ := new(client).fetch(t, srv, "GET")
			if res.StatusCode != http.StatusServiceUnavailable || res.Header["Set-Cookie"] != nil {
				t.Errorf("status %d, Set-Cookie %q", res.StatusCode, res.Header["Set-Cookie"])
			}
			if n := f.records(t); n != 0 {
				t.Errorf("%d records", n)
			}
		})
	}
	t.Run("nothing", func(t *testing.T) {
		f := newFaulty(t)
		var log reports
		m := newNode(t, f.provider(), log.options()[:1]...)
		res := new(client).do(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			set(t, current(t, m, r), "a", 1)
			f.down(refused)
		})).ServeHTTP)
		if res.StatusCode != http.StatusServiceUnavailable || res.Header["Set-Cookie"] != nil {
			t.Errorf("status %d, Set-Cookie %q", res.StatusCode, res.Header["Set-Cookie"])
		}
	})
}

// A client that sends its sid in a header is not told of it once more when the session is gone.
func TestDestroyedMeanwhileIsNotAnsweredInTheHeader(t *testing.T) {
	const header = "X-Session"
	m := newManager(t, session.CfgSessionIdInHTTPHeader(true), session.CfgSetSessionNameInHTTPHeader(header), session.CfgLogger(quiet))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set(header, seed(t, m, nil).sid())
	w := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s := current(t, m, r)
		set(t, s, "a", 1)
		if err := m.DestroyByID(r.Context(), s.ID()); err != nil {
			t.Error(err)
		}
	})).ServeHTTP(w, r)
	if got := w.Header()[header]; got != nil {
		t.Errorf("%s = %q", header, got)
	}
}
