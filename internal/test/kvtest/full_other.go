//go:build !linux

package kvtest

import "testing"

func (e Engine) diskFull(t *testing.T) { t.Skip("a small file system is mounted only on Linux") }
