package browser

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

var screenshots = flag.String("screenshots", "", "the `folder` to keep the screenshots of the examples in; make screenshots sets it")

// examples are the programs below examples/.
var examples struct {
	once   sync.Once
	folder string
	err    error
}

// runExample builds the examples, runs one until the end of the test, and returns its address.
func runExample(t *testing.T, name string, args ...string) (address string) {
	t.Helper()
	examples.once.Do(func() {
		if examples.folder, examples.err = os.MkdirTemp("", "session-examples"); examples.err != nil {
			return
		}
		build := exec.Command("go", "build", "-o", examples.folder+"/", "./examples/...")
		build.Dir = filepath.Join("..", "..")
		if said, err := build.CombinedOutput(); err != nil {
			examples.err = fmt.Errorf("%w\n%s", err, said)
		}
	})
	if examples.err != nil {
		t.Fatal(examples.err)
	}
	program := exec.CommandContext(t.Context(), filepath.Join(examples.folder, name), append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	program.Stdout, program.Stderr = w, w
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the test's context is done
		_ = program.Wait()
		r.Close()
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if address = regexp.MustCompile(`http://\S+/`).FindString(line); address == "" {
		t.Fatalf("%s says %q, %v", name, line, err)
	}
	return address
}

// login fills the form of examples/login.
func (t *tab) login(name string) {
	t.Helper()
	t.typeIn("#name", name)
	t.typeIn("#password", "open sesame")
	t.click("button")
}

// TestWithoutJavaScript visits examples/login in a browser that runs no scripts.
func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	w := open(t)
	tab := w.tab("about:blank")
	tab.do("scripts off", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	tab.visit(runExample(t, "events"))
	tab.click("button")
	tab.sees("Hello, Ann", "Without scripts the page shows no time.")

	tab.visit(runExample(t, "login"))
	tab.sees("Log in")
	tab.login(" ")
	tab.sees("Enter a name.")
	tab.login("Ada")
	tab.sees("Hello, Ada", "You are logged in.", "You have counted to 0.")
	tab.click("button")
	tab.click("button")
	tab.sees("Hello, Ada", "You have counted to 2.")
	tab.click("button.quiet")
	tab.sees("Log in")
	if left := w.jar("login"); len(left) != 0 {
		t.Errorf("%d cookies are left", len(left))
	}
}

// TestOutage halts the Redis server of examples/login, and has it go on.
func TestOutage(t *testing.T) {
	t.Parallel()
	server := servertest.StartRedis(t, servertest.RedisOptions{})
	config := filepath.Join(t.TempDir(), "config.json")
	text := fmt.Sprintf(`{"provider": "redis", "providerConfig": {"addr": %q}, "cookieName": "login", "opTimeout": "1s"}`, server.Addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w := open(t)
	address := runExample(t, "login", "-config", config)
	tab := w.tab(address)
	tab.login("Ada")
	tab.sees("Hello, Ada")
	before := w.cookie("login").Value

	server.Pause(t)
	tab.visit(address)
	tab.sees("Please try again", "Try again")
	tab.keep("unavailable")
	server.Resume(t)
	tab.click("a")
	tab.sees("Hello, Ada")
	if w.cookie("login").Value != before {
		t.Error("the outage has changed the cookie")
	}
}

func TestLoginExample(t *testing.T) {
	t.Parallel()
	tab := open(t).tab(runExample(t, "login"))
	tab.keep("login-form")
	tab.login("Ada")
	tab.sees("Hello, Ada", "You are logged in.")
	for range 3 {
		tab.click("button")
	}
	tab.sees("You have counted to 3.")
	tab.keep("login")
}

// TestEventsExample logs out in one window of two.
func TestEventsExample(t *testing.T) {
	t.Parallel()
	address := runExample(t, "events")
	w := open(t)
	one := w.tab(address)
	one.click("button")
	one.sees("Hello, Ann")
	other := w.tab(address)
	other.sees("Hello, Ann")
	for _, tab := range []*tab{one, other} {
		tab.matches(regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d$`))
	}
	one.keep("events")
	other.click("button")
	other.sees("Log in")
	one.sees("Logged out", "You have logged out elsewhere.")
	one.keep("events-ended")
	one.click("button")
	one.sees("/", "Log in")
}

func TestFasthttpExample(t *testing.T) {
	t.Parallel()
	w := open(t)
	tab := w.tab(runExample(t, "fasthttp"))
	tab.typeIn("#name", " ")
	tab.click("button")
	tab.sees("Enter a name of at most 40 characters.")
	tab.typeIn("#name", "Ada")
	tab.click("button")
	tab.sees("Hello, Ada", "You have counted to 0.")
	tab.click("button")
	tab.sees("You have counted to 1.")
	tab.keep("fasthttp")
	tab.click("button.quiet")
	tab.sees("Log in")
	if left := w.jar("login"); len(left) != 0 {
		t.Errorf("%d cookies are left", len(left))
	}
}

// keep takes a screenshot, and writes it down where make screenshots wants it.
func (t *tab) keep(name string) {
	t.Helper()
	t.do("viewport", chromedp.EmulateViewport(480, 450))
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(shot)); err != nil || len(shot) > 100_000 {
		t.Errorf("%s: a screenshot of %d bytes, %v", name, len(shot), err)
	}
	if *screenshots != "" {
		if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), shot, 0o644); err != nil {
			t.Error(err)
		}
	}
}
