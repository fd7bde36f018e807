package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// A visitor has a browser of its own.
type visitor struct {
	t      *testing.T
	base   string
	client *http.Client
}

// start runs the program and returns its address.
func start(t *testing.T) (base string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-addr", "127.0.0.1:0"}, in)
		in.CloseWithError(err)
		done <- err
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return strings.TrimSuffix(regexp.MustCompile(`http://\S+`).FindString(line), "/")
}

func visit(t *testing.T, base string) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t, base, &http.Client{Jar: jar, Transport: new(http.Transport)}}
	t.Cleanup(v.client.CloseIdleConnections)
	return v
}

func (v *visitor) page(res *http.Response, err error) string {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return string(body)
}

func (v *visitor) home() string { v.t.Helper(); return v.page(v.client.Get(v.base + "/")) }

func (v *visitor) post(path string, form url.Values) string {
	v.t.Helper()
	return v.page(v.client.PostForm(v.base+path, form))
}

func (v *visitor) cookies() []*http.Cookie {
	u, err := url.Parse(v.base)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.client.Jar.Cookies(u)
}

func wantIn(t *testing.T, page, want string) {
	t.Helper()
	if !strings.Contains(page, want) {
		t.Errorf("no %q in\n%s", want, page)
	}
}

func TestAVisit(t *testing.T) {
	base := start(t)
	ada, bob := visit(t, base), visit(t, base)
	wantIn(t, ada.home(), "Log in")
	if len(ada.cookies()) != 0 {
		t.Error("a mere visit sets a cookie")
	}
	wantIn(t, ada.post("/login", url.Values{"name": {"<Ada>"}}), "Hello, &lt;Ada&gt;. You have counted to 0.")
	wantIn(t, bob.post("/login", url.Values{"name": {"Bob"}}), "Hello, Bob.")
	wantIn(t, ada.post("/count", nil), "counted to 1.")
	wantIn(t, ada.post("/count", nil), "counted to 2.")
	wantIn(t, bob.home(), "counted to 0.")

	before := ada.cookies()[0].Value
	wantIn(t, ada.post("/login", url.Values{"name": {"<Ada>"}}), "counted to 2.")
	if ada.cookies()[0].Value == before {
		t.Error("a login keeps the sid")
	}
	wantIn(t, ada.post("/login", url.Values{"name": {"Eve"}}), "Hello, Eve. You have counted to 0.")
	stolen := visit(t, base)
	u, _ := url.Parse(base)
	stolen.client.Jar.SetCookies(u, ada.cookies())
	wantIn(t, stolen.home(), "Hello, Eve.")
	wantIn(t, ada.post("/logout", nil), "Log in")
	wantIn(t, stolen.home(), "Log in")
	wantIn(t, ada.post("/count", nil), "Log in")
	if len(ada.cookies()) != 0 {
		t.Error("the logout leaves a cookie")
	}
	wantIn(t, bob.home(), "Hello, Bob.")
	wantIn(t, bob.post("/login", url.Values{"name": {strings.Repeat("x", 41)}}), "Enter a name")
	wantIn(t, bob.post("/nowhere", nil), "not found")
}

func TestForgedRequestsAreRefused(t *testing.T) {
	base := start(t)
	v := visit(t, base)
	v.post("/login", url.Values{"name": {"Ada"}})
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://attacker.example"} {
		r, err := http.NewRequest(http.MethodPost, base+"/count", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(name, value)
		wantIn(t, v.page(v.client.Do(r)), "forbidden")
	}
	wantIn(t, v.home(), "counted to 0.")
}

func TestRunFails(t *testing.T) {
	for _, args := range [][]string{{"-addr", "256.0.0.1:1"}, {"now"}, {"-color"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
	if err := run(t.Context(), []string{"-help"}, io.Discard); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
