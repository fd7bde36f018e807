package browser

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// patience is how long the browser may take for one thing, on a machine with much else to do.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	// The stories wait for the browser more than they compute. What -parallel says comes later, and counts.
	if err := flag.Set("test.parallel", strconv.Itoa(max(6, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	code := m.Run()
	if common.stop != nil {
		common.stop()
	}
	if examples.folder != "" {
		os.RemoveAll(examples.folder)
	}
	os.Exit(code)
}

// common is the browser that tests share.
var common struct {
	once sync.Once
	ctx  context.Context
	stop func()
	err  error
}

// start starts a browser with its data in folder. stop ends it as its user would: what it keeps is kept.
func start(program, folder string) (ctx context.Context, stop func(), err error) {
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.UserDataDir(folder),
		chromedp.NoSandbox, // which containers seldom allow; the pages are ours
		chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1"),
		// Not ignore-certificate-errors: what comes with an error is never put into the browser's cache.
		chromedp.Flag("ignore-certificate-errors-spki-list", certified()),
	)
	allocated, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, _ = chromedp.NewContext(allocated)
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		return nil, nil, fmt.Errorf("%s does not start: %w", program, err)
	}
	return ctx, func() {
		_ = chromedp.Cancel(ctx) // it has closed, or is ended now
		cancel()
	}, nil
}

// certified names the key of httptest's certificate as Chromium wants it.
func certified() string {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	sum := sha256.Sum256(server.Certificate().RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// A window has cookies of its own, which its tabs share.
type window struct {
	*testing.T
	ctx  context.Context // of its first tab
	id   cdp.BrowserContextID
	used bool // the first tab
}

// open opens a window of the shared browser, which is closed with the test.
func open(t *testing.T) *window {
	t.Helper()
	program := servertest.Chromium(t)
	common.once.Do(func() {
		folder, err := os.MkdirTemp("", "session-browser")
		if err != nil {
			common.err = err
			return
		}
		var stop func()
		common.ctx, stop, common.err = start(program, folder)
		common.stop = func() {
			if stop != nil {
				stop()
			}
			os.RemoveAll(folder)
		}
	})
	if common.err != nil {
		t.Fatal(common.err)
	}
	return openIn(t, common.ctx, chromedp.WithNewBrowserContext())
}

// openIn opens a window of a browser.
func openIn(t *testing.T, browser context.Context, opts ...chromedp.ContextOption) *window {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, opts...)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return &window{T: t, ctx: ctx, id: chromedp.FromContext(ctx).BrowserContextID}
}

// A tab is one of a window.
type tab struct {
	*window
	ctx context.Context
}

// tab opens a tab.
func (w *window) tab(address string) *tab {
	w.Helper()
	t := &tab{w, w.ctx}
	if w.used { // as its first tab
		ctx, cancel := chromedp.NewContext(w.ctx)
		w.Cleanup(cancel)
		if err := chromedp.Do(ctx); err != nil {
			w.Fatal(err)
		}
		t.ctx = ctx
	}
	w.used = true
	t.visit(address)
	return t
}

// do has the tab do something, in good time.
func (t *tab) do(what string, action chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, action); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// visit loads a page as the address bar does.
func (t *tab) visit(address string) {
	t.Helper()
	t.do(address, chromedp.Navigate(address))
}

// typeIn types into the field that the selector finds.
func (t *tab) typeIn(selector, text string) {
	t.Helper()
	t.do(selector, chromedp.SendKeys(chromedp.CSS(selector), text))
}

// click clicks what the selector finds, and waits for the page that this loads.
func (t *tab) click(selector string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		t.Fatalf("click on %s: %v; the page is\n%s", selector, err, t.page())
	}
}

// run runs a script of the page, and waits for nothing that it begins.
func (t *tab) run(script string) {
	t.Helper()
	t.do(script, chromedp.Evaluate[chromedp.Void](script))
}

// page returns what the tab shows: its path, its title, its text.
func (t *tab) page() string {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`[location.pathname, document.title, document.body.innerText].join("\n")`))
	if err != nil { // between two pages
		return err.Error()
	}
	return text
}

// sees waits until the tab shows all of these, each as a line.
func (t *tab) sees(lines ...string) {
	t.Helper()
	t.await(fmt.Sprintf("%q", lines), func(page string) bool {
		return !slices.ContainsFunc(lines, func(line string) bool { return !strings.Contains("\n"+page+"\n", "\n"+line+"\n") })
	})
}

// matches waits until what the tab shows matches.
func (t *tab) matches(pattern *regexp.Regexp) {
	t.Helper()
	t.await(pattern.String(), pattern.MatchString)
}

func (t *tab) await(what string, is func(page string) bool) {
	t.Helper()
	page := t.page()
	for limit := time.Now().Add(patience); !is(page); page = t.page() {
		if time.Now().After(limit) {
			t.Fatalf("want %s, the page is\n%s", what, page)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// jar returns the cookies of the window that have the name.
func (w *window) jar(name string) (found []*network.Cookie) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	all, err := chromedp.CallBrowser(ctx, storage.GetCookies, storage.GetCookiesParams{BrowserContextID: w.id})
	if err != nil {
		w.Fatal(err)
	}
	for _, c := range all.Cookies {
		if c.Name == name {
			found = append(found, c)
		}
	}
	return found
}

// cookie returns the window's one cookie of the name.
func (w *window) cookie(name string) *network.Cookie {
	w.Helper()
	found := w.jar(name)
	if len(found) != 1 {
		w.Fatalf("the browser has %d cookies named %s, want one", len(found), name)
	}
	return found[0]
}
