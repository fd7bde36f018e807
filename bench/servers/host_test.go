package servers

import (
	"os"
	"strings"
	"testing"
)

func TestHost(t *testing.T) {
	h := new(Host)
	var dir string
	order := ""
	skipped, err := h.Try(func() {
		dir = h.TempDir()
		h.Cleanup(func() { order += "1" })
		h.Cleanup(func() { order += "2" })
		h.Skipf("left out, needs %s", "redis")
		t.Error("Skipf returned")
	})
	if err != nil || skipped != "left out, needs redis" {
		t.Errorf("got %v, %q", err, skipped)
	}
	_, err = h.Try(func() {
		h.Fatalf("no %s", "port")
		t.Error("Fatalf returned")
	})
	if err == nil || err.Error() != "no port" {
		t.Errorf("got %v", err)
	}
	if err := h.Close(); err == nil || !strings.Contains(err.Error(), "no port") || order != "21" {
		t.Errorf("got %v, cleaned up in the order %s", err, order)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is there still: %v", err)
	}
}
