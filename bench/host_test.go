package main

import (
	"os"
	"strings"
	"testing"
)

func TestHost(t *testing.T) {
	h := new(host)
	var dir string
	order := ""
	err := h.try(func() {
		dir = h.TempDir()
		h.Cleanup(func() { order += "1" })
		h.Cleanup(func() { order += "2" })
		h.Skipf("left out, needs %s", "redis")
		t.Error("Skipf returned")
	})
	if err != nil || h.skipped != "left out, needs redis" {
		t.Errorf("got %v, %q", err, h.skipped)
	}
	err = h.try(func() {
		h.Fatalf("no %s", "port")
		t.Error("Fatalf returned")
	})
	if err == nil || err.Error() != "no port" {
		t.Errorf("got %v", err)
	}
	if err := h.close(); err == nil || !strings.Contains(err.Error(), "no port") || order != "21" {
		t.Errorf("got %v, cleaned up in the order %s", err, order)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is there still: %v", err)
	}
}
