package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed1a8f7c28/session/bench/workload"
)

// Conns is the number of connections to a server, each with one request at a time.
const Conns = 32

// Served measures a workload behind a server. This process makes the requests. CPU, allocations and bytes are only those of
// the server.
func (p *Process) Served(w workload.Workload, d time.Duration) (workload.Result, error) {
	var addr string
	var cookies []string
	err := errors.Join(
		p.Ask(Request{Do: Serve}, &addr), p.Ask(Request{Do: Cookies, Workload: w.Name}, &cookies),
	)
	if err != nil {
		return workload.Result{}, err
	}
	clients, err := dial(addr)
	if err != nil {
		return workload.Result{}, err
	}
	defer clients.close()
	if _, err := clients.load(w, cookies, d/2); err != nil {
		return workload.Result{}, err
	}
	var before, after workload.Usage
	if err := p.Ask(Request{Do: Usage}, &before); err != nil {
		return workload.Result{}, err
	}
	begun := time.Now()
	n, err := clients.load(w, cookies, d)
	if err != nil {
		return workload.Result{}, err
	}
	wall := time.Since(begun)
	if err := p.Ask(Request{Do: Usage}, &after); err != nil {
		return workload.Result{}, err
	}
	return after.Since(before, wall, n), nil
}

// A client has its own connection.
type client struct {
	net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
	next int // request
}

type clients []*client

func dial(addr string) (clients, error) {
	var all clients
	for i := range Conns {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			all.close()
			return nil, err
		}
		all = append(all, &client{conn, bufio.NewReader(conn), bufio.NewWriter(conn), i * 7919})
	}
	return all, nil
}

func (all clients) close() {
	for _, c := range all {
		c.Close()
	}
}

// load sends requests for a time and returns the number of answers.
func (all clients) load(w workload.Workload, cookies []string, d time.Duration) (int64, error) {
	until := time.Now().Add(d)
	var answered atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, len(all))
	for i, c := range all {
		wg.Go(func() {
			for first := true; errs[i] == nil && (first || time.Now().Before(until)); first = false {
				if errs[i] = c.ask(w, cookies); errs[i] == nil {
					answered.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return answered.Load(), errors.Join(errs...)
}

// ask sends the next request and waits for its answer.
func (c *client) ask(w workload.Workload, cookies []string) error {
	c.next++
	fmt.Fprintf(c.out, "GET /%s HTTP/1.1\r\nHost: example.com\r\n", w.Kinds[c.next%len(w.Kinds)])
	if cookie := w.Cookie(cookies, c.next); cookie != "" {
		fmt.Fprintf(c.out, "Cookie: %s\r\n", cookie)
	}
	if _, err := c.out.WriteString("\r\n"); err != nil {
		return err
	}
	if err := c.out.Flush(); err != nil {
		return err
	}
	return readOK(c.in)
}

func readOK(in *bufio.Reader) error {
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, body)
	}
	return nil
}
