package session_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"testing"
	"time"
)

func TestAnInformationalResponseCommitsNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, protocol string) {
		f := newFaulty(t)
		m := newNode(t, f.provider())
		srv := serve(t, protocol, m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s := current(t, m, r)
			set(t, s, "a", 1)
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusProcessing)
			if n := f.records(t); n != 0 {
				t.Errorf("%d records", n)
			}
			if err := s.Regenerate(r.Context()); err != nil {
				t.Error(err)
			}
			w.Header().Del("Link")
			fmt.Fprint(w, "hello")
		})))
		var early []string
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
				early = append(early, fmt.Sprint(code, " ", header.Get("Link"), header["Set-Cookie"]))
				return nil
			},
		})
		c := new(client)
		res, _ := c.send(t, srv, ctx, "GET")
		if want := "[103 </style.css>; rel=preload[] 102 </style.css>; rel=preload[]]"; fmt.Sprint(early) != want {
			t.Errorf("informational: %v", early)
		}
		if len(res.Header["Set-Cookie"]) != 1 || c.value(t, m, "a") != 1 {
			t.Errorf("Set-Cookie = %q", res.Header["Set-Cookie"])
		}
	})
}

// 101 is no informational response: after it the connection speaks another protocol.
func TestSwitchingProtocolsSavesFirst(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := new(client)
	res := c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set(t, current(t, m, r), "a", 1)
		w.WriteHeader(http.StatusSwitchingProtocols)
		if n := f.records(t); n != 1 {
			t.Errorf("%d records", n)
		}
	})).ServeHTTP)
	if len(res.Header["Set-Cookie"]) != 1 || c.value(t, m, "a") != 1 {
		t.Errorf("Set-Cookie = %q", res.Header["Set-Cookie"])
	}
}

func TestResponseControllerReachesTheConnection(t *testing.T) {
	onBoth(t, func(t *testing.T, protocol string) {
		m := newManager(t)
		srv := serve(t, protocol, m.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			rc := http.NewResponseController(w)
			for name, err := range map[string]error{
				"SetReadDeadline":  rc.SetReadDeadline(time.Now().Add(time.Minute)),
				"SetWriteDeadline": rc.SetWriteDeadline(time.Now().Add(time.Minute)),
				"EnableFullDuplex": rc.EnableFullDuplex(),
			} {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			fmt.Fprint(w, "hello")
		})))
		if _, body := new(client).fetch(t, srv, "GET"); body != "hello" {
			t.Errorf("body %q", body)
		}
	})
}

// plain is a ResponseWriter without any more methods.
type plain struct{ http.ResponseWriter }

// wrapping is one that leads to another.
type wrapping struct{ plain }

func (w wrapping) Unwrap() http.ResponseWriter { return w.plain.ResponseWriter }

// flushing has only the method of ResponseController.
type flushing struct {
	plain
	flushes *int
}

func (w flushing) FlushError() error { *w.flushes++; return nil }

func TestAFlusherExactlyIfTheOneBeneathIs(t *testing.T) {
	flushes := 0
	for _, tt := range []struct {
		name    string
		w       http.ResponseWriter
		flusher bool
		can     bool // ResponseController can flush
	}{
		{"recorder", httptest.NewRecorder(), true, true},
		{"plain", plain{httptest.NewRecorder()}, false, false},
		{"wrapping", wrapping{plain{httptest.NewRecorder()}}, false, true},
		{"FlushError", flushing{plain{httptest.NewRecorder()}, &flushes}, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newManager(t)
			m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, ok := w.(http.Flusher); ok != tt.flusher {
					t.Errorf("a Flusher: %v", ok)
				}
				err := http.NewResponseController(w).Flush()
				if (err == nil) != tt.can || err != nil && !errors.Is(err, http.ErrNotSupported) {
					t.Errorf("Flush = %v", err)
				}
				if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrNotSupported) {
					t.Errorf("Hijack = %v", err)
				}
				// What could not be done has sent no headers.
				if err := current(t, m, r).Set(r.Context(), "a", 1); (err == nil) == tt.can {
					t.Errorf("Set = %v", err)
				}
			})).ServeHTTP(tt.w, httptest.NewRequest("GET", "/", nil))
		})
	}
	if flushes != 1 {
		t.Errorf("%d flushes", flushes)
	}
	t.Run("TimeoutHandler", func(t *testing.T) {
		m := newManager(t)
		h := http.TimeoutHandler(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if _, ok := w.(http.Flusher); ok {
				t.Error("a Flusher")
			}
		})), time.Minute, "")
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	})
	t.Run("Hijack over HTTP/2", func(t *testing.T) {
		m := newManager(t)
		srv := serve(t, "HTTP/2.0", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrNotSupported) {
				t.Errorf("Hijack = %v", err)
			}
			set(t, current(t, m, r), "a", 1) // the handler falls back to an ordinary answer
		})))
		c := new(client)
		if c.fetch(t, srv, "GET"); c.value(t, m, "a") != 1 {
			t.Error("not saved")
		}
	})
}

// A sender is a ResponseWriter that can send files, as net/http's.
type sender struct {
	*httptest.ResponseRecorder
	sent []string // types of what was sent
}

func (s *sender) ReadFrom(src io.Reader) (int64, error) {
	s.sent = append(s.sent, fmt.Sprintf("%T", src))
	return io.Copy(s.ResponseRecorder, src)
}

func TestFilesReachTheReaderFromBeneath(t *testing.T) {
	serve := func(w http.ResponseWriter, r *http.Request, f *os.File) {
		if r.URL.Path == "/content" {
			http.ServeContent(w, r, "page.txt", time.Time{}, f)
		} else if _, err := io.Copy(w, f); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{"/copy", "/content"} {
		m := newManager(t)
		direct, wrapped := &sender{ResponseRecorder: httptest.NewRecorder()}, &sender{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest("GET", path, nil)
		serve(direct, r, file(t, "hello"))
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			set(t, current(t, m, r), "a", 1)
			serve(w, r, file(t, "hello"))
		})).ServeHTTP(wrapped, r)
		// net/http looks at the type of the source for what the kernel can send by itself.
		if len(direct.sent) == 0 || fmt.Sprint(wrapped.sent) != fmt.Sprint(direct.sent) {
			t.Errorf("%s: sent %v, without Handler %v", path, wrapped.sent, direct.sent)
		}
		if wrapped.Body.String() != "hello" || len(wrapped.Header()["Set-Cookie"]) != 1 {
			t.Errorf("%s: body %q, Set-Cookie %q", path, wrapped.Body, wrapped.Header()["Set-Cookie"])
		}
	}
}

// TestAStreamSavesAsItGoes follows a handler that sends events and saves between them.
func TestAStreamSavesAsItGoes(t *testing.T) {
	onBoth(t, func(t *testing.T, protocol string) {
		m := newManager(t)
		c := seed(t, m, nil)
		next := make(chan struct{})
		srv := serve(t, protocol, m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s := current(t, m, r)
			for i := range 3 {
				set(t, s, "events", i)
				if err := s.Save(r.Context()); err != nil {
					t.Error(err)
				}
				fmt.Fprintln(w, i)
				w.(http.Flusher).Flush()
				<-next
			}
		})))
		r, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", c.cookie)
		res, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		for i := range 3 {
			if !lines.Scan() || lines.Text() != fmt.Sprint(i) {
				t.Fatalf("line %q, %v", lines.Text(), lines.Err())
			}
			if got := c.value(t, m, "events"); got != i {
				t.Errorf("events = %v", got)
			}
			next <- struct{}{}
		}
	})
}

// TestAHijackedConnectionKeepsTheSession follows a handler that talks on its connection, as with WebSocket.
func TestAHijackedConnectionKeepsTheSession(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, nil)
	srv := serve(t, "HTTP/1.1", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := current(t, m, r)
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		line, _, _ := rw.ReadLine()
		set(t, s, "said", string(line))
		if err := s.Save(r.Context()); err != nil {
			t.Error(err)
		}
		fmt.Fprint(rw, "saved\n")
		rw.Flush()
	})))
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n\r\nhello\n", c.cookie)
	if got, err := io.ReadAll(conn); err != nil || string(got) != "saved\n" {
		t.Fatalf("answer %q, %v", got, err)
	}
	if got := c.value(t, m, "said"); got != "hello" {
		t.Errorf("said = %v", got)
	}
}
