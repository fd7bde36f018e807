package session_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestREADMEProgram builds the program that README.md begins with, as it stands there but for the port, and visits it
// as a browser would.
func TestREADMEProgram(t *testing.T) {
	const shown = `"127.0.0.1:8080"`
	program := snippets(t, "README.md", "go")[0].code
	if strings.Count(program, shown) != 1 {
		t.Fatalf("README.md's program does not listen on %s", shown)
	}
	address := freeAddress(t)
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	if err := os.WriteFile(source, []byte(strings.Replace(program, shown, fmt.Sprintf("%q", address), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	server := exec.CommandContext(t.Context(), binary)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			break
		}
		if time.Since(begin) > time.Minute {
			t.Fatal(err)
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for visitor, browser := range []*http.Client{{Jar: jar}, {}} {
		for visit := 1; visit <= 3; visit++ {
			want := fmt.Sprintf("visit number %d\n", visit)
			if visitor == 1 { // who keeps no cookie is somebody new each time
				want = "visit number 1\n"
			}
			if got := get(t, browser, "http://"+address+"/"); got != want {
				t.Errorf("visitor %d, visit %d: %q, want %q", visitor, visit, got, want)
			}
		}
	}
}

// freeAddress returns an address of this machine on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
