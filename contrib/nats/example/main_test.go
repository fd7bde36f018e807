package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// TestFleet visits three nodes by turns, then ends one of them and visits the others.
func TestFleet(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var listeners []net.Listener
	var cluster []string
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners, cluster = append(listeners, l), append(cluster, l.Addr().String())
	}
	for _, l := range listeners {
		l.Close()
	}
	dir, nodes := t.TempDir(), make([]*node, 3)
	var starting sync.WaitGroup
	for i := range nodes {
		starting.Go(func() {
			n, err := start(ctx, cluster, i, dir)
			if err != nil {
				t.Error(err)
			}
			nodes[i] = n
		})
	}
	starting.Wait()
	if t.Failed() {
		return
	}
	cookie, visits := "", 0
	visit := func(n *node) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) { // until the others agree on what is to be done
			r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
			if cookie != "" {
				r.Header.Set("Cookie", cookie)
			}
			n.visits().ServeHTTP(w, r)
			if w.Code == http.StatusServiceUnavailable && time.Now().Before(end) {
				continue
			}
			visits++
			if want := fmt.Sprintf("visit number %d\n", visits); w.Body.String() != want {
				t.Fatalf("status %d, %q, want %q", w.Code, w.Body, want)
			}
			if c := w.Result().Cookies(); len(c) > 0 {
				cookie = c[0].String()
			}
			return
		}
	}
	for range 2 {
		for _, n := range nodes {
			visit(n)
		}
	}
	if err := nodes[0].close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		visit(nodes[1])
		visit(nodes[2])
	}
	for _, n := range nodes[1:] {
		n.close()
	}
}
