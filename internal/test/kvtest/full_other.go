//go:build !linux

package kvtest

import "testing"

func (e Engine) readOnly(t *testing.T) { t.Skip("a file system is made read-only only on Linux") }

func (e Engine) diskFull(t *testing.T) { t.Skip("a small file system is mounted only on Linux") }
