package sessionfasthttp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/rawhttp"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
)

// stream answers with what write writes, once the client has the headers: fasthttp itself lets a stream's writer begin
// while the handler still runs.
func stream(ctx *fasthttp.RequestCtx, headers <-chan struct{}, write func(w *bufio.Writer)) {
	ctx.Response.ImmediateHeaderFlush = true
	ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
		<-headers
		write(w)
	})
}

// visitStream is visit, and closes headers when it has them.
func visitStream(t *testing.T, address, sid string, headers chan<- struct{}) (res *http.Response, body string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	r.Header.Set("Cookie", "gosessionid="+sid)
	res, err = http.DefaultTransport.RoundTrip(r)
	close(headers)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func TestWhatAStreamChangesIsSavedAtItsEnd(t *testing.T) {
	m := newManager(t)
	ann(t, m)
	headers := make(chan struct{})
	address, _ := serveFastHandler(t, &fasthttp.Server{Handler: sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
		s := current(t, m, ctx)
		set(t, s, "before", 1)
		stream(ctx, headers, func(w *bufio.Writer) {
			if got := values(t, m, "before"); got[0] != 1 {
				t.Error("not saved before the stream")
			}
			set(t, s, "during", 1)
			if err := s.Regenerate(context.Background()); !errors.Is(err, session.ErrCommitted) {
				t.Errorf("Regenerate: %v", err)
			}
			fmt.Fprint(w, "streamed")
		})
	})})
	if res, body := visitStream(t, address, annSID, headers); body != "streamed" || res.Header["Set-Cookie"] != nil {
		t.Errorf("body %q, Set-Cookie %q", body, res.Header["Set-Cookie"])
	}
	eventually(t, "saved", func() bool { return values(t, m, "during")[0] == 1 })
}

func TestASessionCannotBeginInAStream(t *testing.T) {
	m := newManager(t)
	headers := make(chan struct{})
	address, stop := serveFastHandler(t, &fasthttp.Server{Handler: sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
		s := current(t, m, ctx)
		stream(ctx, headers, func(w *bufio.Writer) {
			if err := s.Set(context.Background(), "a", 1); !errors.Is(err, session.ErrCommitted) {
				t.Errorf("Set: %v", err)
			}
			fmt.Fprint(w, "streamed")
		})
	})})
	if res, body := visitStream(t, address, "", headers); body != "streamed" || res.Header["Set-Cookie"] != nil {
		t.Errorf("body %q, Set-Cookie %q", body, res.Header["Set-Cookie"])
	}
	stop()
	if n := m.GetActiveSession(); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

func TestAFailedSaveAfterAStreamIsReported(t *testing.T) {
	b := newShaky(t)
	reported := make(chan error, 1)
	m := newNode(t, b.provider(), quiet, session.CfgErrorHandler(func(w http.ResponseWriter, _ *http.Request, err error) {
		if w != nil {
			t.Error("there is nothing to answer any more")
		}
		reported <- err
	}))
	ann(t, m)
	headers := make(chan struct{})
	address, _ := serveFastHandler(t, &fasthttp.Server{Handler: sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
		s := current(t, m, ctx)
		stream(ctx, headers, func(w *bufio.Writer) {
			set(t, s, "during", 1)
			b.down.Store(true)
			fmt.Fprint(w, "streamed")
		})
	})})
	visitStream(t, address, annSID, headers)
	select {
	case err := <-reported:
		if !errors.Is(err, errDown) {
			t.Errorf("reported %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("not reported")
	}
	b.down.Store(false)
}

// TestAStreamBesideItsHandler changes the session while Handler saves it. Whichever comes first, nothing is lost.
func TestAStreamBesideItsHandler(t *testing.T) {
	m := newManager(t)
	ann(t, m)
	address, stop := serveFastHandler(t, &fasthttp.Server{Handler: sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
		s := current(t, m, ctx)
		ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
			for range 10 {
				if _, err := s.Increment(context.Background(), "n", 1); err != nil {
					t.Error(err)
				}
			}
			fmt.Fprint(w, "streamed")
		})
	})})
	for range 50 {
		visit(t, address, annSID)
	}
	stop()
	if got := values(t, m, "n"); got[0] != int64(500) {
		t.Errorf("n = %v", got)
	}
}

func TestAHijackedConnection(t *testing.T) {
	m := newManager(t)
	done := make(chan string, 1)
	address, _ := serveFastHandler(t, &fasthttp.Server{Handler: sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
		s := current(t, m, ctx)
		set(t, s, "before", 1)
		ctx.SetStatusCode(fasthttp.StatusSwitchingProtocols)
		ctx.Response.Header.Set("Upgrade", "echo")
		ctx.Response.Header.Set("Connection", "Upgrade")
		ctx.Hijack(func(c net.Conn) {
			line, _ := bufio.NewReader(c).ReadString('\n')
			if err := s.Set(context.Background(), "line", line); err != nil {
				t.Error(err)
			}
			done <- s.SessionID(context.Background())
			_, _ = io.WriteString(c, line)
		})
	})})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols || len(res.Cookies()) != 1 {
		t.Fatalf("status %d, Set-Cookie %q", res.StatusCode, res.Header["Set-Cookie"])
	}
	if s, err := m.GetSessionStore(res.Cookies()[0].Value); err != nil || s.Get(t.Context(), "before") != 1 {
		t.Error("not saved before the upgrade", err)
	}
	fmt.Fprint(conn, "hello\n")
	if line, err := in.ReadString('\n'); line != "hello\n" {
		t.Fatalf("%q, %v", line, err)
	}
	sid := <-done
	eventually(t, "saved after the upgrade", func() bool {
		s, err := m.GetSessionStore(sid)
		return err == nil && s.Get(t.Context(), "line") == "hello\n"
	})
}

func TestEarlyHintsCommitNothing(t *testing.T) {
	b := newShaky(t)
	m := newNode(t, b.provider())
	address, _ := serveFastHandler(t, &fasthttp.Server{Handler: sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
		set(t, current(t, m, ctx), "a", 1)
		ctx.Response.Header.Add("Link", "</style.css>; rel=preload")
		if err := ctx.EarlyHints(); err != nil {
			t.Error(err)
		}
		if n := b.records(t); n != 0 {
			t.Errorf("%d records", n)
		}
	})})
	early := 0
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			if early++; code != http.StatusEarlyHints || header["Set-Cookie"] != nil {
				t.Errorf("status %d, %v", code, header)
			}
			return nil
		},
	}), http.MethodGet, "http://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := new(http.Transport).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if early != 1 || len(res.Cookies()) != 1 || b.records(t) != 1 {
		t.Errorf("%d hints, Set-Cookie %q, %d records", early, res.Header["Set-Cookie"], b.records(t))
	}
}

// TestATimeoutAroundHandler lets the application go on; what it changes is saved, and the answer has no part of it.
func TestATimeoutAroundHandler(t *testing.T) {
	m := newManager(t)
	ann(t, m)
	goOn := make(chan struct{})
	address, _ := serveFastHandler(t, &fasthttp.Server{Handler: fasthttp.TimeoutHandler(
		sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
			s := current(t, m, ctx)
			<-goOn
			set(t, s, "late", 1)
			if err := s.Regenerate(ctx); err != nil {
				t.Error(err)
			}
		}), 10*time.Millisecond, "too late")})
	res, body := visit(t, address, annSID)
	if res.StatusCode != http.StatusRequestTimeout || body != "too late" || res.Header["Set-Cookie"] != nil {
		t.Errorf("status %d, body %q, Set-Cookie %q", res.StatusCode, body, res.Header["Set-Cookie"])
	}
	close(goOn)
	eventually(t, "regenerated", func() bool { _, err := m.GetSessionStore(annSID); return err != nil })
}

// TestShutdownLetsRequestsFinish although the context of a RequestCtx is over by then.
func TestShutdownLetsRequestsFinish(t *testing.T) {
	b := newShaky(t)
	m := newNode(t, b.provider())
	ann(t, m)
	under := make(chan struct{})
	address, stop := serveFastHandler(t, &fasthttp.Server{Handler: sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
		close(under)
		<-ctx.Done() // until the server is shutting down
		set(t, current(t, m, ctx), "a", 1)
	})})
	go func() {
		<-under
		stop()
	}()
	if res, _ := visit(t, address, annSID); res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
	if got := values(t, m, "a"); got[0] != 1 {
		t.Error("not saved")
	}
	stop()
}

// TestHeaderNamesAsSent are found in any case.
func TestHeaderNamesAsSent(t *testing.T) {
	m := newManager(t, headerSid...)
	ann(t, m)
	address, _ := serveFastHandler(t, &fasthttp.Server{
		DisableHeaderNamesNormalizing: true,
		Handler: sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
			fmt.Fprint(ctx, current(t, m, ctx).Get(ctx, "user"))
		}),
	})
	for _, line := range []string{"cookie: gosessionid=" + annSID, "COOKIE: a=1; gosessionid=" + annSID, "x-sid: " + annSID} {
		if _, body := rawhttp.Exchange(t, address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+line+"\r\n\r\n"); body != "ann" {
			t.Errorf("%.10s: the session is %s's", line, body)
		}
	}
}

// TestSecure is set on TLS, and behind a proxy that is trusted.
func TestSecure(t *testing.T) {
	m := newManager(t, session.CfgTrustedProxies("127.0.0.1"))
	h := func(ctx *fasthttp.RequestCtx) {
		if _, err := sessionfasthttp.Start(m, ctx); err != nil {
			t.Error(err)
		}
	}
	address, _ := serveFastHandler(t, &fasthttp.Server{Handler: h})
	for proto, want := range map[string]bool{
		"https": true, "wss": true, "https,https": true, "https\r\nX-Forwarded-Proto: https": true, "http": false, "http, https": false,
		"http\r\nForwarded: for=_a;proto=https": true,
	} {
		_, _ = visit(t, address, "")
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: %s\r\nConnection: close\r\n\r\n", proto)
		answer, _ := io.ReadAll(conn)
		conn.Close()
		if got := strings.Contains(string(answer), "; Secure"); got != want {
			t.Errorf("%s: Secure = %v", proto, got)
		}
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	certificate := httptest.NewUnstartedServer(nil)
	certificate.StartTLS()
	defer certificate.Close()
	server := &fasthttp.Server{Handler: h}
	done := make(chan error, 1)
	go func() { done <- server.Serve(tls.NewListener(l, certificate.TLS)) }()
	res, err := certificate.Client().Get("https://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if len(res.Cookies()) != 1 || !res.Cookies()[0].Secure {
		t.Errorf("Set-Cookie %q", res.Header["Set-Cookie"])
	}
	certificate.Client().CloseIdleConnections()
	if err := errors.Join(server.Shutdown(), <-done); err != nil {
		t.Error(err)
	}
}
