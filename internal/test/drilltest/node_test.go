package drilltest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// patience is how long anything may take, on a machine with much else to do.
const patience = time.Minute

// A node is a process that serves clients.
type node struct {
	version string // of the source that it was built from
	url     string
	client  *http.Client
	cmd     *exec.Cmd
	stdin   io.Closer
	log     bytes.Buffer // what it has printed as errors; read when it has ended
	ended   bool
}

// start starts a program with a config, and returns when it serves.
func start(t *testing.T, version, program, config string) *node {
	t.Helper()
	n := &node{
		version: version,
		client:  &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		cmd:     exec.Command(program),
	}
	n.cmd.Stderr = &n.log
	stdin, err := n.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	n.stdin = stdin
	stdout, err := n.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !n.ended {
			n.cmd.Process.Kill()
			n.cmd.Wait()
		}
	})
	io.WriteString(stdin, config+"\n") // a node that does not read says why
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the %s node does not serve: %v", version, n.stop())
	}
	n.url = "http://" + strings.TrimSpace(address)
	return n
}

// stop ends the node in its own orderly way. It is an error if it has anything to tell.
func (n *node) stop() error {
	timer := time.AfterFunc(patience, func() { n.cmd.Process.Kill() })
	defer timer.Stop()
	n.stdin.Close()
	err := n.cmd.Wait()
	n.ended = true
	n.client.CloseIdleConnections()
	if err != nil || n.log.Len() > 0 {
		return fmt.Errorf("the %s node ended with %v and has logged: %s", n.version, err, strings.TrimSpace(n.log.String()))
	}
	return nil
}

// facts are what a session holds, by its names in the node's answers.
type facts map[string]string

// These names stand for no value of the application: see the node's.
const (
	userFact   = "user"
	noticeFact = "notice"
	numberFact = "number"
)

// An answer is a node's: what the session held when the request began, and what the request has made.
type answer struct {
	Seen, Made facts
	cookies    []*http.Cookie
}

// ask sends one request, such as "increment", with the cookies of a session.
func (n *node) ask(request string, args url.Values, cookies jar) (answer, error) {
	var a answer
	r, err := http.NewRequest(http.MethodPost, n.url+"/"+request+"?"+args.Encode(), nil)
	if err != nil {
		return a, err
	}
	for name, value := range cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	resp, err := n.client.Do(r)
	if err != nil {
		return a, fmt.Errorf("%s: %w", request, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return a, fmt.Errorf("%s: %w", request, err)
	}
	if resp.StatusCode != http.StatusOK {
		return a, fmt.Errorf("%s: status %d: %s", request, resp.StatusCode, strings.TrimSpace(string(body)))
	}
	a.cookies = resp.Cookies()
	return a, json.Unmarshal(body, &a)
}

// A jar holds the cookies of one visitor.
type jar map[string]string

// take returns the jar after an answer.
func (j jar) take(set []*http.Cookie) jar {
	after := make(jar)
	for name, value := range j {
		after[name] = value
	}
	for _, c := range set {
		if c.MaxAge < 0 {
			delete(after, c.Name)
		} else {
			after[c.Name] = c.Value
		}
	}
	return after
}
