package kvtest

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/sample"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// readOnly makes the file system read-only that a closed store is on: opening it is an error that says so, and afterwards the
// store is as it was.
func (e Engine) readOnly(t *testing.T) {
	dir := t.TempDir()
	size := "size=" + strconv.Itoa(max(e.DiskMB, 4)) + "m"
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, size); err != nil {
		t.Skipf("needs the right to mount a file system (root, CAP_SYS_ADMIN): %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	path, key := filepath.Join(dir, "sessions"), sessiontest.Key("k")
	s := e.opened(t, path)
	if err := s.Create(t.Context(), key, sample.Numbered(1)); err != nil {
		t.Fatal(err)
	}
	if err := closed(s); err != nil {
		t.Fatal(err)
	}
	remount := func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, size); err != nil {
			t.Fatal(err)
		}
	}
	remount(syscall.MS_RDONLY)
	for _, path := range []string{path, filepath.Join(dir, "new")} {
		_, err := e.open(t.Context(), path)
		c, ok := errors.AsType[*session.ConfigError](err)
		if !ok || !strings.Contains(c.Error(), path) || !strings.Contains(c.Error(), syscall.EROFS.Error()) || strings.Contains(c.Error(), "damaged") {
			t.Errorf("Open: %v, want a *ConfigError that names %s and says that it is read-only", err, path)
		}
	}
	remount(0)
	if rec := load(t, e.opened(t, path), key); rec == nil || sample.Whole(rec) != nil {
		t.Error("the session is not as it was")
	}
}

// diskFull fills the file system that a store is on: calls that need room fail, nothing is lost, and all works again when
// there is room.
func (e Engine) diskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+strconv.Itoa(max(e.DiskMB, 4))+"m"); err != nil {
		t.Skipf("needs the right to mount a file system (root, CAP_SYS_ADMIN): %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	path := filepath.Join(dir, "sessions")
	s := e.opened(t, path)
	ctx, old := t.Context(), sessiontest.Key("old")
	if err := s.Create(ctx, old, sample.Numbered(1)); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 512<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	larger := sample.Numbered(1)
	larger.User, larger.Data = "another", bytes.Repeat([]byte("x"), 256<<10)
	var acknowledged []string
	var err error
	for i := 0; err == nil && i < 2000; i++ { // the store may have room of its own
		key := sessiontest.Key("new " + strconv.Itoa(i))
		if err = s.Create(ctx, key, larger); err == nil {
			acknowledged = append(acknowledged, key)
		}
	}
	if err == nil {
		t.Fatal("nothing fails on a full disk")
	}
	t.Logf("%d sessions have found room, then: %v", len(acknowledged), err)
	failed := sessiontest.Key("new " + strconv.Itoa(len(acknowledged)))
	for call, err := range map[string]error{
		"Create": err,
		"Save":   s.Save(ctx, old, larger),
		"Rename": s.(driver.Renamer).Rename(ctx, old, 1, sessiontest.Key("renamed"), larger, driver.Mark{}),
	} {
		if err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrExists) {
			t.Errorf("%s on a full disk: %v", call, err)
		}
		for _, key := range []string{old, failed} {
			if err != nil && strings.Contains(err.Error(), key) {
				t.Errorf("%s: %q shows a key", call, err)
			}
		}
	}
	check := func(when string) {
		t.Helper()
		if rec := load(t, s, old); rec == nil || rec.Version != 1 || sample.Whole(rec) != nil {
			t.Errorf("%s the old session is not as it was", when)
		}
		for _, key := range acknowledged {
			if rec := load(t, s, key); rec == nil || !bytes.Equal(rec.Data, larger.Data) {
				t.Fatalf("%s a session is gone that was acknowledged", when)
			}
		}
		if load(t, s, failed) != nil {
			t.Errorf("%s a session is there whose Create failed", when)
		}
	}
	check("on the full disk")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	check("with room again")
	larger.Version = 1
	if err := s.Save(ctx, old, larger); err != nil {
		t.Errorf("Save with room again: %v", err)
	}
	if err := closed(s); err != nil {
		t.Error(err)
	}
	e.checkEntries(t, path)
}
