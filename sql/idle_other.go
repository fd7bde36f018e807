//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package sql

const canPeek = false

func isSilent(uintptr) bool { return true }
